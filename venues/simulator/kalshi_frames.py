"""The socket's frames: one JSON object and a newline.

Book frames speak of levels as bids of a leg. The NO side is priced in its own leg unless the subscription asked for
`use_yes_price`; a side without levels is absent from a snapshot. Source: FACTS §7.4.
"""

from __future__ import annotations

import msgspec

from venues.simulator.exchange_market import Market
from venues.simulator.exchange_types import BookChanged, GroupChanged, MarketChange, MarketChanged, Traded
from venues.simulator.kalshi_catalog import EventCard, MarketCard
from venues.simulator.kalshi_json import count, price, rfc3339_ms
from venues.simulator.kalshi_listing import price_ranges, quotes, result_of
from venues.types import MICRO, MarketState

Json = dict[str, object]


def frame(kind: str, message: object, *, sid: int, seq: int | None = None, command_id: int = 0) -> str:
    """`type, id?, sid, seq?, msg`, in that order."""
    named = f',"id":{command_id}' if command_id else ""
    counted = "" if seq is None else f',"seq":{seq}'
    return f'{{"type":"{kind}"{named},"sid":{sid}{counted},"msg":{msgspec.json.encode(message).decode()}}}\n'


def snapshot_message(market: Market, market_id: str, *, use_yes_price: bool) -> Json:
    """All levels, prices ascending on both sides."""
    message: Json = {"market_ticker": market.native_id, "market_id": market_id}
    yes = [[price(price_u), count(qty_u)] for price_u, qty_u in reversed(market.bids.depth())]
    asks = market.asks.depth()
    if use_yes_price:
        no = [[price(price_u), count(qty_u)] for price_u, qty_u in asks]
    else:
        no = [[price(MICRO - price_u), count(qty_u)] for price_u, qty_u in reversed(asks)]
    if yes:
        message["yes_dollars_fp"] = yes
    if no:
        message["no_dollars_fp"] = no
    return message


def delta_message(event: BookChanged, market_id: str, *, use_yes_price: bool, is_own: bool) -> Json:
    """`client_order_id` only where the receiver's own order caused the change."""
    price_u = event.price_u if event.is_bid or use_yes_price else MICRO - event.price_u
    message: Json = {
        "market_ticker": event.native_id,
        "market_id": market_id,
        "price_dollars": price(price_u),
        "delta_fp": count(event.delta_u),
        "side": "yes" if event.is_bid else "no",
        "ts": rfc3339_ms(event.venue_ms),
        "ts_ms": event.venue_ms,
    }
    if is_own:
        message |= {"client_order_id": event.client_order_id, "subaccount": 0}
    return message


def trade_message(trade: Traded) -> Json:
    outcome = "yes" if trade.is_taker_bid else "no"
    return {
        "trade_id": trade.trade_id,
        "market_ticker": trade.native_id,
        "yes_price_dollars": price(trade.yes_price_u),
        "no_price_dollars": price(MICRO - trade.yes_price_u),
        "count_fp": count(trade.qty_u),
        "taker_side": outcome,
        "taker_outcome_side": outcome,
        "taker_book_side": "bid" if trade.is_taker_bid else "ask",
        "is_block_trade": False,
        "ts": trade.venue_ms // 1000,
        "ts_ms": trade.venue_ms,
    }


def ticker_message(market: Market, market_id: str, now_ms: int) -> Json:
    best = quotes(market)
    return {
        "market_ticker": market.native_id,
        "market_id": market_id,
        "price_dollars": price(market.last_price_u or 0),
        "yes_bid_dollars": best["yes_bid_dollars"],
        "yes_ask_dollars": best["yes_ask_dollars"],
        "yes_bid_size_fp": best["yes_bid_size_fp"],
        "yes_ask_size_fp": best["yes_ask_size_fp"],
        "last_trade_size_fp": count(market.last_qty_u),
        "volume_fp": count(market.volume_u),
        "open_interest_fp": count(market.open_interest_u),
        "dollar_volume": market.traded_usd_u // MICRO,
        "dollar_open_interest": market.open_interest_u // MICRO,
        "ts": now_ms // 1000,
        "ts_ms": now_ms,
        "time": rfc3339_ms(now_ms),
    }


def group_message(event: GroupChanged) -> Json:
    return {
        "event_type": event.change,
        "order_group_id": event.group.group_id,
        "contracts_limit_fp": count(event.group.limit_u),
        "ts_ms": event.venue_ms,
    }


def lifecycle_message(event: MarketChanged, market: Market, card: MarketCard) -> Json | None:
    """What is announced; opening and closing by the clock are not (FACTS §6.2)."""
    message: Json = {"market_ticker": market.native_id}
    now_s = event.venue_ms // 1000
    match event.change, event.state:
        case MarketChange.LISTED, _:
            return message | _created(market, card)
        case MarketChange.CLOSE_MOVED, _:
            return message | {"event_type": "close_date_updated", "close_ts": (market.spec.close_ms or 0) // 1000}
        case MarketChange.TERMS, _:
            ranges = price_ranges(market.spec.bands)
            name = card.price_level_structure
            kind = "price_level_structure_updated"
            return message | {"event_type": kind, "price_level_structure": name, "price_ranges": ranges}
        case _, MarketState.PAUSED:
            return message | {"event_type": "deactivated", "is_deactivated": True}
        case _, MarketState.OPEN if event.previous is MarketState.PAUSED:
            return message | {"event_type": "activated", "is_deactivated": False}
        case _, MarketState.DETERMINED:
            value = {"result": result_of(market), "settlement_value": price(event.value_u or 0)}
            return message | {"event_type": "determined", "determination_ts": now_s} | value
        case _, MarketState.SETTLED:
            return message | {"event_type": "settled", "settled_ts": now_s}
        case _:
            return None


def _created(market: Market, card: MarketCard) -> Json:
    return {
        "event_type": "created",
        "exchange_index": market.spec.shard,
        "open_ts": market.spec.open_ms // 1000,
        "close_ts": (market.spec.close_ms or 0) // 1000,
        "price_level_structure": card.price_level_structure,
        "price_ranges": price_ranges(market.spec.bands),
        "additional_metadata": {
            "name": card.yes_sub_title,
            "title": card.title,
            "yes_sub_title": card.yes_sub_title,
            "no_sub_title": card.yes_sub_title,
            "rules_primary": card.rules_primary,
            "rules_secondary": card.rules_secondary,
            "can_close_early": True,
            "event_ticker": card.event_ticker,
            "expected_expiration_ts": (card.expected_expiration_ms or 0) // 1000,
            "strike_type": "structured",
            "custom_strike": {card.strike_key: card.strike_id} if card.strike_key else {},
        },
    }


def event_message(card: EventCard) -> Json:
    return {
        "event_ticker": card.ticker,
        "exchange_index": card.shard,
        "title": card.title,
        "subtitle": card.sub_title,
        "collateral_return_type": "MECNET",
        "series_ticker": card.series_ticker,
    }
