"""Many claims at once never pass a limit together. Needs row locks: SQLite lets one writer in at a time anyway."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Sum

from core.errors import Conflict, LimitBreached
from markets.models import Market
from risk.limits import HARD_CAPS
from risk.models import AccountLimits, LimitLevel
from risk.services_limits import level_limits_set
from tests.builders import NOON_MS, USD, a_market, a_user, an_account, an_epoch, an_intent
from tests.trading.test_claim_view import the_view
from trading.models import AccountLedger, Order
from trading.services.claims import order_claim
from trading.services.fences import fence_close, fence_note_shut, fence_open
from trading.services.refold import account_differences
from venues.types import Outcome

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def needs_row_locks():
    if connection.vendor == "sqlite":
        pytest.skip("an in-memory SQLite database has one connection; run with DATABASE_URL=postgres://…")


def at_once(work, count: int, *, workers: int = 16) -> list[object]:
    def one(number: int) -> object:
        try:
            return work(number)
        except (LimitBreached, Conflict) as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(one, range(count)))


@pytest.mark.parametrize("code", ["max_system_usd", "max_venue_usd"])
def test_claims_of_many_accounts_at_once_never_pass_a_limit_of_all_of_them(code: str):
    """Sixteen people, four claims of each at the same moment, room for ten (PT-11)."""
    market, accounts = a_market(), [an_account(a_user(f"{number}@example.org")) for number in range(16)]
    epochs, start = [an_epoch(account) for account in accounts], threading.Barrier(64)
    if code == "max_system_usd":
        taken_u = HARD_CAPS.max_exposure_usd_u - 42 * USD
        AccountLedger.objects.filter(venue_account=an_account(a_user())).update(reserved_u=taken_u)
    else:
        level_limits_set(level=LimitLevel.VENUE, key="kalshi", actor="op", reason="drill", max_exposure_usd_u=42 * USD)

    def claim(number: int) -> Order:
        connection.ensure_connection()
        start.wait(60)
        who = number % 16
        return order_claim(venue_account=accounts[who], lease_epoch=epochs[who], intent=an_intent(market))

    outcomes = at_once(claim, 64, workers=64)
    assert sum(isinstance(one, Order) for one in outcomes) == 10
    assert {one for one in outcomes if not isinstance(one, Order)} == {code}
    assert Order.objects.filter(status="claimed").aggregate(u=Sum("reserved_u"))["u"] == 42 * USD


def test_two_accounts_of_one_person_never_trade_with_each_other():
    """PT-20: whichever claims first, the other side is refused, however close together they come."""
    owner, market = a_user(), a_market()
    accounts = [an_account(owner) for _ in range(2)]
    epochs, start = [an_epoch(account) for account in accounts], threading.Barrier(32)

    def claim(number: int) -> Order:
        connection.ensure_connection()
        start.wait(60)
        who = number % 2
        intent = an_intent(market, outcome=(Outcome.YES, Outcome.NO)[who], price_u=600_000, max_cost_u=6_200_000)
        return order_claim(venue_account=accounts[who], lease_epoch=epochs[who], intent=intent)

    outcomes = at_once(claim, 32, workers=32)
    assert Order.objects.filter(status="claimed").values("outcome").distinct().count() == 1
    assert {one for one in outcomes if not isinstance(one, Order)} == {"self_trade"}


def sessions_in_wait() -> int:
    """How many sessions wait for a lock of this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return int(cursor.fetchone()[0])


def wait_until(holds: Callable[[], object], *, within_s: float = 30.0) -> None:
    deadline_s, never = time.monotonic() + within_s, threading.Event()
    while not holds():
        assert time.monotonic() < deadline_s, "it never came to that"
        never.wait(0.01)


def test_claims_at_once_never_reserve_more_cash_than_there_is():
    account, market = an_account(cash_u=42 * USD), a_market()
    epoch = an_epoch(account)
    at_once(lambda _: order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market)), 64)
    assert Order.objects.filter(status="claimed").count() == 10
    assert AccountLedger.objects.get(venue_account=account).reserved_u == 42 * USD
    assert account_differences(account) == []


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("max_exposure_usd_u", "max_exposure_usd"),
        ("max_game_usd_u", "max_game_usd"),
        ("max_position_usd_u", "max_position_usd"),
    ],
)
def test_sixty_four_claims_at_the_same_moment_never_pass_a_limit_together(limit: str, code: str):
    """Each its own connection, all let go at once; the limit is what ten of them take (S-24, PT-10, PT-11)."""
    account, market = an_account(), a_market()
    AccountLimits.objects.filter(venue_account=account).update(**{limit: 42 * USD})
    epoch, start = an_epoch(account), threading.Barrier(64)

    def claim(_: int) -> Order:
        connection.ensure_connection()
        start.wait(30)
        return order_claim(venue_account=account, lease_epoch=epoch, intent=an_intent(market))

    outcomes = at_once(claim, 64, workers=64)
    assert sum(isinstance(one, Order) for one in outcomes) == 10
    assert {one for one in outcomes if not isinstance(one, Order)} == {code}
    taken_u = Order.objects.filter(status="claimed").aggregate(u=Sum("reserved_u"))["u"]
    assert (taken_u, AccountLedger.objects.get(venue_account=account).reserved_u) == (42 * USD, 42 * USD)
    assert account_differences(account) == []


@pytest.mark.parametrize("by", ["trader", "guard"])
def test_a_fence_is_shut_after_the_claim_that_saw_it_live(by: str):
    account, market = an_account(), a_market()
    epoch = an_epoch(account)
    fence = fence_open(venue_account=account, epoch=epoch, token="mine")

    def shut() -> bool:
        try:
            if by == "guard":
                return fence_note_shut(fence=fence, actor="guard")
            return fence_close(venue_account=account, epoch=epoch, token="mine")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction.atomic():
            assert the_view(account, market, epoch=epoch).gate.fence_token == "mine"
            shutting = pool.submit(shut)
            wait_until(lambda: sessions_in_wait() or shutting.done())
            assert not shutting.done()
        assert shutting.result(30)
    assert the_view(account, market, epoch=epoch).gate.fence_token is None


def test_one_decision_claimed_by_many_at_once_has_one_order():
    account, market = an_account(), a_market()
    epoch, intent = an_epoch(account), an_intent(market, decision_id="d")
    outcomes = at_once(lambda _: order_claim(venue_account=account, lease_epoch=epoch, intent=intent), 32)
    assert sum(isinstance(one, Order) for one in outcomes) == 1
    assert {one for one in outcomes if not isinstance(one, Order)} == {"duplicate_decision"}


def test_what_a_claim_counts_is_asked_with_the_limits_and_the_market_as_they_are_now():
    """The numbers are asked along with the first reads, with what the last claim knew; then it holds no more."""
    account, market, other = an_account(), a_market(), a_market("GAME-2")
    epoch = an_epoch(account)

    def claim(after_ms: int) -> Order:
        intent = an_intent(market, cause="dip", created_ms=NOON_MS + after_ms)
        return order_claim(venue_account=account, lease_epoch=epoch, intent=intent)

    claim(0)
    claim(10_000)
    AccountLimits.objects.filter(venue_account=account).update(duplicate_window_ms=60_000)
    with pytest.raises(LimitBreached) as refusal:
        claim(30_000)
    assert (refusal.value.code, refusal.value.extra["value"]) == ("duplicate_order", 2)
    Market.objects.filter(pk=market.pk).update(market_id="kalshi:gone")
    Market.objects.filter(pk=other.pk).update(market_id=market.market_id)
    assert claim(30_000).market.pk == other.pk


def test_a_claim_whose_commit_is_not_answered_is_not_taken_for_one_that_failed():
    """D03: the caller hears that the database is away; what became of the order only the database knows."""
    account, market = an_account(), a_market()
    epoch, intent = an_epoch(account), an_intent(market)
    execute = connection.cursor().execute
    execute("CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$")  # fmt: skip
    execute("CREATE CONSTRAINT TRIGGER ended AFTER INSERT ON trading_order DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION end_session()")  # fmt: skip
    try:
        with pytest.raises(OperationalError):
            order_claim(venue_account=account, lease_epoch=epoch, intent=intent)
    finally:
        connection.close()
        execute = connection.cursor().execute
        execute("DROP TRIGGER ended ON trading_order")
        execute("DROP FUNCTION end_session")
    assert not Order.objects.exists()
    assert order_claim(venue_account=account, lease_epoch=epoch, intent=intent).attempt == 0
