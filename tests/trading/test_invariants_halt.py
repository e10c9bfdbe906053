"""A broken invariant stops trading by itself: as strictly as it asks, once, and no longer than it must."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db.models import F

from accounts.models import VenueAccount
from markets.models import Market
from notifications.models import Alert, OutboxMessage
from risk.models import HaltScope, HaltState, TradingHalt
from risk.selectors import effective_state
from risk.services import halt_resume
from tests.builders import NOON_MS, ONE, a_claimed_order, a_fill, a_market, an_account
from tests.swapped import swapped
from trading.models import AccountLedger, Order, OrphanedOrder
from trading.services import invariants
from trading.services.claims import CLIENT_ID_PREFIX
from trading.services.fills import fill_book
from trading.services.invariants import CODE, invariants_check
from trading.services.orders import order_apply_report
from trading.services.orphans import orphan_adopt
from venues.types import OrderReport, OrderState, Outcome, Side, Venue

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    fill_book(venue_account=account, report=a_fill(account, market, order=order))
    return order


def state() -> HaltState:
    return effective_state([(HaltScope.GLOBAL, "")]).state


def spoil_cash(by: int = 1) -> None:
    AccountLedger.objects.update(cash_u=F("cash_u") + by)


def test_good_books_stop_nothing(order):
    assert invariants_check(confirm_after_s=0) == 0
    assert (state(), Alert.objects.filter(code=CODE).count()) == (HaltState.ACTIVE, 0)


def test_sums_that_disagree_pause_everything_until_they_agree(order):
    spoil_cash()
    assert invariants_check(confirm_after_s=0) == 2
    assert state() is HaltState.PAUSED
    told = Alert.objects.filter(code=CODE)
    assert sorted(alert.title for alert in told) == ["INV-25 does not hold", "INV-29 does not hold"]
    invariants_check(confirm_after_s=0)
    assert (told.count(), TradingHalt.objects.get(code=CODE).epoch) == (2, 1)
    spoil_cash(-1)
    assert invariants_check(confirm_after_s=0) == 0
    assert state() is HaltState.ACTIVE


def test_an_order_that_is_not_what_its_evidence_says_halts_everything_until_people_have_looked(order):
    spoil_cash()
    invariants_check(confirm_after_s=0)
    Order.objects.update(filled_u=F("filled_u") + 1)
    invariants_check(confirm_after_s=0)
    halt = TradingHalt.objects.get(code=CODE)
    assert (halt.state, halt.reason[:6]) == (HaltState.HALTED, "INV-07")
    Order.objects.update(filled_u=F("filled_u") - 1)
    assert invariants_check(confirm_after_s=0) == 2
    spoil_cash(-1)
    assert invariants_check(confirm_after_s=0) == 0
    assert state() is HaltState.HALTED


def test_what_is_only_late_is_told_and_stops_nothing(order):
    OutboxMessage.objects.update(created_at="2026-01-01 00:00:00+00:00")
    assert invariants_check(confirm_after_s=0) == 1
    assert state() is HaltState.ACTIVE
    assert Alert.objects.get(code=CODE).title == "INV-42 does not hold"


def test_what_a_second_look_does_not_find_is_none(order):
    """Rows moved while they were read: what the first look saw is over before the second."""
    spoil_cash()
    with swapped(time, "sleep", lambda _seconds: spoil_cash(-1)):
        assert invariants_check() == 0
    assert state() is HaltState.ACTIVE


def test_who_arms_again_accepts_what_was_told_and_only_news_stop_again(order):
    spoil_cash()
    invariants_check(confirm_after_s=0)
    halt_resume(halt=TradingHalt.objects.get(code=CODE), reason="the cent is explained", actor="op")
    assert invariants_check(confirm_after_s=0) == 2
    assert state() is HaltState.ACTIVE
    Order.objects.update(filled_u=F("filled_u") + 1)
    invariants_check(confirm_after_s=0)
    assert state() is HaltState.HALTED


def a_stranger(account: VenueAccount, market: Market, **changes: Any) -> OrderReport:
    values: dict[str, Any] = {
        "venue": Venue(account.venue), "account": account.account_key, "client_order_id": "", "venue_order_id": "v-2",
        "market_id": market.market_id, "state": OrderState.RESTING, "filled_u": 0, "remaining_u": 10 * ONE,
        "venue_ms": NOON_MS, "side": Side.BUY, "outcome": Outcome.YES, "price_u": 400_000, "qty_u": 10 * ONE,
    }  # fmt: skip
    return OrderReport(**{**values, **changes})


def test_an_adopted_order_and_one_that_its_owner_enlarged_break_nothing():
    account, market = an_account(), a_market()
    found = a_stranger(account, market, client_order_id=f"{CLIENT_ID_PREFIX}lost", venue_order_id="v-1")
    order_apply_report(venue_account=account, report=found)
    orphan_adopt(orphan=OrphanedOrder.objects.get(), reason="it is ours", actor="op")
    for qty_u in (10 * ONE, 30 * ONE):
        theirs = a_stranger(account, market, qty_u=qty_u, remaining_u=qty_u)
        order_apply_report(venue_account=account, report=theirs)
    external = Order.objects.get(is_external=True)
    assert (external.qty_u, external.reserved_u) == (30 * ONE, external.max_cost_u)
    assert external.max_cost_u >= 30 * external.price_u
    whole = a_fill(account, market, venue_order_id="v-2", client_order_id="", qty_u=40 * ONE, price_u=external.price_u)
    fill_book(venue_account=account, report=whole)
    assert invariants_check(confirm_after_s=0) == 0
    external.refresh_from_db()
    assert (external.qty_u, external.filled_u, external.status, external.reserved_u) == (
        40 * ONE, 40 * ONE, "filled", 0,
    )  # fmt: skip


def test_more_violations_than_one_look_tells_are_told_at_the_next_ones(order):
    spoil_cash()
    with swapped(invariants, "ALERTS_AT_MOST", 1):
        counts = []
        for _ in range(3):
            invariants_check(confirm_after_s=0)
            counts.append(Alert.objects.filter(code=CODE).count())
    assert counts == [1, 2, 2]


def spoil_one_cent() -> None:
    """Off by the same amount whatever is booked later: cash, reservations, and what one order holds."""
    AccountLedger.objects.update(cash_u=F("cash_u") + 10_000, reserved_u=F("reserved_u") + 10_000)


def test_a_gap_that_a_person_explained_stops_nothing_however_much_is_traded_after_that(order):
    spoil_one_cent()
    assert invariants_check(confirm_after_s=0) == 3
    halt_resume(halt=TradingHalt.objects.get(code=CODE), reason="the cent is explained", actor="op")
    fill_book(venue_account=order.venue_account, report=a_fill(order.venue_account, order.market))
    a_claimed_order(order.venue_account, order.market, price_u=300_000)
    assert invariants_check(confirm_after_s=0) == 3
    assert state() is HaltState.ACTIVE
    assert Alert.objects.filter(code=CODE).count() == 3


def test_a_gap_is_confirmed_while_trading_goes_on(order):
    """The sums of an account that trades are never twice the same; what they are off by is."""
    spoil_one_cent()
    fill = a_fill(order.venue_account, order.market)
    with swapped(time, "sleep", lambda _seconds: fill_book(venue_account=order.venue_account, report=fill)):
        assert invariants_check() == 3
    assert state() is HaltState.PAUSED
