"""Triggers on real rows: what they stop, once, and what a second person has to say about limits."""

from __future__ import annotations

import json

import pytest

from accounts.models import Mode, User, VenueAccount
from audit.models import AuditEntry
from core.clock import from_ms
from core.errors import LimitBreached, NotAllowed
from risk.checks import Act, Verdict
from risk.checks.values import Breach
from risk.models import HaltScope, HaltState, LimitLevel, TradingHalt
from risk.selectors import limits_by_strategy, limits_held
from risk.services import halt_set
from risk.services_limits import level_limits_set, limit_raise_answer, limits_set
from risk.triggers import Stop, Trip
from tests.builders import NOON_MS, ONE, USD, a_claimed_order, a_fill, a_market, an_account, an_epoch, an_intent
from trading.domain.strategies.exits import RULES
from trading.models import Order, RunTrigger
from trading.selectors.account_risk import account_verdict
from trading.services.claims import order_claim, order_deny
from trading.services.fills import fill_book
from trading.services.reconciliation import reconciliation_begin, reconciliation_end
from trading.services.triggers import (
    JUMPED,
    UNWOUND,
    breach_act,
    market_calm,
    markets_jumping,
    triggers_check,
    trip_act,
    trip_clear,
)
from venues.types import Side, Venue

pytestmark = pytest.mark.django_db
NOON = from_ms(NOON_MS + 60_000)


def lose(account: VenueAccount, *, to_u: int, qty_u: int = 10 * ONE) -> None:
    market = a_market()
    fill_book(venue_account=account, report=a_fill(account, market, qty_u=qty_u, fee_u=0, venue_ms=NOON_MS))
    sale = a_fill(account, market, side=Side.SELL, price_u=to_u, qty_u=qty_u, fee_u=0, venue_ms=NOON_MS + 1)
    fill_book(venue_account=account, report=sale)


@pytest.mark.parametrize(("limit_u", "fires"), [(3 * USD, True), (3 * USD + 1, False)])
def test_the_loss_of_the_day_leaves_an_account_only_its_way_out_and_is_told_once(limit_u: int, fires: bool):
    account = an_account()
    limits_set(venue_account=account, actor="op", max_daily_loss_usd_u=limit_u)
    lose(account, to_u=100_000)
    trips = [trip.code for trip in triggers_check(venue_account=account, at=NOON)]
    assert trips == (["daily_loss"] if fires else [])
    assert triggers_check(venue_account=account, at=NOON) == []
    halts = TradingHalt.objects.filter(scope=HaltScope.ACCOUNT, scope_key=str(account.uid))
    assert [(halt.state, halt.code) for halt in halts] == ([("reducing", "daily_loss")] if fires else [])


def test_what_stops_every_entry_of_an_account_is_known_before_an_order_is_made():
    account = an_account()
    assert account_verdict(account, at=NOON, unrealized_u=0) is None
    limits_set(venue_account=account, actor="op", max_daily_loss_usd_u=3 * USD)
    verdict = account_verdict(account, at=NOON, unrealized_u=-3 * USD)
    assert verdict is not None and (verdict.breach.code, verdict.breach.pt) == ("daily_loss", "PT-13")


def test_the_peak_and_the_start_of_the_day_move_with_deposits_not_with_trades():
    account = an_account(cash_u=100 * USD)
    triggers_check(venue_account=account, at=NOON)
    lose(account, to_u=1_000, qty_u=65 * ONE)
    trips = {trip.code for trip in triggers_check(venue_account=account, at=NOON)}
    assert trips == {"max_drawdown", "balance_drop"}


def test_a_pause_is_lifted_with_its_cause_and_what_waits_for_a_person_is_not():
    account = an_account()
    assert trip_act(venue_account=account, trip=Trip("clock_skew", Stop.PAUSED, 6_000, 5_000))
    assert not trip_act(venue_account=account, trip=Trip("clock_skew", Stop.PAUSED, 7_000, 5_000))
    assert trip_clear(venue_account=account, code="clock_skew")
    assert trip_act(venue_account=account, trip=Trip("orphaned_order", Stop.HALTED, 1, 1))
    assert not trip_clear(venue_account=account, code="orphaned_order")
    assert TradingHalt.objects.get(code="orphaned_order").state == HaltState.HALTED


@pytest.mark.parametrize(
    ("act", "scope", "state"),
    [(Act.ACCOUNT, HaltScope.ACCOUNT, "reducing"), (Act.EVERYTHING, HaltScope.GLOBAL, "halted")],
)
def test_a_breach_does_what_its_check_says(act: Act, scope: HaltScope, state: str):
    account = an_account()
    assert not breach_act(venue_account=account, verdict=Verdict(Breach("daily_loss", 2, 1), Act.DENY))
    assert breach_act(venue_account=account, verdict=Verdict(Breach("daily_loss", 2, 1, pt="PT-13"), act))
    halt = TradingHalt.objects.get()
    assert (halt.scope, halt.state, halt.code) == (scope, state, "daily_loss")


@pytest.mark.parametrize("mode", list(Mode))
def test_a_price_that_jumped_pauses_its_market_once_and_only_that_pause_is_lifted_with_the_calm(mode: Mode):
    account, market = an_account(), a_market()
    jumped = {
        "verdict": Verdict(Breach(JUMPED, 160_000, 150_000, pt="PT-05"), Act.MARKET),
        "market_id": market.market_id,
    }
    VenueAccount.objects.update(mode=mode)
    account.refresh_from_db()
    assert breach_act(venue_account=account, **jumped) and not breach_act(venue_account=account, **jumped)
    halt = TradingHalt.objects.get()
    assert (halt.scope, halt.scope_key, halt.state) == (HaltScope.MARKET, market.market_id, HaltState.PAUSED)
    assert markets_jumping() == [market.market_id]
    assert market_calm(market_id=market.market_id) and not market_calm(market_id=market.market_id)
    halt_set(
        scope=HaltScope.MARKET, scope_key=market.market_id, state=HaltState.HALTED, code=JUMPED, reason="me", actor="op"
    )
    assert markets_jumping() == [] and not market_calm(market_id=market.market_id), "a person made more of it"


@pytest.mark.parametrize("mode", [Mode.SIMULATED, Mode.PAPER])
def test_broken_entries_that_are_sold_again_and_again_leave_an_account_only_its_way_out(mode: Mode):
    account, market = an_account(), a_market()
    VenueAccount.objects.update(mode=mode)
    account.refresh_from_db()
    for number in range(3):
        assert [trip.code for trip in triggers_check(venue_account=account, at=NOON)] == []
        sold = a_claimed_order(
            account, market, cause=UNWOUND, created_ms=NOON_MS + 6_000 * number, price_u=400_000 + number * 10_000
        )
        Order.objects.filter(pk=sold.pk).update(sent_at=NOON, claimed_at=from_ms(NOON_MS + 6_000 * number))
    assert [trip.code for trip in triggers_check(venue_account=account, at=NOON)] == ["unwind_streak"]
    later = from_ms(NOON_MS + 12_000 + 600_001)
    TradingHalt.objects.update(state=HaltState.ACTIVE)
    assert triggers_check(venue_account=account, at=later) == [], "ten minutes are over"


def test_the_cause_of_an_unwinding_is_what_the_exit_rules_call_it():
    assert UNWOUND in {rule.name for rule in RULES}


def test_after_a_database_that_was_away_orders_wait_for_a_clean_comparison():
    account = an_account()
    assert trip_act(venue_account=account, trip=Trip("db_lost", Stop.PAUSED, 6_000, 5_000))
    assert not trip_clear(venue_account=account, code="db_lost"), "nobody has looked what was missed"
    run = reconciliation_begin(venue_account=account, trigger=RunTrigger.PERIODIC)
    assert not trip_clear(venue_account=account, code="db_lost")
    reconciliation_end(run=run, differences=[], evidence={})
    assert trip_clear(venue_account=account, code="db_lost")


def test_an_order_refused_before_its_claim_is_kept_with_its_check_and_its_numbers():
    account, market = an_account(), a_market()
    with pytest.raises(LimitBreached):
        order_deny(
            venue_account=account, lease_epoch=an_epoch(account), intent=an_intent(market),
            verdict=Verdict(Breach("book_stale", 501, 500, pt="PT-19"), Act.DENY),
        )  # fmt: skip
    assert (Order.objects.get().status, Order.objects.get().reason_code) == ("denied", "book_stale")
    payload = json.loads(AuditEntry.objects.get(kind="order.denied").payload)
    assert (payload["pt"], payload["value"], payload["limit"]) == ("PT-19", 501, 500)


def test_the_same_again_within_the_window_is_refused_unless_its_cause_is_another():
    account, market = an_account(), a_market()
    a_claimed_order(account, market, cause="dip")
    epoch = an_epoch(account)
    with pytest.raises(LimitBreached) as caught:
        order_claim(
            venue_account=account, lease_epoch=epoch,
            intent=an_intent(market, cause="dip", created_ms=NOON_MS + 4_999),
        )  # fmt: skip
    assert caught.value.code == "duplicate_order"
    a_claimed_order(account, market, cause="another", created_ms=NOON_MS + 4_999)
    a_claimed_order(account, market, cause="dip", created_ms=NOON_MS + 5_000)


def test_an_order_never_meets_one_of_our_own():
    account, market = an_account(), a_market()
    a_claimed_order(account, market)
    with pytest.raises(LimitBreached) as caught:
        order_claim(
            venue_account=account, lease_epoch=an_epoch(account),
            intent=an_intent(market, outcome="no", price_u=600_000, max_cost_u=6_200_000),
        )  # fmt: skip
    assert caught.value.code == "self_trade"
    a_claimed_order(account, market, outcome="no", price_u=590_000, max_cost_u=6_200_000)


def test_limits_of_real_money_are_lowered_by_one_person_and_raised_by_two():
    account = an_account()
    VenueAccount.objects.filter(pk=account.pk).update(mode=Mode.LIVE)
    account.refresh_from_db()
    ann, bob = (User.objects.create_superuser(f"{name}@office.org") for name in ("ann", "bob"))
    limits_set(venue_account=account, actor=ann.email, max_order_usd_u=10 * USD)
    assert limits_held(account, strategy="").limits.max_order_usd_u == 10 * USD
    limits_set(venue_account=account, actor=ann.email, max_order_usd_u=20 * USD)
    assert limits_held(account, strategy="").limits.max_order_usd_u == 10 * USD
    asked = account.raises.get()
    with pytest.raises(NotAllowed):
        limit_raise_answer(asked=asked, by=ann, is_confirmed=True, reason="mine")
    limit_raise_answer(asked=asked, by=bob, is_confirmed=True, reason="looked at it")
    assert limits_held(account, strategy="").limits.max_order_usd_u == 20 * USD


def test_the_strictest_of_venue_strategy_and_account_holds_and_a_refusal_names_it():
    account, market = an_account(), a_market()
    level_limits_set(level=LimitLevel.STRATEGY, key="dip_reversion", actor="op", reason="new", max_order_usd_u=4 * USD)
    with pytest.raises(LimitBreached) as caught:
        a_claimed_order(account, market)
    assert (caught.value.code, caught.value.extra["level"]) == ("max_order_usd", "strategy")
    a_claimed_order(account, market, strategy="another")
    row, asked = level_limits_set(
        level=LimitLevel.STRATEGY, key="dip_reversion", actor="op", reason="it behaves", max_order_usd_u=5 * USD
    )
    assert (row.max_order_usd_u, asked is not None) == (4 * USD, True)


def test_what_is_read_for_all_accounts_at_once_is_what_holds_for_each_order():
    an_account(an_account().user, venue=Venue.POLYMARKET)
    VenueAccount.objects.update(mode=Mode.PAPER)
    accounts = list(VenueAccount.objects.order_by("pk"))
    limits_set(venue_account=accounts[0], actor="op", max_order_usd_u=30 * USD)
    polymarket, calm = (LimitLevel.VENUE, Venue.POLYMARKET.value), (LimitLevel.STRATEGY, "calm")
    level_limits_set(level=polymarket[0], key=polymarket[1], actor="op", reason="new", max_order_usd_u=20 * USD)
    level_limits_set(level=calm[0], key=calm[1], actor="op", reason="new", max_order_usd_u=10 * USD)
    held = limits_by_strategy(accounts)
    assert held == {
        (one.account_key, key): limits_held(one, strategy=key).limits for one in accounts for key in ("", "calm")
    }
    assert sorted(limits.max_order_usd_u // USD for limits in held.values()) == [10, 10, 20, 30]
