"""Where and when: PT-03 the market and its grid, PT-19 the book and its streams, PT-22 the clocks, PT-23 the game,
PT-25 the venue's settlement, and PT-12 what the venue says is there.
"""

from __future__ import annotations

from risk.checks.sizes import cash_limit_u
from risk.checks.values import Breach, ClaimSnapshot, LiveSnapshot, over
from venues.types import MICRO, GameStatus, MarketState

START_MOVED_MS = 2 * 3_600_000
FAILED_OF_50 = 2
_DOUBTFUL = (GameStatus.DELAYED, GameStatus.SUSPENDED, GameStatus.POSTPONED, GameStatus.CANCELED)


def market_takes_orders(one: ClaimSnapshot) -> Breach | None:
    """PT-03, by the stored state."""
    return None if one.market_state is MarketState.OPEN else Breach("market_not_open", str(one.market_state), "open")


def market_open(one: LiveSnapshot) -> Breach | None:
    """PT-03, by the stream."""
    return None if one.market_state is MarketState.OPEN else Breach("market_not_open", str(one.market_state), "open")


def on_grid(one: LiveSnapshot) -> Breach | None:
    """PT-03: the price is one of the venue's, read where the venue's own book stands (YES)."""
    if one.market.is_on_grid(one.ask.yes_price_u):
        return None
    return Breach("price_off_grid", one.ask.price_u, one.market.tick_u(one.ask.yes_price_u))


def in_lots(one: LiveSnapshot) -> Breach | None:
    """PT-03: whole lots, not below the venue's least."""
    market, qty_u = one.market, one.ask.qty_u
    if qty_u % market.lot_u:
        return Breach("size_off_grid", qty_u, market.lot_u)
    return Breach("size_off_grid", qty_u, market.min_qty_u) if qty_u < market.min_qty_u else None


def not_closing(one: LiveSnapshot) -> Breach | None:
    """PT-03: not within the guard before the market's close."""
    if one.ask.reduces or one.market.close_ms is None:
        return None
    left_ms, guard_ms = one.market.close_ms - one.now_ms, one.limits.close_guard_ms
    if left_ms >= guard_ms:
        return None
    return Breach("market_closing", left_ms, guard_ms, level=one.limits.level_of("close_guard_ms"))


def price_in_band(one: LiveSnapshot) -> Breach | None:
    """PT-06: from the lowest to the highest price of the venue's own table."""
    lowest_u = one.market.tick_u(1)
    highest_u = MICRO - one.market.tick_u(MICRO - 1)
    if lowest_u <= one.ask.yes_price_u <= highest_u:
        return None
    return Breach("price_off_band", one.ask.price_u, highest_u)


def book_usable(one: LiveSnapshot) -> Breach | None:
    """PT-19: no gap, not crossed, its stream up."""
    if one.ask.reduces:
        return None
    if not one.book.is_valid:
        return Breach("book_unusable", "gap", "whole")
    if 0 < one.book.best_ask_u <= one.book.best_bid_u:
        return Breach("book_unusable", "crossed", "not crossed")
    return None if one.is_feed_up else Breach("book_unusable", "stream down", "up")


def book_fresh(one: LiveSnapshot) -> Breach | None:
    """PT-19: heard of lately, sooner while the game is on."""
    if one.ask.reduces:
        return None
    is_live = one.game.status is not None and one.game.status.is_live
    return over("book_stale", one.book.age_ms, one.limits, "max_book_age_ms" if is_live else "max_book_age_pregame_ms")


def fills_are_heard(one: LiveSnapshot) -> Breach | None:
    """PT-19: the private stream is up; blind to fills, nothing is opened."""
    return None if one.ask.reduces or one.is_private_up else Breach("private_stream_down", "down", "up")


def clocks_agree(one: LiveSnapshot) -> Breach | None:
    """PT-22: the venue's clock and ours."""
    return None if one.ask.reduces else over("clock_skew", abs(one.skew_ms), one.limits, "max_skew_ms")


def game_in_order(one: LiveSnapshot) -> Breach | None:
    """PT-23: not suspended, not moved to another time than the market was listed for."""
    if one.ask.reduces or one.game.status is None:
        return None
    if one.game.status in _DOUBTFUL:
        return Breach("game_in_doubt", str(one.game.status), "playing")
    moved_ms = abs(one.game.moved_ms)
    return Breach("game_in_doubt", moved_ms, START_MOVED_MS) if moved_ms > START_MOVED_MS else None


def score_fresh(one: LiveSnapshot) -> Breach | None:
    """PT-23: while it is on, the score was heard lately."""
    if one.ask.reduces or one.game.status is None or not one.game.status.is_live:
        return None
    return over("score_stale", one.game.score_age_ms, one.limits, "max_score_age_ms")


def settles_well(one: LiveSnapshot) -> Breach | None:
    """PT-25: of the venue's last fifty fills at most 5 % were taken back."""
    if one.ask.reduces or one.failed_of_50 <= FAILED_OF_50:
        return None
    return Breach("settlement_failing", one.failed_of_50, FAILED_OF_50)


def cash_at_venue(one: LiveSnapshot) -> Breach | None:
    """PT-12: by the venue's own word, where it is fresh."""
    if one.ask.reduces or one.cash_at_venue_u is None:
        return None
    free_u = cash_limit_u(one.cash_at_venue_u, one.limits)
    return Breach("insufficient_cash", one.ask.cost_u, free_u) if one.ask.cost_u > free_u else None
