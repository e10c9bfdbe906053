"""At what price: PT-04 near the book and near our own fair value, PT-05 not while it jumps, PT-09 not more than the
book can take, PT-24 no edge that is missing or too good to be true.
"""

from __future__ import annotations

from risk.checks.values import Breach, LiveSnapshot, over
from risk.limits import HARD_CAPS, Limits
from venues.types import MICRO, Outcome, Side, VenueMarket

TICKS = 3


def collar_u(market: VenueMarket, price_u: int, limits: Limits) -> int:
    """How far beyond the best an order may reach, µUSD: three ticks where the grid is coarse, never above the cap."""
    ticks_u = TICKS * market.tick_u(price_u)
    return max(min(ticks_u, HARD_CAPS.collar_price_u), limits.collar_price_u)


def near_the_book(one: LiveSnapshot) -> Breach | None:
    """PT-04: no higher than the best ask and the collar, no lower than the best bid less it, in the order's own frame.
    What only reduces may reach as far as the
    hard cap. Where that side is empty there is no measure: an entry waits, an exit may ask what it likes."""
    ask = one.ask
    best_u = _best_u(one)
    if not best_u:
        return None if ask.reduces else Breach("outside_collar", ask.price_u, "a price to measure by")
    reach_u = HARD_CAPS.collar_price_u if ask.reduces else collar_u(one.market, ask.yes_price_u, one.limits)
    limit_u = best_u + reach_u if ask.side is Side.BUY else best_u - reach_u
    is_beyond = ask.price_u > limit_u if ask.side is Side.BUY else ask.price_u < limit_u
    level = one.limits.level_of("collar_price_u")
    return Breach("outside_collar", ask.price_u, limit_u, level=level) if is_beyond else None


def near_fair_value(one: LiveSnapshot) -> Breach | None:
    """PT-04: an entry pays no more than fair value and the band. Unknown fair value is not judged here."""
    if one.ask.reduces or one.fair_u is None:
        return None
    return over("outside_fair_band", one.ask.price_u - one.fair_u, one.limits, "fair_band_price_u")


def price_calm(one: LiveSnapshot) -> Breach | None:
    """PT-05: after a jump within five seconds the market waits ten."""
    return None if one.ask.reduces else over("price_jumped", one.book.moved_u, one.limits, "max_move_price_u")


def depth_share(one: LiveSnapshot) -> Breach | None:
    """PT-09: a part of what is on offer within the collar, in µcontracts."""
    if one.ask.reduces:
        return None
    limit_u = one.book.depth_u * one.limits.max_depth_share_u // MICRO
    if one.ask.qty_u <= limit_u:
        return None
    return Breach("depth_share", one.ask.qty_u, limit_u, level=one.limits.level_of("max_depth_share_u"))


def edge_believable(one: LiveSnapshot) -> Breach | None:
    """PT-24: an edge of more than the limit is bad data, not profit."""
    if one.ask.reduces or one.edge_u is None:
        return None
    return over("edge_too_good", one.edge_u, one.limits, "max_edge_price_u")


def edge_there(one: LiveSnapshot) -> Breach | None:
    """PT-24: where somebody said the least edge after fees, an entry has at least that."""
    if one.ask.reduces or not one.wants_edge:
        return None
    least_u, level = one.limits.min_edge_price_u, one.limits.level_of("min_edge_price_u")
    if one.edge_u is not None and one.edge_u >= least_u:
        return None
    return Breach("edge_missing", "unknown" if one.edge_u is None else one.edge_u, least_u, level=level)


def _best_u(one: LiveSnapshot) -> int:
    """The best price this order would meet, in its own outcome's frame; 0: none."""
    yes_u = one.book.best_ask_u if one.ask.buys_yes else one.book.best_bid_u
    if not yes_u or not one.book.is_valid:
        return 0
    return yes_u if one.ask.outcome is Outcome.YES else MICRO - yes_u
