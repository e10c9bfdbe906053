"""How markets, events, series, milestones and targets read on the wire.

An empty book has two encodings: a market that was never quoted shows "0.0000" for the YES ask, one that was emptied
shows "1.0000" (FACTS §6.2). NO quotes mirror the YES book.
"""

from __future__ import annotations

from venues.simulator.exchange_market import Market
from venues.simulator.kalshi_catalog import (
    EventCard,
    FeeChange,
    KalshiCatalog,
    MarketCard,
    MilestoneCard,
    SeriesCard,
    TargetCard,
)
from venues.simulator.kalshi_json import count, money, price, rfc3339_ms
from venues.types import MICRO, MarketState, PriceBand

Json = dict[str, object]

STATUS = {
    MarketState.UNOPENED: "initialized",
    MarketState.OPEN: "active",
    MarketState.PAUSED: "inactive",
    MarketState.CLOSED: "closed",
    MarketState.DETERMINED: "determined",
    MarketState.SETTLED: "finalized",
}
FILTERS = {
    "unopened": (MarketState.UNOPENED,),
    "open": (MarketState.OPEN,),
    "paused": (MarketState.PAUSED,),
    "closed": (MarketState.CLOSED, MarketState.DETERMINED),
    "settled": (MarketState.SETTLED,),
}
EARLY_CLOSE = "This market will close and expire after a winner is declared."
SOURCES = [{"name": "ESPN", "url": "https://www.espn.com"}]


def quotes(market: Market) -> Json:
    """Best prices and sizes of both legs."""
    bid = market.bids.depth(1)
    ask = market.asks.depth(1)
    bid_u = bid[0][0] if bid else 0
    unquoted_ask_u = MICRO if market.has_traded_or_quoted else 0
    ask_u = ask[0][0] if ask else unquoted_ask_u
    return {
        "yes_bid_dollars": price(bid_u),
        "yes_ask_dollars": price(ask_u),
        "no_bid_dollars": price(MICRO - ask_u),
        "no_ask_dollars": price(MICRO - bid_u),
        "yes_bid_size_fp": count(bid[0][1] if bid else 0),
        "yes_ask_size_fp": count(ask[0][1] if ask else 0),
    }


def result_of(market: Market) -> str:
    """`yes`, `no`, `scalar`; empty until determined."""
    if market.value_u is None:
        return ""
    return {MICRO: "yes", 0: "no"}.get(market.value_u, "scalar")


def price_ranges(bands: tuple[PriceBand, ...]) -> list[Json]:
    return [{"start": price(b.start_u), "end": price(b.end_u), "step": price(b.step_u)} for b in bands]


def market_body(market: Market, card: MarketCard) -> Json:
    spec = market.spec
    close_ms = spec.close_ms if spec.close_ms is not None else card.latest_expiration_ms
    last = price(market.last_price_u or 0)
    body: Json = {
        "ticker": spec.native_id,
        "event_ticker": card.event_ticker,
        "market_type": "binary",
        "title": card.title,
        "subtitle": card.yes_sub_title,
        "yes_sub_title": card.yes_sub_title,
        "no_sub_title": card.yes_sub_title,
        "created_time": rfc3339_ms(card.created_ms),
        "updated_time": rfc3339_ms(card.created_ms),
        "open_time": rfc3339_ms(spec.open_ms),
        "close_time": rfc3339_ms(close_ms),
        "latest_expiration_time": rfc3339_ms(card.latest_expiration_ms),
        "expiration_time": rfc3339_ms(card.latest_expiration_ms),
        "settlement_timer_seconds": spec.settle_timer_ms // 1000,
        "status": STATUS[market.state],
        "notional_value_dollars": "1.0000",
        "last_price_dollars": last,
        "previous_price_dollars": "0.0000",
        "previous_yes_ask_dollars": "0.0000",
        "previous_yes_bid_dollars": "0.0000",
        "volume_fp": count(market.volume_u),
        "volume_24h_fp": count(market.volume_u),
        "open_interest_fp": count(market.open_interest_u),
        "result": result_of(market),
        "can_close_early": True,
        "early_close_condition": EARLY_CLOSE,
        "expiration_value": card.yes_sub_title if result_of(market) == "yes" else "",
        "rules_primary": card.rules_primary,
        "rules_secondary": card.rules_secondary,
        "price_level_structure": card.price_level_structure,
        "price_ranges": price_ranges(spec.bands),
        "exchange_index": spec.shard,
        "settlement_bounds_type": "default",
    }
    return body | quotes(market) | _optional_fields(market, card)


def _optional_fields(market: Market, card: MarketCard) -> Json:
    body: Json = {}
    if card.occurrence_ms is not None:
        body["occurrence_datetime"] = rfc3339_ms(card.occurrence_ms)
    if card.expected_expiration_ms is not None:
        body["expected_expiration_time"] = rfc3339_ms(card.expected_expiration_ms)
    if card.strike_key:
        body["strike_type"] = "structured"
        body["custom_strike"] = {card.strike_key: card.strike_id}
    if market.value_u is not None:
        body["settlement_value_dollars"] = price(market.value_u)
    if market.settled_ms is not None:
        body["settlement_ts"] = rfc3339_ms(market.settled_ms)
    return body


def event_body(card: EventCard, markets: list[Json] | None) -> Json:
    body: Json = {
        "event_ticker": card.ticker,
        "series_ticker": card.series_ticker,
        "title": card.title,
        "sub_title": card.sub_title,
        "category": "Sports",
        "mutually_exclusive": True,
        "collateral_return_type": "MECNET",
        "product_metadata": {"competition": card.competition, "competition_scope": card.scope},
        "settlement_sources": SOURCES,
        "strike_period": "",
        "last_updated_ts": rfc3339_ms(card.updated_ms),
        "exchange_index": card.shard,
    }
    if card.fee_type_override is not None and card.fee_multiplier_override_u is not None:
        body["fee_type_override"] = card.fee_type_override
        body["fee_multiplier_override"] = card.fee_multiplier_override_u / MICRO
    if markets is not None:
        body["markets"] = markets
    return body


def series_body(card: SeriesCard) -> Json:
    name = card.ticker.removeprefix("KX")
    return {
        "ticker": card.ticker,
        "title": card.title,
        "frequency": "custom",
        "category": card.category,
        "categories": [card.category],
        "tags": list(card.tags),
        "settlement_sources": SOURCES,
        "contract_url": f"https://assets.kalshi.com/regulatory/product-certifications/{name}.pdf",
        "contract_terms_url": f"https://assets.kalshi.com/contract_terms/{name}.pdf",
        "product_metadata": {"scope": card.scope},
        "fee_type": card.fee_type,
        "fee_multiplier": card.fee_multiplier_u / MICRO,
        "additional_prohibitions": [],
        "last_updated_ts": rfc3339_ms(card.updated_ms),
        "exchange_index": card.shard,
    }


def milestone_body(card: MilestoneCard) -> Json:
    body: Json = {
        "id": card.milestone_id,
        "category": "Sports",
        "type": card.type,
        "start_date": rfc3339_ms(card.start_ms),
        "title": card.title,
        "notification_message": card.title,
        "related_event_tickers": list(card.related_event_tickers),
        "primary_event_tickers": list(card.primary_event_tickers),
        "source_ids": dict(card.source_ids),
        "details": dict(card.details),
        "last_updated_ts": rfc3339_ms(card.updated_ms),
    }
    if card.end_ms is not None:
        body["end_date"] = rfc3339_ms(card.end_ms)
    return body


def target_body(card: TargetCard) -> Json:
    return {
        "id": card.target_id,
        "name": card.name,
        "type": card.type,
        "details": dict(card.details),
        "source_ids": dict(card.source_ids),
        "last_updated_ts": rfc3339_ms(card.updated_ms),
    }


def fee_change_body(change: FeeChange) -> Json:
    multiplier = None if change.fee_multiplier_u is None else change.fee_multiplier_u / MICRO
    body: Json = {
        "id": change.change_id,
        "series_ticker": change.series_ticker,
        "scheduled_ts": rfc3339_ms(change.scheduled_ms),
    }
    if change.event_ticker:
        names: Json = {"fee_type_override": change.fee_type, "fee_multiplier_override": multiplier}
        return body | names | {"event_ticker": change.event_ticker}
    return body | {"fee_type": change.fee_type, "fee_multiplier": multiplier}


def orderbook_body(market: Market, depth: int) -> Json:
    """Both sides as bids, in their own leg's price, best last; `depth` 0 is all."""
    levels = depth or None
    yes = [[price(price_u), count(qty_u)] for price_u, qty_u in reversed(market.bids.depth(levels))]
    no = [[price(MICRO - price_u), count(qty_u)] for price_u, qty_u in reversed(market.asks.depth(levels))]
    return {"yes_dollars": yes, "no_dollars": no}


def market_list_body(catalog: KalshiCatalog, markets: list[Market]) -> list[Json]:
    return [market_body(market, catalog.markets[market.native_id]) for market in markets]


def resting_value(price_u: int, qty_u: int) -> str:
    return money(price_u * qty_u // MICRO)
