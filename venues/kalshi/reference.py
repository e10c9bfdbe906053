"""Public reads of the exchange: what is listed, quoted, traded and scheduled, each as our own values.

Thin on purpose: one method, one endpoint, parsed numbers. Endpoints that take lists get repeated parameters where the
venue wants them so (a comma list of milestones comes back as nulls without a word).
Source: docs.kalshi.com, exchange, market, events, milestones, live data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from urllib.parse import quote

from venues.errors import ProtocolError
from venues.kalshi.fees import FeeRates
from venues.kalshi.numbers import time_ms
from venues.kalshi.parse import parse_book, parse_candle, parse_trade
from venues.kalshi.rest import KalshiRest, Params
from venues.kalshi.schemas import (
    WireEvent,
    WireEventFeeChange,
    WireExchangeStatus,
    WireLiveData,
    WireMarket,
    WireMilestone,
    WireSchedule,
    WireSeries,
    WireStructuredTarget,
)
from venues.kalshi.schemas_replies import (
    BatchCandlesReply,
    BookReply,
    BooksReply,
    CandlesReply,
    EventFeeChangesReply,
    EventReply,
    EventsReply,
    LiveDatasReply,
    MarketReply,
    MarketsReply,
    MilestonesReply,
    ScheduleReply,
    SeriesFeeChangesReply,
    SeriesListReply,
    SeriesReply,
    StructuredTargetsReply,
    TradesReply,
)
from venues.kalshi.values import Candle, ExchangeStatus, FeeChange, GameMilestone, ShardStatus
from venues.types import BookSnapshot, PublicTrade

_EVENTS_PAGE = 200
_PAGE = 1000
_MILESTONES_PAGE = 500
_LIST = 100


class KalshiReference:
    """All methods raise VenueError; reads in pages give everything or raise."""

    def __init__(self, rest: KalshiRest) -> None:
        self._rest = rest

    async def series(self, ticker: str) -> WireSeries:
        return (await self._rest.get(f"/series/{_safe(ticker)}", SeriesReply)).series

    async def series_list(self, *, category: str = "Sports", tag: str | None = None) -> list[WireSeries]:
        return (await self._rest.get("/series", SeriesListReply, {"category": category, "tags": tag})).series

    async def events(
        self, *, series: str, min_close_s: int | None = None, status: str | None = None
    ) -> list[EventsReply]:
        """The pages of a series' events with their markets and milestones."""
        where: Params = {
            "series_ticker": series,
            "with_nested_markets": True,
            "with_milestones": True,
            "min_close_ts": min_close_s,
            "status": status,
            "limit": _EVENTS_PAGE,
        }
        return await self._rest.pages("/events", EventsReply, lambda page: [page], where)

    async def event(self, ticker: str) -> WireEvent:
        """An event with the markets that are not yet historical."""
        path = f"/events/{_safe(ticker)}"
        reply = await self._rest.get(path, EventReply, {"with_nested_markets": True})
        if not reply.event.markets:
            reply.event.markets = reply.markets
        return reply.event

    async def market(self, ticker: str) -> WireMarket:
        return (await self._rest.get(f"/markets/{_safe(ticker)}", MarketReply)).market

    async def historical_market(self, ticker: str) -> WireMarket:
        """A market settled before the historical cutoff (about three months)."""
        return (await self._rest.get(f"/historical/markets/{_safe(ticker)}", MarketReply)).market

    async def markets(self, tickers: Iterable[str]) -> list[WireMarket]:
        """The named markets that are not yet historical, in no order."""
        found: list[WireMarket] = []
        for part in _parts(tickers, _LIST):
            where: Params = {"tickers": ",".join(part), "limit": _PAGE}
            found += await self._rest.pages("/markets", MarketsReply, lambda page: page.markets, where)
        return found

    async def milestones(self, event_ticker: str) -> list[GameMilestone]:
        """The games an event is about."""
        where: Params = {"related_event_ticker": event_ticker, "limit": _MILESTONES_PAGE}
        rows = await self._rest.pages("/milestones", MilestonesReply, lambda page: page.milestones, where)
        return [parse_milestone(row) for row in rows]

    async def structured_targets(self, ids: Sequence[str]) -> list[WireStructuredTarget]:
        """Teams and players behind `custom_strike`, by id."""
        where: Params = {"ids": list(ids), "page_size": _PAGE}
        path = "/structured_targets"
        return await self._rest.pages(path, StructuredTargetsReply, lambda page: page.structured_targets, where)

    async def live_data(self, milestone_ids: Iterable[str]) -> list[WireLiveData]:
        """Score data for display; games without any are left out."""
        found: list[WireLiveData] = []
        for part in _parts(milestone_ids, _LIST):
            reply = await self._rest.get("/live_data/batch", LiveDatasReply, {"milestone_ids": part})
            found += [row for row in reply.live_datas if row is not None]
        return found

    async def book(self, ticker: str, *, depth: int = 0, now_ms: int = 0) -> BookSnapshot:
        """One book, the best `depth` levels or all (0). It cannot be joined with a stream: it has no sequence."""
        reply = await self._rest.get(f"/markets/{_safe(ticker)}/orderbook", BookReply, {"depth": depth})
        book = reply.orderbook_fp or reply.orderbook
        if book is None:
            raise ProtocolError(f"the reply holds no book of {ticker}", code="bad_json")
        return parse_book(ticker, book, venue_ms=now_ms)

    async def books(self, tickers: Iterable[str], *, now_ms: int = 0) -> list[BookSnapshot]:
        """Many books, a hundred a call."""
        found: list[BookSnapshot] = []
        for part in _parts(tickers, _LIST):
            reply = await self._rest.get("/markets/orderbooks", BooksReply, {"tickers": part})
            found += [parse_book(row.ticker, row.orderbook_fp, venue_ms=now_ms) for row in reply.orderbooks]
        return found

    async def trades(
        self,
        *,
        ticker: str | None = None,
        min_s: int | None = None,
        max_s: int | None = None,
        is_historical: bool = False,
    ) -> list[PublicTrade]:
        """Public prints, newest first."""
        where: Params = {"ticker": ticker, "min_ts": min_s, "max_ts": max_s, "limit": _PAGE}
        path = "/historical/trades" if is_historical else "/markets/trades"
        rows = await self._rest.pages(path, TradesReply, lambda page: page.trades, where)
        return [parse_trade(row) for row in rows]

    async def candles(
        self, ticker: str, *, series: str, start_s: int, end_s: int, minutes: int = 1, is_historical: bool = False
    ) -> list[Candle]:
        """Candles that end in [start, end], UTC seconds; `minutes` is 1, 60 or 1440."""
        where: Params = {"start_ts": start_s, "end_ts": end_s, "period_interval": minutes}
        place = "/historical" if is_historical else f"/series/{_safe(series)}"
        reply = await self._rest.get(f"{place}/markets/{_safe(ticker)}/candlesticks", CandlesReply, where)
        return [parse_candle(row) for row in reply.candlesticks]

    async def candles_of(
        self, tickers: Iterable[str], *, start_s: int, end_s: int, minutes: int = 1
    ) -> dict[str, list[Candle]]:
        """Candles of many markets, a hundred a call."""
        found: dict[str, list[Candle]] = {}
        for part in _parts(tickers, _LIST):
            where: Params = {
                "market_tickers": ",".join(part),
                "start_ts": start_s,
                "end_ts": end_s,
                "period_interval": minutes,
            }
            reply = await self._rest.get("/markets/candlesticks", BatchCandlesReply, where)
            found.update({row.market_ticker: [parse_candle(one) for one in row.candlesticks] for row in reply.markets})
        return found

    async def status(self) -> ExchangeStatus:
        """Whether the exchange and trading are active, per shard."""
        reply = await self._rest.get("/exchange/status", WireExchangeStatus)
        resumes = reply.exchange_estimated_resume_time
        return ExchangeStatus(
            reply.exchange_active,
            reply.trading_active,
            time_ms(resumes) if resumes else None,
            tuple(
                ShardStatus(row.exchange_index, row.exchange_active, row.trading_active)
                for row in reply.exchange_index_statuses
            ),
        )

    async def schedule(self) -> WireSchedule:
        """Trading hours (Eastern) and maintenance windows."""
        return (await self._rest.get("/exchange/schedule", ScheduleReply)).schedule

    async def series_fee_changes(self, series: str, *, with_past: bool = False) -> list[FeeChange]:
        where: Params = {"series_ticker": series, "show_historical": with_past}
        reply = await self._rest.get("/series/fee_changes", SeriesFeeChangesReply, where)
        return [
            FeeChange(row.series_ticker, FeeRates.of(row.fee_type, row.fee_multiplier), time_ms(row.scheduled_ts))
            for row in reply.series_fee_change_arr
        ]

    async def event_fee_changes(self, event_ticker: str | None = None) -> list[FeeChange]:
        where: Params = {"event_ticker": event_ticker, "limit": _PAGE}
        path = "/events/fee_changes"
        rows = await self._rest.pages(path, EventFeeChangesReply, lambda page: page.event_fee_changes, where)
        return [_event_fee_change(row) for row in rows]


def parse_milestone(row: WireMilestone) -> GameMilestone:
    """A milestone; its two teams are ids of structured targets, empty where it names none. Raises ProtocolError."""
    return GameMilestone(
        row.id,
        row.type,
        row.title,
        time_ms(row.start_date),
        tuple(dict.fromkeys([*row.primary_event_tickers, *row.related_event_tickers])),
        str(row.details.get("home_team_id") or ""),
        str(row.details.get("away_team_id") or ""),
    )


def _event_fee_change(row: WireEventFeeChange) -> FeeChange:
    fee_type, multiplier = row.fee_type_override, row.fee_multiplier_override
    rates = None if fee_type is None or multiplier is None else FeeRates.of(fee_type, multiplier)
    return FeeChange(row.event_ticker, rates, time_ms(row.scheduled_ts))


def _parts(items: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def _safe(ticker: str) -> str:
    return quote(ticker, safe="")
