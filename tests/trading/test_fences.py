"""Fences and epochs in the database: who may shut what, and whose writes count."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.models import VenueAccount
from audit.models import AuditEntry
from core.errors import Conflict
from risk.models import HaltState, TradingHalt
from tests.builders import a_claimed_order, a_fill, a_market, an_account, an_ack, an_epoch
from trading.models import FenceState, Fill, Order, OrderStatus, TraderLease, VenueFence
from trading.selectors.fences import fence_limit_u, is_dead, live_fence, own_fence, unheld_fences
from trading.services import lease as leases
from trading.services.fences import fence_close, fence_close_unheld, fence_open, fences_older
from trading.services.fills import fill_book
from trading.services.lease import is_held_elsewhere, lease_bind, lease_release
from trading.services.orders import order_acknowledge, order_end_proven, order_mark_unknown
from trading.services.pauses import (
    FENCE_SHUT,
    account_pause,
    account_unpause,
    fence_lost,
    unknown_orders_alert,
)
from venues.types import MICRO

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> VenueAccount:
    return an_account()


@pytest.fixture(autouse=True)
def unbound():
    yield
    lease_bind({})


def taken_over(account: VenueAccount, holder: str) -> int:
    """A second holder may take a lease that the first let go of."""
    lease = TraderLease.objects.filter(venue_account=account).first()
    if lease is not None:
        lease_release(venue_account=account, holder=lease.holder, epoch=lease.epoch)
    return an_epoch(account, holder)


def test_only_fences_of_older_epochs_are_handed_out_and_only_to_the_holder(account):
    first = taken_over(account, "first")
    fence_open(venue_account=account, epoch=first, token="a")
    assert fences_older(venue_account=account, epoch=first) == []
    second = taken_over(account, "second")
    assert [fence.token for fence in fences_older(venue_account=account, epoch=second)] == ["a"]
    with pytest.raises(Conflict) as caught:
        fences_older(venue_account=account, epoch=first)
    assert caught.value.code == "lease_lost"


def test_an_account_has_one_live_fence_and_a_new_one_only_after_the_old_is_dead(account):
    first = taken_over(account, "first")
    fence_open(venue_account=account, epoch=first, token="a")
    second = taken_over(account, "second")
    with pytest.raises(Conflict) as caught:
        fence_open(venue_account=account, epoch=second, token="b")
    assert caught.value.code == "fence_live"
    assert fence_close(venue_account=account, epoch=second, token="a")
    assert not fence_close(venue_account=account, epoch=second, token="a")
    fence_open(venue_account=account, epoch=second, token="b")
    assert VenueFence.objects.filter(state=FenceState.LIVE).count() == 1
    assert is_dead(account, "a") and not is_dead(account, "b") and not is_dead(account, "")
    assert [entry.kind for entry in AuditEntry.objects.filter(kind__startswith="fence.").order_by("seq")] == [
        "fence.opened",
        "fence.closed",
        "fence.opened",
    ]


def test_a_trader_that_slept_through_a_takeover_can_neither_open_nor_close_nor_find_a_fence(account):
    first = taken_over(account, "first")
    second = taken_over(account, "second")
    fence_open(venue_account=account, epoch=second, token="b")
    for attempt in (
        lambda: fence_open(venue_account=account, epoch=first, token="z"),
        lambda: fence_close(venue_account=account, epoch=first, token="b"),
    ):
        with pytest.raises(Conflict) as caught:
            attempt()
        assert caught.value.code == "lease_lost"
    assert own_fence(account, epoch=first) is None, "what it would shut is never the fence of the one after it"
    fence = live_fence(account)
    assert fence is not None and (fence.token, fence.epoch) == ("b", second)


def test_a_thread_bound_to_an_epoch_that_is_over_writes_nothing(account):
    market = a_market()
    order = a_claimed_order(account, market)
    mine = TraderLease.objects.get(venue_account=account).epoch
    lease_bind({account.pk: mine})
    order_mark_unknown(order=order, code="timeout")
    taken_over(account, "second")
    for write in (
        lambda: order_acknowledge(order=order, ack=an_ack(order)),
        lambda: order_end_proven(order=order, to=OrderStatus.VOID, evidence={"proof": "none"}),
        lambda: fill_book(venue_account=account, report=a_fill(account, market, order=order)),
    ):
        with pytest.raises(Conflict) as caught:
            write()
        assert caught.value.code == "lease_lost"
    assert (Order.objects.get().status, Fill.objects.count()) == ("claimed", 0)
    lease_bind({})
    order_acknowledge(order=order, ack=an_ack(order))
    assert Order.objects.get().status == "open", "a person, or the new trader's thread, may"


def test_a_binding_is_of_its_thread_only():
    lease_bind({7: 3})
    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(leases.bound_epoch, 7).result() is None
    assert leases.bound_epoch(7) == 3


def test_a_follower_sees_that_another_holds_the_account_until_it_lets_go(account):
    epoch = an_epoch(account, "leader")
    seen = {"mode": account.mode, "holder": "follower"}
    assert is_held_elsewhere(account.user, **seen)
    assert not is_held_elsewhere(account.user, mode=account.mode, holder="leader")
    lease_release(venue_account=account, holder="leader", epoch=epoch)
    assert not is_held_elsewhere(account.user, **seen)


def test_the_venues_throttle_is_what_the_exposure_limit_buys_or_the_deployments_number(account, settings):
    assert fence_limit_u(account) == 90_000 * MICRO, "$9,000 at ten cents"
    settings.FENCE_CONTRACTS_PER_WINDOW = 250
    assert fence_limit_u(account) == 250 * MICRO


def test_a_pause_of_ours_is_set_once_and_lifted_only_while_it_is_ours(account):
    pause = {"venue_account": account, "code": "venue_auth"}
    assert account_pause(**pause, reason="key") and not account_pause(**pause, reason="key")
    assert account_unpause(**pause, reason="well") and not account_unpause(**pause, reason="well")
    assert account_pause(**pause, reason="again")
    TradingHalt.objects.update(state=HaltState.HALTED)
    assert not account_unpause(**pause, reason="well")


@pytest.mark.parametrize(("is_ours", "state"), [(True, HaltState.HALTED), (False, None)])
def test_a_fence_that_the_venue_shut_halts_the_account_unless_another_trader_holds_it(account, is_ours, state):
    epoch = taken_over(account, "first")
    if not is_ours:
        taken_over(account, "second")
    assert fence_lost(venue_account=account, epoch=epoch, reason="too much") is is_ours
    halt = TradingHalt.objects.filter(code=FENCE_SHUT).first()
    assert (halt.state if halt is not None else None) == state
    assert account.user.alerts.filter(code="trader_fenced").count() == 1


def test_an_order_without_an_answer_for_two_minutes_is_told_once(account):
    order = a_claimed_order(account, a_market())
    Order.objects.update(sent_at=order.claimed_at, created_at=order.created_at)
    at = order.created_at
    assert unknown_orders_alert(venue_account=account, at=at.replace(year=at.year + 1)) == 1
    assert unknown_orders_alert(venue_account=account, at=at.replace(year=at.year + 1)) == 1
    assert account.user.alerts.filter(code="order_unknown").count() == 1
    assert unknown_orders_alert(venue_account=account, at=at) == 0


def test_the_guard_may_shut_only_what_nobody_holds_any_more(account):
    first = taken_over(account, "first")
    fence = fence_open(venue_account=account, epoch=first, token="a")
    assert unheld_fences(account) == []
    assert not fence_close_unheld(fence=fence, actor="guard"), "its trader may trade"
    taken_over(account, "second")
    assert unheld_fences(account) == [fence], "of an older epoch: nobody may use it"
    assert fence_close_unheld(fence=fence, actor="guard")
    assert not fence_close_unheld(fence=fence, actor="guard")
    assert (unheld_fences(account), is_dead(account, "a")) == ([], True)
