"""Puts a market together from what Kalshi keeps apart: the market, its event, its series and the game's milestone.

Series (fees) are read again after ten minutes; events are kept from the listing and read again when told that they
changed. A market that cannot be read is logged, counted in `skipped` and left out: one bad listing must not hide a
league.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec
import structlog

from venues import leagues
from venues.errors import NotFoundAtVenue, ProtocolError
from venues.kalshi.parse import parse_market
from venues.kalshi.reference import KalshiReference, parse_milestone
from venues.kalshi.schemas import WireEvent, WireMarket, WireSeries
from venues.kalshi.schemas_replies import EventsReply
from venues.types import VenueMarket

log = structlog.get_logger(__name__)

RECENT_MS = 86_400_000
"""How long after its close a market still counts as recently closed."""

_SERIES_MS = 600_000


class _Known(msgspec.Struct):
    """An event without its markets, and the start of its game where a milestone tells it."""

    event: WireEvent
    start_ms: int | None


class Catalog:
    """What we know of listings. `clock_ms` is the time of the data."""

    def __init__(self, reference: KalshiReference, *, clock_ms: Callable[[], int]) -> None:
        self.skipped: Counter[str] = Counter()
        self._reference = reference
        self._clock_ms = clock_ms
        self._series: dict[str, tuple[int, WireSeries]] = {}
        self._events: dict[str, _Known] = {}

    async def list_series(self, series: str, *, league: str) -> list[VenueMarket]:
        """The open and recently closed markets of one series, none of an unknown one. Raises VenueError."""
        try:
            terms = await self._terms(series)
        except NotFoundAtVenue:
            log.info("kalshi_series_not_listed", series=series)
            return []
        min_close_s = (self._clock_ms() - RECENT_MS) // 1000
        pages = await self._reference.events(series=series, min_close_s=min_close_s)
        starts = _starts(pages)
        listed: list[VenueMarket] = []
        for event in (event for page in pages for event in page.events):
            known = self._remember(event, starts.get(event.event_ticker))
            listed += self._assemble(event.markets, known, terms, league)
        return listed

    async def market(self, ticker: str, *, event_ticker: str) -> VenueMarket:
        """One market with its event read anew; from the history when it is old. Raises VenueError."""
        event = await self._reference.event(event_ticker)
        known = self._remember(event, await self._start_ms(event_ticker))
        row = next((row for row in event.markets if row.ticker == ticker), None) or await self._old_market(ticker)
        terms = await self._terms(event.series_ticker)
        return self._one(row, known, terms, league_of(event.series_ticker))

    async def refresh(self, markets: Iterable[VenueMarket]) -> list[VenueMarket]:
        """The present terms and states of known markets, a hundred a call; their events as remembered."""
        wanted = {market.native_id: market for market in markets}
        fresh: list[VenueMarket] = []
        for row in await self._reference.markets(sorted(wanted)):
            before = wanted.get(row.ticker)
            if before is not None:
                known = await self._known(before)
                terms = await self._terms(known.event.series_ticker)
                fresh += self._assemble([row], known, terms, before.league)
        return fresh

    def forget_event(self, event_ticker: str) -> None:
        """Its terms changed: read it again with the next refresh."""
        self._events.pop(event_ticker, None)

    async def _terms(self, series: str) -> WireSeries:
        now_ms = self._clock_ms()
        read_ms, terms = self._series.get(series, (None, None))
        if terms is None or read_ms is None or now_ms - read_ms > _SERIES_MS:
            terms = await self._reference.series(series)
            self._series[series] = (now_ms, terms)
        return terms

    async def _known(self, market: VenueMarket) -> _Known:
        known = self._events.get(market.event_id)
        if known is None:
            event = await self._reference.event(market.event_id)
            known = self._remember(event, await self._start_ms(market.event_id))
        return known

    async def _start_ms(self, event_ticker: str) -> int | None:
        known = self._events.get(event_ticker)
        if known is not None and known.start_ms is not None:
            return known.start_ms
        milestones = await self._reference.milestones(event_ticker)
        return milestones[0].start_ms if milestones else None

    async def _old_market(self, ticker: str) -> WireMarket:
        try:
            return await self._reference.market(ticker)
        except NotFoundAtVenue:
            return await self._reference.historical_market(ticker)

    def _remember(self, event: WireEvent, start_ms: int | None) -> _Known:
        known = _Known(msgspec.structs.replace(event, markets=[]), start_ms)
        self._events[event.event_ticker] = known
        return known

    def _assemble(self, rows: Iterable[WireMarket], known: _Known, terms: WireSeries, league: str) -> list[VenueMarket]:
        markets: list[VenueMarket] = []
        for row in rows:
            try:
                markets.append(self._one(row, known, terms, league))
            except ProtocolError as error:
                self.skipped[error.code] += 1
                log.warning("kalshi_market_skipped", ticker=row.ticker, code=error.code, reason=error.message)
        return markets

    def _one(self, row: WireMarket, known: _Known, terms: WireSeries, league: str) -> VenueMarket:
        now_ms = self._clock_ms()
        return parse_market(row, event=known.event, series=terms, league=league, now_ms=now_ms, start_ms=known.start_ms)


def league_of(series: str) -> str:
    """Our code of a series' league; empty for a series of no league we know."""
    known = leagues.by_kalshi_series(series)
    return known.code if known is not None else ""


def _starts(pages: Iterable[EventsReply]) -> dict[str, int]:
    """The start of each event that a milestone on these pages names."""
    starts: dict[str, int] = {}
    for milestone in (parse_milestone(row) for page in pages for row in page.milestones):
        for event_ticker in milestone.event_tickers:
            starts.setdefault(event_ticker, milestone.start_ms)
    return starts
