"""Public REST data as it is on the wire: markets, events, series, milestones, books, trades, candles, exchange.

Only what a market needs to exist is required; everything else has a default, because old captures, historical
endpoints and the demo exchange each leave something out. Numbers stay strings here; `parse` makes them integers.
Source: OpenAPI 3.34.0 and recorded replies.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from venues.wire import Wire, fields

Level = tuple[str, str]
"""`(price, size)` as strings."""


class WirePriceRange(Wire):
    start: str
    end: str
    step: str


class WireMarket(Wire):
    """One market. `no_sub_title` repeats the team of YES: NO means that this team does not win."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "market_type subtitle created_time updated_time expiration_time latest_expiration_time notional_value_dollars "
        "no_bid_dollars no_ask_dollars previous_yes_bid_dollars previous_yes_ask_dollars previous_price_dollars "
        "volume_24h_fp can_close_early expiration_value early_close_condition cap_strike functional_strike "
        "no_sub_title mve_collection_ticker mve_selected_legs primary_participant_key price_level_structure "
        "is_provisional settlement_bounds_type settlement_floor_dollars liquidity_dollars strike_type tick_size "
        "response_price_units fractional_trading_enabled expected_expiration_time"
    )
    ticker: str
    event_ticker: str
    status: str
    title: str = ""
    yes_sub_title: str = ""
    price_ranges: list[WirePriceRange] = []
    exchange_index: int = 0
    yes_bid_dollars: str = "0.0000"
    yes_ask_dollars: str = "0.0000"
    yes_bid_size_fp: str = "0.00"
    yes_ask_size_fp: str = "0.00"
    last_price_dollars: str = "0.0000"
    volume_fp: str = "0.00"
    open_interest_fp: str = "0.00"
    open_time: str | None = None
    close_time: str | None = None
    occurrence_datetime: str | None = None
    settlement_timer_seconds: int = 0
    result: str = ""
    settlement_value_dollars: str | None = None
    settlement_ts: str | None = None
    fee_waiver_expiration_time: str | None = None
    floor_strike: Decimal | None = None
    custom_strike: dict[str, object] | None = None
    rules_primary: str = ""
    rules_secondary: str = ""


class WireEvent(Wire):
    """A group of markets on one game. The two overrides replace the series' fee as a pair."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "category collateral_return_type strike_date strike_period settlement_sources last_updated_ts "
        "available_on_brokers"
    )
    event_ticker: str
    series_ticker: str
    title: str = ""
    sub_title: str = ""
    mutually_exclusive: bool = False
    product_metadata: dict[str, object] | None = None
    exchange_index: int = 0
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None
    markets: list[WireMarket] = []


class WireSeries(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "frequency settlement_sources contract_url contract_terms_url product_metadata additional_prohibitions "
        "volume_fp last_updated_ts exchange_index categories"
    )
    ticker: str
    fee_type: str
    fee_multiplier: Decimal
    title: str = ""
    category: str = ""
    tags: list[str] | None = None


class WireMilestone(Wire):
    """A game as Kalshi knows it: `start_date` is the only field anywhere that holds the start itself."""

    UNUSED: ClassVar[frozenset[str]] = fields("end_date notification_message last_updated_ts source_id source_ids")
    id: str
    start_date: str
    category: str = ""
    type: str = ""
    title: str = ""
    related_event_tickers: list[str] = []
    primary_event_tickers: list[str] = []
    details: dict[str, object] = {}


class WireStructuredTarget(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("source_id source_ids last_updated_ts")
    id: str = ""
    name: str = ""
    type: str = ""
    details: dict[str, object] = {}


class WireLiveData(Wire):
    """Score data for display. Its `details` differ by sport and carry no promise of latency."""

    type: str
    details: dict[str, object]
    milestone_id: str


class WireBook(Wire):
    """Resting bids of both legs, ascending, best last; the NO side in NO prices. An empty side may be absent."""

    yes_dollars: list[Level] | None = None
    no_dollars: list[Level] | None = None


class WireTickerBook(Wire):
    ticker: str
    orderbook_fp: WireBook


class WireTrade(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("no_price_dollars taker_side taker_outcome_side")
    trade_id: str
    ticker: str
    count_fp: str
    yes_price_dollars: str
    taker_book_side: str
    created_time: str
    is_block_trade: bool = False


class WireOhlc(Wire):
    """Prices of a candle. Live endpoints say `close_dollars`, historical ones `close`; null without a trade."""

    open_dollars: str | None = None
    high_dollars: str | None = None
    low_dollars: str | None = None
    close_dollars: str | None = None
    mean_dollars: str | None = None
    previous_dollars: str | None = None
    min_dollars: str | None = None
    max_dollars: str | None = None
    open: str | None = None
    high: str | None = None
    low: str | None = None
    close: str | None = None
    mean: str | None = None
    previous: str | None = None
    min: str | None = None
    max: str | None = None


class WireCandle(Wire):
    end_period_ts: int
    yes_bid: WireOhlc
    yes_ask: WireOhlc
    price: WireOhlc
    volume_fp: str | None = None
    open_interest_fp: str | None = None
    volume: str | None = None
    open_interest: str | None = None


class WireSeriesFeeChange(Wire):
    id: str
    series_ticker: str
    fee_type: str
    fee_multiplier: Decimal
    scheduled_ts: str


class WireEventFeeChange(Wire):
    id: str
    event_ticker: str
    series_ticker: str
    scheduled_ts: str
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None


class WireShardStatus(Wire):
    exchange_index: int
    exchange_active: bool
    trading_active: bool
    description: str = ""
    intra_exchange_transfers_active: bool = True


class WireExchangeStatus(Wire):
    """The top level speaks of shard 0; `exchange_index_statuses` of each shard."""

    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool = True
    exchange_estimated_resume_time: str | None = None
    exchange_index_statuses: list[WireShardStatus] = []


class WireSession(Wire):
    open_time: str
    close_time: str


class WireWeek(Wire):
    """Trading hours in Eastern time."""

    start_time: str
    end_time: str
    monday: list[WireSession] = []
    tuesday: list[WireSession] = []
    wednesday: list[WireSession] = []
    thursday: list[WireSession] = []
    friday: list[WireSession] = []
    saturday: list[WireSession] = []
    sunday: list[WireSession] = []


class WireMaintenance(Wire):
    start_datetime: str
    end_datetime: str


class WireSchedule(Wire):
    standard_hours: list[WireWeek] = []
    maintenance_windows: list[WireMaintenance] = []


class WireBucket(Wire):
    refill_rate: int
    bucket_capacity: int


class WireLimits(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("grants")
    read: WireBucket
    write: WireBucket
    usage_tier: str = ""


class WireEndpointCost(Wire):
    method: str
    path: str
    cost: int


class WireEndpointCosts(Wire):
    default_cost: int
    endpoint_costs: list[WireEndpointCost] = []
