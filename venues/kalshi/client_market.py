"""The market door: listings by REST, books and trades by the stream, and a slow re-read of what is watched.

The stream does not announce that a market opened or closed by the clock, and what it says of a market's terms is only
that they changed; so watched markets are read again every few seconds, at once when the stream names them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog

from venues import leagues
from venues.errors import VenueError
from venues.kalshi.budget import Budget
from venues.kalshi.capabilities import CAPABILITIES
from venues.kalshi.catalog import Catalog
from venues.kalshi.constants import KalshiEndpoints, KalshiKey
from venues.kalshi.reference import KalshiReference
from venues.kalshi.rest import KalshiRest
from venues.kalshi.runner import StreamRunner
from venues.kalshi.sign import Signer, wall_clock_ms
from venues.kalshi.stream import KalshiStream
from venues.ports import FrameTap, Sink
from venues.transport.socket import ReconnectingSocket
from venues.types import MarketKind, MarketListed, Venue, VenueMarket

log = structlog.get_logger(__name__)

FEED = "kalshi.market"
REFRESH_S = 15.0
_STALE_PAUSE_S = 1.0
_KIND_ORDER = {MarketKind.MONEYLINE: 0, MarketKind.SPREAD: 1, MarketKind.TOTAL: 2, MarketKind.OTHER: 3}
_STEM_ENDINGS = ("GAME", "MATCH", "FIGHT")
_LINE_ENDINGS = {MarketKind.SPREAD: "SPREAD", MarketKind.TOTAL: "TOTAL"}


class KalshiMarketData:
    """`MarketDataFeed`, with all public reads beside it in `reference`."""

    capabilities = CAPABILITIES

    def __init__(
        self,
        endpoints: KalshiEndpoints,
        key: KalshiKey,
        *,
        tap: FrameTap | None = None,
        clock_ms: Callable[[], int] = wall_clock_ms,
        budget: Budget | None = None,
        kinds: Iterable[MarketKind] = (MarketKind.MONEYLINE,),
    ) -> None:
        """`clock_ms` is the time of the data (virtual in a simulation); `kinds` are the series that are listed."""
        self.rest = KalshiRest(endpoints, key, name="kalshi.market", budget=budget)
        self.reference = KalshiReference(self.rest)
        self.stream = KalshiStream(census=self.rest.census)
        self._catalog = Catalog(self.reference, clock_ms=clock_ms)
        self._kinds = sorted(kinds, key=_KIND_ORDER.__getitem__)
        self._watched: dict[str, VenueMarket] = {}
        self._refreshed_at = 0.0
        self._sink: Sink | None = None
        self.is_stepped = False
        self._runner = StreamRunner(
            self.stream, name=FEED, ws_url=endpoints.ws_url, signer=Signer(key), tap=tap, on_idle=self._refresh_if_due
        )
        self.sockets: tuple[ReconnectingSocket, ...] = (self._runner.socket,)

    async def list_markets(self, league: str) -> list[VenueMarket]:
        """Moneylines first, then by start. A league that Kalshi does not list gives none. Raises VenueError."""
        listed: list[VenueMarket] = []
        for series in series_of(league, self._kinds):
            listed += await self._catalog.list_series(series, league=league)
        return sorted(listed, key=lambda one: (_KIND_ORDER[one.kind], one.game_start_ms or 0, one.native_id))

    async def market(self, market: VenueMarket) -> VenueMarket:
        """The market as it is now, event, fees and all. Raises VenueError."""
        return await self._catalog.market(market.native_id, event_ticker=market.event_id)

    async def watch(self, markets: Iterable[VenueMarket]) -> None:
        """Set what is streamed; takes effect at once when connected."""
        self._watched = {market.native_id: market for market in markets if market.venue is Venue.KALSHI}
        self.stream.watch(self._watched, self._runner.socket.now_us())
        self._runner.wake()

    async def run(self, sink: Sink) -> None:
        """Stream for ever; cancel to stop."""
        self._sink = sink
        await self.rest.learn_budget()
        await self._runner.run(sink)

    async def aclose(self) -> None:
        await self.rest.aclose()

    async def _refresh_if_due(self) -> None:
        """Everything watched every 15 s; what the stream named within about a second."""
        waited_s = asyncio.get_running_loop().time() - self._refreshed_at
        if waited_s < _STALE_PAUSE_S or self.is_stepped:
            return
        for event_ticker in self.stream.take_stale_events():
            self._catalog.forget_event(event_ticker)
        stale = self.stream.take_stale() & self._watched.keys()
        due = self._watched.keys() if waited_s >= REFRESH_S else stale
        if due:
            await self._refresh([self._watched[ticker] for ticker in sorted(due)])

    async def _refresh(self, markets: list[VenueMarket]) -> None:
        self._refreshed_at = asyncio.get_running_loop().time()
        try:
            fresh = await self._catalog.refresh(markets)
        except VenueError as error:
            log.warning("kalshi_markets_not_read", code=error.code, reason=error.message)
            return
        for market in fresh:
            self._note(market)

    def _note(self, market: VenueMarket) -> None:
        """Tell of a watched market whose terms or state are new."""
        if self._watched.get(market.native_id) in (None, market) or self._sink is None:
            return
        self._watched[market.native_id] = market
        self._sink(MarketListed(market))


def series_of(league: str, kinds: Iterable[MarketKind]) -> list[str]:
    """The series of a league's markets of these kinds. Raises KeyError for a code that is no league."""
    main = leagues.league(league).kalshi
    if not main:
        return []
    stem = next((main.removesuffix(ending) for ending in _STEM_ENDINGS if main.endswith(ending)), main)
    return [main if kind is MarketKind.MONEYLINE else stem + _LINE_ENDINGS[kind] for kind in kinds]
