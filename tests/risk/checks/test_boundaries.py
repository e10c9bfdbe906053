"""Every check at its boundary: the last unit passes, one more does not; and no check is without such a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from core.errors import CODES
from risk.checks import CHECKS, authority, flow, judge_claim, judge_live, judge_wire, losses, market, price, sizes, wire
from risk.checks.values import ClaimSnapshot, LiveSnapshot
from tests.risk.checks.calm import CENT, CLAIM, LIMITS, LIVE, USD, WIRE, with_
from venues.types import MICRO, GameStatus, MarketState, Outcome, PriceBand, Side


class Row(NamedTuple):
    """`last` is allowed, `beyond` is refused with `code`."""

    check: Callable[[Any], Any]
    code: str
    last: dict[str, Any]
    beyond: dict[str, Any]
    base: Any = CLAIM


CLAIM_ROWS = [
    Row(authority.account_authorised, "account_disabled", {}, {"authority.is_enabled": False}),
    Row(authority.account_authorised, "account_disabled", {}, {"authority.is_user_active": False}),
    Row(authority.account_authorised, "trader_stopped", {}, {"authority.is_stopped": True}),
    Row(authority.account_authorised, "trader_stopped",
        {"authority.is_stopped": True, "authority.must_flatten": True, "ask.reduces": True},
        {"authority.is_stopped": True, "authority.must_flatten": True}),
    Row(authority.account_authorised, "trader_stopped", {}, {"authority.is_stopped": True, "ask.reduces": True}),
    Row(authority.identity_proven, "mfa_required", {"authority.has_second_factor": False},
        {"authority.needs_proof": True, "authority.has_second_factor": False}),
    Row(authority.identity_proven, "credential_missing", {"authority.needs_proof": True},
        {"authority.needs_proof": True, "authority.has_credential": False}),
    Row(authority.build_allowed, "build_not_allowed", {}, {"authority.is_build_allowed": False}),
    Row(authority.trading_armed, "halted", {}, {"authority.allows_reducing": False}),
    Row(authority.trading_armed, "reduce_only", {"authority.allows_entries": False, "ask.reduces": True},
        {"authority.allows_entries": False}),
    Row(market.market_takes_orders, "market_not_open", {}, {"market_state": MarketState.PAUSED}),
    Row(sizes.worst_loss_is_counted, "price_off_band", {"ask.price_u": 1}, {"ask.price_u": 0}),
    Row(sizes.worst_loss_is_counted, "price_off_band", {"ask.price_u": MICRO - 1, "ask.cost_u": 20 * USD},
        {"ask.price_u": MICRO, "ask.cost_u": 20 * USD}),
    Row(sizes.worst_loss_is_counted, "cost_understated", {"ask.cost_u": 8 * USD - 1}, {"ask.cost_u": 8 * USD - 2}),
    Row(sizes.something_to_reduce, "nothing_to_reduce", {"free_qty_u": 20 * MICRO}, {"free_qty_u": 20 * MICRO - 1}),
    Row(flow.no_wash, "self_trade", {}, {"flow.crossed": 1}),
    Row(flow.unknown_in_system, "unknown_system", {"flow.unknown_system": 9}, {"flow.unknown_system": 10}),
    Row(flow.unknown_in_account, "unknown_orders", {"flow.unknown_account": 2}, {"flow.unknown_account": 3}),
    Row(flow.unknown_in_market, "unknown_orders", {}, {"flow.unknown_market": 1}),
    Row(flow.open_orders, "max_open_orders", {"flow.open_orders": 19}, {"flow.open_orders": 20}),
    Row(losses.system_loss, "system_loss", {"money.system_worth_u": 100 * USD, "money.system_today_u": -5 * USD + 1},
        {"money.system_worth_u": 100 * USD, "money.system_today_u": -5 * USD}),
    Row(losses.daily_loss, "daily_loss", {"money.realized_today_u": -500 * USD + 1, "money.cash_u": 100_000 * USD},
        {"money.realized_today_u": -500 * USD, "money.cash_u": 100_000 * USD}),
    Row(losses.daily_loss, "daily_loss", {"money.unrealized_u": -500 * USD + 1, "money.cash_u": 100_000 * USD},
        {"money.unrealized_u": -500 * USD, "money.cash_u": 100_000 * USD}),
    Row(losses.daily_loss_share, "daily_loss", {"money.cash_u": 920 * USD + 1, "money.realized_today_u": -80 * USD + 1},
        {"money.cash_u": 920 * USD, "money.realized_today_u": -80 * USD}),
    Row(losses.strategy_loss, "strategy_loss", {"money.strategy_today_u": -50 * USD + 1},
        {"money.strategy_today_u": -50 * USD}),
    Row(losses.drawdown, "drawdown", {"money.peak_u": 1_000 * USD, "money.cash_u": 850 * USD + 1_000},
        {"money.peak_u": 1_000 * USD, "money.cash_u": 850 * USD}),
    Row(losses.losses_in_a_row, "loss_streak", {"money.losses_in_a_row": 9}, {"money.losses_in_a_row": 10}),
    Row(flow.no_twin, "duplicate_order", {}, {"flow.twins": 1}),
    Row(flow.entries_of_minutes, "repeated_entries", {"flow.entries_10min": 9}, {"flow.entries_10min": 10}),
    Row(flow.entries_of_the_day, "repeated_entries", {"flow.entries_day": 39}, {"flow.entries_day": 40}),
    Row(flow.messages_per_fill, "messages_per_fill", {"flow.messages_10min": 401, "flow.fills_10min": 2},
        {"flow.messages_10min": 402, "flow.fills_10min": 2}),
    Row(flow.messages_per_fill, "messages_per_fill", {"flow.messages_10min": 200}, {"flow.messages_10min": 201}),
    Row(flow.reject_share, "reject_share", {"flow.last_50": 50, "flow.rejected_of_50": 10},
        {"flow.last_50": 50, "flow.rejected_of_50": 11}),
    Row(flow.reject_share, "reject_share", {"flow.last_50": 49, "flow.rejected_of_50": 49},
        {"flow.last_50": 50, "flow.rejected_of_50": 50}),
    Row(sizes.order_contracts, "max_order_qty",
        {"ask.qty_u": 200 * MICRO, "ask.price_u": 10_000, "ask.cost_u": 2 * USD},
        {"ask.qty_u": 200 * MICRO + 1, "ask.price_u": 10_000, "ask.cost_u": 2 * USD + 1}),
    Row(sizes.order_value, "max_order_usd", {"ask.cost_u": 100 * USD, "money.cash_u": 10_000 * USD},
        {"ask.cost_u": 100 * USD + 1, "money.cash_u": 10_000 * USD}),
    Row(sizes.balance_share, "max_balance_share", {"money.cash_u": 200 * USD}, {"money.cash_u": 200 * USD - 20}),
    Row(sizes.market_position, "max_position_usd", {"money.market_u": 290 * USD}, {"money.market_u": 290 * USD + 1}),
    Row(sizes.game_position, "max_game_usd", {"money.game_u": 590 * USD}, {"money.game_u": 590 * USD + 1}),
    Row(sizes.group_position, "max_group_usd", {"money.group_u": 990 * USD}, {"money.group_u": 990 * USD + 1}),
    Row(sizes.account_exposure, "max_exposure_usd", {"money.open_cost_u": 990 * USD},
        {"money.open_cost_u": 990 * USD + 1}),
    Row(sizes.venue_exposure, "max_venue_usd", {"venue_limit_u": 42 * USD, "money.venue_u": 32 * USD},
        {"venue_limit_u": 42 * USD, "money.venue_u": 32 * USD + 1}),
    Row(sizes.system_exposure, "max_system_usd", {"money.system_u": 49_990 * USD},
        {"money.system_u": 49_990 * USD + 1}),
    Row(sizes.exposure_share, "max_exposure_share", {"money.reserved_u": 590 * USD},
        {"money.reserved_u": 590 * USD + 1}),
    Row(sizes.cash_covers, "insufficient_cash", {"money.cash_u": 500 * USD, "money.reserved_u": 480 * USD},
        {"money.cash_u": 500 * USD, "money.reserved_u": 480 * USD + 1}),
    Row(sizes.cash_covers, "insufficient_cash", {"money.reserved_u": 970 * USD}, {"money.reserved_u": 970 * USD + 1}),
]  # fmt: skip

HALF_TICKS = {"market.lot_u": 1, "market.min_qty_u": 1}
LIVE_ROWS = [
    Row(flow.sent_within_decided, "sent_too_much", {}, {"decided_qty_u": 20 * MICRO - 1}, LIVE),
    Row(flow.sent_within_decided, "sent_too_much", {"sent_qty_u": 1, "decided_qty_u": 20 * MICRO + 1},
        {"sent_qty_u": 1}, LIVE),
    Row(market.market_open, "market_not_open", {}, {"market_state": MarketState.CLOSED}, LIVE),
    Row(market.on_grid, "price_off_grid", {}, {"ask.price_u": 400_001}, LIVE),
    Row(market.in_lots, "size_off_grid", {"ask.qty_u": 10_000}, {"ask.qty_u": 10_001}, LIVE),
    Row(market.in_lots, "size_off_grid", {**HALF_TICKS, "market.min_qty_u": 7, "ask.qty_u": 7},
        {**HALF_TICKS, "market.min_qty_u": 7, "ask.qty_u": 6}, LIVE),
    Row(market.not_closing, "market_closing", {"market.close_ms": 1_030_000}, {"market.close_ms": 1_029_999}, LIVE),
    Row(market.price_in_band, "price_off_band", {"ask.price_u": 10_000}, {"ask.price_u": 9_999}, LIVE),
    Row(market.price_in_band, "price_off_band", {"ask.price_u": 990_000}, {"ask.price_u": 990_001}, LIVE),
    Row(market.clocks_agree, "clock_skew", {"skew_ms": -5_000}, {"skew_ms": -5_001}, LIVE),
    Row(market.clocks_agree, "clock_skew", {"skew_ms": 5_000}, {"skew_ms": 5_001}, LIVE),
    Row(market.game_in_order, "game_in_doubt", {"game.moved_ms": 7_200_000}, {"game.moved_ms": 7_200_001}, LIVE),
    Row(market.game_in_order, "game_in_doubt", {"game.status": GameStatus.BREAK},
        {"game.status": GameStatus.SUSPENDED}, LIVE),
    Row(market.score_fresh, "score_stale", {"game.score_age_ms": 25_000}, {"game.score_age_ms": 25_001}, LIVE),
    Row(market.settles_well, "settlement_failing", {"failed_of_50": 2}, {"failed_of_50": 3}, LIVE),
    Row(market.fills_are_heard, "private_stream_down", {}, {"is_private_up": False}, LIVE),
    Row(market.book_usable, "book_unusable", {}, {"book.is_valid": False}, LIVE),
    Row(market.book_usable, "book_unusable", {"book.best_bid_u": 399_999}, {"book.best_bid_u": 400_000}, LIVE),
    Row(market.book_usable, "book_unusable", {}, {"is_feed_up": False}, LIVE),
    Row(market.book_fresh, "book_stale", {"book.age_ms": 500}, {"book.age_ms": 501}, LIVE),
    Row(market.book_fresh, "book_stale", {"game.status": GameStatus.SCHEDULED, "book.age_ms": 2_000},
        {"game.status": GameStatus.SCHEDULED, "book.age_ms": 2_001}, LIVE),
    Row(price.price_calm, "price_jumped", {"book.moved_u": 150_000}, {"book.moved_u": 150_001}, LIVE),
    Row(price.near_the_book, "outside_collar", {"ask.price_u": 430_000}, {"ask.price_u": 430_001}, LIVE),
    Row(price.near_the_book, "outside_collar", {"ask.side": Side.SELL, "ask.price_u": 360_000},
        {"ask.side": Side.SELL, "ask.price_u": 359_999}, LIVE),
    Row(price.near_the_book, "outside_collar", {"ask.outcome": Outcome.NO, "ask.price_u": 640_000},
        {"ask.outcome": Outcome.NO, "ask.price_u": 640_001}, LIVE),
    Row(price.near_the_book, "outside_collar",
        {"ask.outcome": Outcome.NO, "ask.side": Side.SELL, "ask.price_u": 570_000},
        {"ask.outcome": Outcome.NO, "ask.side": Side.SELL, "ask.price_u": 569_999}, LIVE),
    Row(price.near_the_book, "outside_collar", {"book.best_ask_u": 0, "ask.reduces": True}, {"book.best_ask_u": 0},
        LIVE),
    Row(price.near_fair_value, "outside_fair_band", {"fair_u": 300_000}, {"fair_u": 299_999}, LIVE),
    Row(price.edge_believable, "edge_too_good", {"edge_u": 250_000}, {"edge_u": 250_001}, LIVE),
    Row(price.edge_there, "edge_missing", {"wants_edge": True, "edge_u": -1_000_000},
        {"wants_edge": True, "edge_u": -1_000_001}, LIVE),
    Row(price.edge_there, "edge_missing", {}, {"wants_edge": True}, LIVE),
    Row(price.depth_share, "depth_share", {"book.depth_u": 80 * MICRO}, {"book.depth_u": 80 * MICRO - 1}, LIVE),
    Row(market.cash_at_venue, "insufficient_cash", {"cash_at_venue_u": 15 * USD}, {"cash_at_venue_u": 15 * USD - 1},
        LIVE),
    Row(flow.message_budget, "message_budget", {"tokens_milli": 1_000}, {"tokens_milli": 999}, LIVE),
    Row(flow.message_budget, "message_budget", {"ask.reduces": True, "tokens_milli": -4_000},
        {"ask.reduces": True, "tokens_milli": -4_001}, LIVE),
]  # fmt: skip

WIRE_ROWS = [
    Row(wire.bytes_as_approved, "body_differs", {}, {"leaving_sha256": "b"}, WIRE),
    Row(wire.bytes_as_approved, "body_differs", {}, {"approved_sha256": "", "leaving_sha256": ""}, WIRE),
    Row(wire.contracts_as_approved, "body_differs", {}, {"leaving_qty_u": 11}, WIRE),
    Row(wire.contracts_as_approved, "body_differs", {"leaving_qty_u": 1}, {"leaving_qty_u": 0}, WIRE),
]
ROWS = [*CLAIM_ROWS, *LIVE_ROWS, *WIRE_ROWS]


def judged(snapshot: Any) -> Any:
    if isinstance(snapshot, ClaimSnapshot):
        return judge_claim(snapshot)
    return judge_live(snapshot) if isinstance(snapshot, LiveSnapshot) else judge_wire(snapshot)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.check.__name__}-{row.code}")
def test_a_check_allows_its_last_unit_and_not_one_more(row: Row):
    assert row.check(with_(row.base, row.last)) is None
    breach = row.check(with_(row.base, row.beyond))
    assert breach is not None and breach.code == row.code
    verdict = judged(with_(row.base, row.beyond))
    assert verdict is not None and verdict.breach.pt.startswith("PT-")


def test_every_check_has_such_a_row_and_every_code_is_told_to_people():
    assert {check.ask for check in CHECKS} == {row.check for row in ROWS}
    assert {row.code for row in ROWS} <= set(CODES)


def test_every_numbered_check_of_the_design_is_in_the_list():
    assert {check.pt for check in CHECKS} == {f"PT-{number:02}" for number in range(1, 29)}


def test_nothing_is_wrong_with_what_is_calm():
    assert (judge_claim(CLAIM), judge_live(LIVE), judge_wire(WIRE)) == (None, None, None)


def test_a_breach_names_the_level_that_set_the_limit():
    breach = flow.open_orders(with_(CLAIM, {"flow.open_orders": 20}))
    assert breach is not None and (breach.value, breach.limit, breach.level) == (21, 20, "account")
    assert LIMITS.level_of("min_edge_price_u") == "hard cap"


def test_a_collar_is_never_wider_than_its_hard_cap():
    coarse = {"market.bands": (PriceBand(0, MICRO, 10 * CENT),)}
    assert price.near_the_book(with_(LIVE, {**coarse, "ask.price_u": 550_000})) is None
    breach = price.near_the_book(with_(LIVE, {**coarse, "ask.price_u": 550_001}))
    assert breach is not None and breach.limit == 550_000


@pytest.mark.parametrize(
    ("changes", "nears"),
    [
        ({"money.system_u": 42_000 * USD}, False),
        ({"money.system_u": 42_000 * USD + 1}, True),
        ({"money.system_u": 42_000 * USD + 1, "ask.reduces": True}, False),
        ({"money.venue_u": 9_000 * USD}, False),
        ({"money.venue_u": 1_000 * USD, "venue_limit_u": 9_000 * USD}, False),
        ({"money.venue_u": 1_000 * USD + 1, "venue_limit_u": 9_000 * USD}, True),
    ],
)
def test_a_claim_is_alone_where_eight_of_the_largest_orders_could_pass_a_shared_limit(changes, nears: bool):
    assert sizes.nears_a_shared_limit(with_(CLAIM, changes)) is nears
