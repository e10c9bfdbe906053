"""The frames of the market channel, one function each. All values are strings but flags and lists.

Source: polymarket/FACTS §6.1 and the recorded frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from venues.simulator.exchange_types import Traded
from venues.simulator.polymarket_book import WireBook
from venues.simulator.polymarket_listing import Listed, MarketListing
from venues.simulator.polymarket_numbers import decimal_text, game_time, json_number
from venues.simulator.polymarket_records import transaction_hash
from venues.types import MICRO, Outcome

Frame = dict[str, Any]


def price_change(
    listed: Listed, levels: Mapping[tuple[bool, int], int], pair: Sequence[WireBook], venue_ms: int
) -> Frame:
    """New totals of changed levels, each on both tokens; `pair` are the books after the change, YES first."""
    changes = [
        _level_change(book, outcome, is_bid=is_bid, yes_price_u=yes_price_u, qty_u=qty_u)
        for (is_bid, yes_price_u), qty_u in levels.items()
        for outcome, book in zip(Outcome, pair, strict=True)
    ]
    return {
        "event_type": "price_change",
        "market": listed.market.condition_id,
        "price_changes": changes,
        "timestamp": str(venue_ms),
    }


def last_trade_price(listed: Listed, trades: Sequence[Traded]) -> list[Frame]:
    """One frame for each price a taker reached, with the sum of its matches there."""
    totals: dict[tuple[str, int], int] = {}
    first: dict[tuple[str, int], Traded] = {}
    for trade in trades:
        key = (trade.sweep_id, trade.yes_price_u)
        totals[key] = totals.get(key, 0) + trade.qty_u
        first.setdefault(key, trade)
    return [_last_trade(listed, first[key], qty_u) for key, qty_u in totals.items()]


def best_bid_ask(listed: Listed, outcome: Outcome, best: tuple[int | None, int | None], venue_ms: int) -> Frame:
    """`best` is (bid, ask) of YES; an empty side shows as 0 or 1."""
    bid_u, ask_u = best[0] or 0, best[1] if best[1] is not None else MICRO
    if outcome is Outcome.NO:
        bid_u, ask_u = MICRO - ask_u, MICRO - bid_u
    return {
        "event_type": "best_bid_ask",
        "market": listed.market.condition_id,
        "asset_id": listed.market.asset_id(outcome),
        "best_bid": decimal_text(bid_u),
        "best_ask": decimal_text(ask_u),
        "spread": decimal_text(ask_u - bid_u),
        "timestamp": str(venue_ms),
    }


def tick_size_change(listed: Listed, old_u: int, new_u: int, venue_ms: int) -> list[Frame]:
    return [
        {
            "event_type": "tick_size_change",
            "market": listed.market.condition_id,
            "asset_id": asset_id,
            "old_tick_size": decimal_text(old_u),
            "new_tick_size": decimal_text(new_u),
            "timestamp": str(venue_ms),
        }
        for asset_id in listed.market.asset_ids
    ]


def new_market(listed: Listed, venue_ms: int) -> Frame:
    event, market = listed.event, listed.market
    return {
        "event_type": "new_market",
        "id": market.id,
        "question": market.question,
        "market": market.condition_id,
        "slug": market.slug,
        "description": market.description,
        "assets_ids": list(market.asset_ids),
        "outcomes": list(market.outcomes),
        "event_message": {
            "id": event.id,
            "ticker": event.slug,
            "slug": event.slug,
            "title": event.title,
            "description": event.description,
        },
        "timestamp": str(venue_ms),
        "tags": [event.sport.code, "sports", "games"],
        "condition_id": market.condition_id,
        "active": True,
        "clob_token_ids": list(market.asset_ids),
        "sports_market_type": market.sports_market_type,
        "line": "" if market.line is None else str(market.line),
        "game_start_time": game_time(event.start_ms),
        "order_price_min_tick_size": decimal_text(market.tick_u),
        "group_item_title": market.group_item_title,
        "taker_base_fee": "1000",
        "fees_enabled": market.fee_rate_u > 0,
        "fee_schedule": fee_schedule(market),
    }


def market_resolved(listed: Listed, value_u: int, venue_ms: int) -> Frame:
    """`value_u` is what one YES contract pays; a 50-50 resolution names no winner."""
    winner = {MICRO: Outcome.YES, 0: Outcome.NO}.get(value_u)
    return {
        "event_type": "market_resolved",
        "id": listed.market.id,
        "market": listed.market.condition_id,
        "assets_ids": list(listed.market.asset_ids),
        "winning_asset_id": listed.market.asset_id(winner) if winner else "",
        "winning_outcome": listed.market.label(winner) if winner else "",
        "timestamp": str(venue_ms),
        "tags": [listed.event.sport.code],
    }


def fee_schedule(market: MarketListing) -> Frame:
    return {"exponent": 1, "rate": json_number(market.fee_rate_u), "takerOnly": True, "rebateRate": 0.15}


def _level_change(book: WireBook, outcome: Outcome, *, is_bid: bool, yes_price_u: int, qty_u: int) -> dict[str, str]:
    is_yes = outcome is Outcome.YES
    return {
        "asset_id": book.asset_id,
        "price": decimal_text(yes_price_u if is_yes else MICRO - yes_price_u),
        "size": decimal_text(qty_u),
        "side": "BUY" if is_bid == is_yes else "SELL",
        "hash": book.hash,
        "best_bid": book.best_bid,
        "best_ask": book.best_ask,
    }


def _last_trade(listed: Listed, trade: Traded, qty_u: int) -> Frame:
    return {
        "event_type": "last_trade_price",
        "market": listed.market.condition_id,
        "asset_id": listed.market.asset_id(trade.taker.outcome),
        "price": decimal_text(trade.taker.price_u),
        "size": decimal_text(qty_u),
        "side": trade.taker.side.name,
        "fee_rate_bps": "0",
        "timestamp": str(trade.venue_ms),
        "transaction_hash": transaction_hash(trade.trade_id),
    }
