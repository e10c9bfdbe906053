"""The envelopes of public replies: what wraps the values of `schemas`."""

from __future__ import annotations

from typing import ClassVar

from venues.kalshi.schemas import (
    WireBook,
    WireCandle,
    WireEvent,
    WireEventFeeChange,
    WireLiveData,
    WireMarket,
    WireMilestone,
    WireSchedule,
    WireSeries,
    WireSeriesFeeChange,
    WireStructuredTarget,
    WireTickerBook,
    WireTrade,
)
from venues.wire import Wire, fields


class Page(Wire):
    """A reply in pages. The last page has the cursor `""` or none."""

    cursor: str | None = None


class EventsReply(Page, kw_only=True):
    events: list[WireEvent]
    milestones: list[WireMilestone] = []


class EventReply(Wire):
    event: WireEvent
    markets: list[WireMarket] = []


class MarketsReply(Page, kw_only=True):
    markets: list[WireMarket]


class MarketReply(Wire):
    market: WireMarket


class SeriesReply(Wire):
    series: WireSeries


class SeriesListReply(Wire):
    series: list[WireSeries]


class MilestonesReply(Page, kw_only=True):
    milestones: list[WireMilestone]


class LiveDatasReply(Wire):
    live_datas: list[WireLiveData | None]


class StructuredTargetsReply(Page, kw_only=True):
    structured_targets: list[WireStructuredTarget] = []


class BookReply(Wire):
    """`orderbook` is the old key; a fully empty book came under it as `{}`."""

    orderbook_fp: WireBook | None = None
    orderbook: WireBook | None = None


class BooksReply(Wire):
    orderbooks: list[WireTickerBook]


class CandlesReply(Wire):
    ticker: str
    candlesticks: list[WireCandle]


class MarketCandles(Wire):
    market_ticker: str
    candlesticks: list[WireCandle]


class BatchCandlesReply(Wire):
    markets: list[MarketCandles]


class TradesReply(Page, kw_only=True):
    trades: list[WireTrade]


class SeriesFeeChangesReply(Wire):
    series_fee_change_arr: list[WireSeriesFeeChange]


class EventFeeChangesReply(Page, kw_only=True):
    event_fee_changes: list[WireEventFeeChange]


class ScheduleReply(Wire):
    schedule: WireSchedule


class UserDataTimestampReply(Wire):
    as_of_time: str


class CutoffReply(Wire):
    """Before these times, terminal things are served by `/historical/…` only."""

    UNUSED: ClassVar[frozenset[str]] = fields("market_positions_last_updated_ts")
    market_settled_ts: str
    trades_created_ts: str
    orders_updated_ts: str
