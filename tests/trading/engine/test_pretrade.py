"""The session's own checks right before a claim: what each looks at, on a live session; and the budget of messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from risk.checks import Act, judge_live
from risk.limits import ACCOUNT_DEFAULTS, Level
from tests.bench.checks import session_checks, timed
from tests.trading.domain.scene import ACCOUNT, MARKET, book, game
from tests.trading.engine.at_the_gate import USD, Gate
from tests.trading.engine.test_vitals import a_fill
from venues.types import (
    MICRO,
    BalanceReport,
    BookGap,
    FeedStatus,
    GameStatus,
    MarketState,
    MarketStateChanged,
    Outcome,
    Venue,
)

CENT = 10_000
Wrong = Callable[[Gate], object]


def test_an_order_at_the_ask_of_a_calm_market_passes():
    assert Gate().code() == ""


@pytest.mark.parametrize(
    ("code", "wrong", "order"),
    [
        ("market_not_open", lambda on: on.scene.play(MarketStateChanged(MARKET, MarketState.PAUSED, 0)), {}),
        ("price_off_grid", None, {"price_u": 500_001}),
        ("size_off_grid", None, {"qty_u": MICRO // 3}),
        ("outside_collar", None, {"price_u": 540_000}),
        ("outside_fair_band", lambda on: on.scene.play(book(69, 70)), {"price_u": 700_000}),
        ("depth_share", None, {"qty_u": 1_001 * MICRO}),
        ("book_unusable", lambda on: on.scene.play(FeedStatus("kalshi.market", False)), {}),
        ("private_stream_down", lambda on: on.scene.play(FeedStatus(f"kalshi.user.{ACCOUNT}", False)), {}),
        ("score_stale", lambda on: on.scene.wait(26), {}),
        ("game_in_doubt", lambda on: on.scene.play(game(GameStatus.SUSPENDED)), {}),
        ("price_jumped", lambda on: on.scene.play(book(69, 70)), {"price_u": 700_000}),
    ],
)  # fmt: skip
def test_each_thing_that_is_wrong_is_seen(code: str, wrong: Wrong | None, order: dict[str, Any]):
    gate = Gate(max_move_price_u=25 * CENT) if code == "outside_fair_band" else Gate()
    if wrong is not None:
        wrong(gate)
    assert gate.code(**order) == code


def test_a_book_is_as_old_as_the_silence_of_its_stream_and_no_older_than_its_last_quote():
    gate = Gate()
    gate.silent_ms = 501
    assert gate.code() == "book_stale"
    gate.scene.play(book(49, 50), after_s=0.4)
    assert gate.code() == "", "just quoted"
    gate.silent_ms = 0
    gate.scene.play(game(), after_s=5.0)
    assert gate.code() == "", "nothing changed, and the stream is heard"


def test_the_venues_own_word_on_cash_counts_for_a_minute():
    gate = Gate()
    told = BalanceReport(
        venue=Venue.KALSHI, account=ACCOUNT, available_u=8 * USD, total_u=8 * USD, venue_ms=gate.now_ms()
    )
    gate.scene.play(told, game())
    assert gate.code(max_cost_u=8 * USD) == "insufficient_cash"
    assert gate.code(max_cost_u=2 * USD) == ""
    for _ in range(4):
        gate.scene.play(game(), after_s=16.0)
    assert gate.code(max_cost_u=8 * USD) == ""


def test_clocks_that_differ_and_fills_that_are_taken_back_are_remembered():
    gate = Gate()
    for _ in range(20):
        gate.vitals.skew(Venue.KALSHI).note(venue_ms=gate.now_ms() - 5_001, now_ms=gate.now_ms())
    assert gate.code() == "clock_skew"
    gate = Gate()
    for number in range(3):
        gate.vitals.note_fill(a_fill(number, is_failed=True))
    assert gate.code() == "settlement_failing"


def test_of_one_decision_no_more_leaves_than_was_decided():
    gate = Gate()
    order = gate.order(decision_id="once")
    assert gate.checks.judge(order) is None
    gate.vitals.sent.send("once", order.qty_u)
    verdict = gate.checks.judge(order)
    assert verdict is not None and (verdict.breach.code, verdict.act) == ("sent_too_much", Act.EVERYTHING)


def test_a_market_that_jumped_is_paused_for_everybody_until_it_was_calm_for_ten_seconds():
    gate = Gate()
    market = gate.scene.session.markets[MARKET]
    assert gate.checks.is_calm(market)
    gate.scene.play(book(69, 70))
    verdict = gate.judge(price_u=700_000)
    assert verdict is not None and (verdict.breach.pt, verdict.act) == ("PT-05", Act.MARKET)
    calm_after = 0
    while not gate.checks.is_calm(market):
        gate.scene.play(game())
        calm_after += 1
    assert 10 <= calm_after <= 16, "the window of five seconds, and ten more"
    assert gate.code(price_u=700_000) == "outside_fair_band", "the jump is over, and the price is too high all the same"


def test_what_only_reduces_passes_age_and_depth_and_not_the_grid():
    gate = Gate()
    gate.silent_ms = 60_000
    gate.scene.wait(30)
    assert gate.code(reduce_only=True, side="sell", price_u=490_000) == ""
    assert gate.code(reduce_only=True, side="sell", price_u=490_001) == "price_off_grid"


def test_the_least_edge_binds_entries_as_soon_as_somebody_says_one():
    """PT-24: fair value less price and fee; where there is no fair value, there is none to compare."""
    gate = Gate()
    order, market = gate.order(), gate.scene.session.markets[MARKET]
    assert market.listing is not None
    edge_u = gate.checks.snapshot(order, market, market.listing).edge_u
    assert edge_u is not None and gate.code() == ""
    assert Gate(min_edge_price_u=edge_u).code() == ""
    strict = Gate(min_edge_price_u=edge_u + 1)
    verdict = strict.judge()
    assert verdict is not None
    told = verdict.breach
    assert (told.pt, told.code, told.value, told.limit, told.level) == (
        "PT-24", "edge_missing", edge_u, edge_u + 1, Level.ACCOUNT,
    )  # fmt: skip
    assert strict.code(reduce_only=True, side="sell", price_u=490_000) == ""
    strict.scene.session.markets[MARKET].fair_u = None
    assert strict.code() == ""


def test_a_burst_empties_the_budget_and_says_how_long_to_wait():
    gate = Gate()
    per_s = ACCOUNT_DEFAULTS["max_orders_per_s"]
    codes = [gate.code() for _ in range(2 * per_s + 1)]
    assert codes == [""] * 2 * per_s + ["message_budget"]
    order = gate.order()
    verdict = gate.checks.judge(order)
    assert verdict is not None
    wait_s = gate.checks.budget_wait_s(order, verdict)
    assert wait_s == pytest.approx(1 / per_s)
    gate.scene.now_us += round(wait_s * 1_000_000)
    assert (gate.code(), gate.code()) == ("", "message_budget")
    gate.pace = 0.0
    assert math.isinf(gate.checks.budget_wait_s(order, verdict)), "in lock-step nothing is waited for"


def test_only_the_message_budget_is_waited_for_and_what_reduces_has_a_reserve():
    gate = Gate()
    order = gate.order(price_u=500_001)
    verdict = gate.checks.judge(order)
    assert verdict is not None and math.isinf(gate.checks.budget_wait_s(order, verdict))
    while gate.code() == "":
        pass
    way_out = {"reduce_only": True, "side": "sell", "price_u": 490_000}
    reserve = ACCOUNT_DEFAULTS["max_orders_per_s"]
    assert [gate.code(**way_out) for _ in range(reserve + 1)] == [""] * reserve + ["message_budget"]


def test_before_the_limits_are_read_the_defaults_hold_and_a_strategy_has_its_own():
    gate = Gate()
    held = gate.checks.limits
    gate.checks.limits = {}
    assert gate.checks.limits_for(gate.order()).max_orders_per_s == ACCOUNT_DEFAULTS["max_orders_per_s"]
    own = Gate(max_orders_per_s=1).checks.limits[ACCOUNT, ""]
    gate.checks.limits = {**held, (ACCOUNT, "dip_reversion"): own}
    assert gate.checks.limits_for(gate.order()).max_orders_per_s == 1
    assert gate.checks.limits_for(gate.order(strategy="another")).max_orders_per_s == 5


def test_what_is_not_listed_is_the_adapters_to_refuse_and_no_is_judged_in_its_own_price():
    gate = Gate()
    assert gate.judge(market_id="kalshi:unheard-of") is None
    market = gate.scene.session.markets[MARKET]
    assert market.listing is not None
    order = gate.order(outcome=Outcome.NO, price_u=510_000)
    gate.vitals.sent.decide(order.decision_id, order.qty_u)
    snapshot = gate.checks.snapshot(order, market, market.listing)
    assert snapshot.fair_u == MICRO - (market.fair_u or 0)
    assert judge_live(snapshot) is None
    gate.scene.play(BookGap(MARKET, reason="a hole in the numbers"))
    assert gate.code() == "book_unusable"


def test_the_order_that_the_bench_times_meets_every_check():
    assert len(timed(session_checks(), 50)) == 50


@pytest.mark.parametrize(
    ("lost", "code"),
    [
        (BookGap(MARKET, reason="a hole in the numbers"), "book_unusable"),
        (FeedStatus("kalshi.market", False), "book_unusable"),
        (FeedStatus(f"kalshi.user.{ACCOUNT}", False), "private_stream_down"),
    ],
)
def test_what_was_lost_since_the_claim_is_seen_when_the_order_is_about_to_leave(lost: Any, code: str):
    gate = Gate()
    order, way_out = gate.order(), gate.order(reduce_only=True)
    assert gate.checks.judge(order) is None
    assert gate.checks.judge_again(order) is None
    gate.scene.play(lost)
    verdict = gate.checks.judge_again(order)
    assert verdict is not None and (verdict.breach.pt, verdict.breach.code) == ("PT-19", code)
    assert gate.checks.judge_again(way_out) is None


def test_of_two_accounts_at_one_venue_each_is_as_deaf_as_its_own_stream():
    gate = Gate()
    gate.scene.play(*(FeedStatus(f"kalshi.user.{account}", False) for account in (ACCOUNT, "acct-2")))
    gate.scene.play(FeedStatus("kalshi.user.acct-2", True))
    assert gate.code() == "private_stream_down"
    gate.scene.play(FeedStatus(f"kalshi.user.{ACCOUNT}", True), FeedStatus("kalshi.user.acct-2", False))
    assert gate.code() == ""
