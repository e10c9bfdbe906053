"""Public data of the venue: the `MarketDataFeed`, by Gamma, the CLOB and as many market sockets as it takes.

A socket carries 200 assets (beyond 500 the venue sends no snapshots and does not say so), both tokens of a market side
by side. Each socket has its own `MarketChannel`; this class places markets on them, moves texts and messages, and reads
a book by REST where a subscription brought none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import structlog

from venues.errors import NotFoundAtVenue, ProtocolError, VenueError
from venues.polymarket.clob import ClobPublic
from venues.polymarket.constants import (
    ASSETS_PER_SOCKET,
    CAPABILITIES,
    KEEPALIVE_EVERY_S,
    SILENCE_S,
    PolymarketEndpoints,
)
from venues.polymarket.discovery import Discovery
from venues.polymarket.gamma import Gamma
from venues.polymarket.http import VenueHost, standard_limiter
from venues.polymarket.markets import routing_of
from venues.polymarket.markets_clob import refreshed
from venues.polymarket.stream import MarketChannel
from venues.polymarket.wall import wall_ms
from venues.ports import FrameTap, Sink
from venues.transport.limiter import RateLimiter
from venues.transport.socket import Keepalive, ReconnectingSocket, SendText
from venues.types import FeedStatus, MarketMessage, VenueMarket

log = structlog.get_logger(__name__)

FEED = "polymarket.market"
MARKETS_PER_SOCKET = ASSETS_PER_SOCKET // 2
_NO_BOOK_S = 60.0
"""A market without a book (not hydrated yet, or its resolution proposed) is asked for again after a minute."""


class PolymarketMarketData:
    """Discovery, market terms and streamed books. `clock_ms` is the clock of the data.

    A market whose subscription brings no book within `patience_s` has it read by REST.
    """

    capabilities = CAPABILITIES

    def __init__(
        self,
        endpoints: PolymarketEndpoints,
        *,
        tap: FrameTap | None = None,
        clock_ms: Callable[[], int] = wall_ms,
        limiter: RateLimiter | None = None,
        patience_s: float = 5.0,
    ) -> None:
        shared = limiter or standard_limiter()
        self._clob_host = VenueHost(name="polymarket.clob", base_url=endpoints.clob_url, limiter=shared)
        self._gamma_host = VenueHost(name="polymarket.gamma", base_url=endpoints.gamma_url, limiter=shared)
        self.clob = ClobPublic(self._clob_host)
        self.gamma = Gamma(self._gamma_host)
        self.discovery = Discovery(self.gamma, clock_ms=clock_ms)
        self._url = endpoints.ws_url.rstrip("/") + "/ws/market"
        self._tap = tap
        self._sink: Sink = _nobody
        self.is_stepped = False
        self._lanes: list[_Lane] = []
        self._patience_s = patience_s
        self._bookless: dict[str, float] = {}
        self._changed = asyncio.Event()

    @property
    def sockets(self) -> tuple[ReconnectingSocket, ...]:
        return tuple(lane.socket for lane in self._lanes)

    @property
    def channels(self) -> tuple[MarketChannel, ...]:
        return tuple(lane.channel for lane in self._lanes)

    async def aclose(self) -> None:
        await self._clob_host.aclose()
        await self._gamma_host.aclose()

    async def list_markets(self, league: str) -> list[VenueMarket]:
        """Moneylines first, then spreads and totals of the league's games from 36 hours ago to a week ahead."""
        return await self.discovery.list_markets(league)

    async def market(self, market: VenueMarket) -> VenueMarket:
        """Read one market again: terms and state from the CLOB, which is fresh where Gamma is cached."""
        terms = await self.clob.market(market.native_id)
        return refreshed(market, terms, await self.clob.long_market(market.native_id))

    async def watch(self, markets: Iterable[VenueMarket]) -> None:
        """Set what is streamed; markets stay on the socket they are on."""
        wanted = {market.native_id: market for market in markets}
        for lane in self._lanes:
            lane.wanted = {native_id: wanted.pop(native_id) for native_id in list(lane.wanted) if native_id in wanted}
        for native_id, market in wanted.items():
            self._lane_with_room().wanted[native_id] = market
        for lane in self._lanes:
            await lane.apply()
        self._changed.set()

    def _lane_with_room(self) -> _Lane:
        for lane in self._lanes:
            if len(lane.wanted) < MARKETS_PER_SOCKET:
                return lane
        lane = _Lane(number=len(self._lanes), url=self._url, tap=self._tap, emit=self._emit)
        self._lanes.append(lane)
        return lane

    def _emit(self, message: MarketMessage | FeedStatus) -> None:
        self._sink(message)

    async def run(self, sink: Sink) -> None:
        """Stream for ever; cancel the task to stop. Sockets are opened as markets are watched."""
        self._sink = sink
        started = 0
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._audit())
            while True:
                for lane in self._lanes[started:]:
                    tasks.create_task(lane.run())
                started = len(self._lanes)
                self._changed.clear()
                await self._changed.wait()

    async def _audit(self) -> None:
        """Read by REST what the sockets should have brought and did not."""
        while True:
            await asyncio.sleep(self._patience_s / 2)
            if self.is_stepped:
                continue
            for lane in self._lanes:
                for market in lane.unproven(self._patience_s):
                    if self._bookless.get(market.native_id, 0.0) <= time.monotonic():
                        await self._read_book(lane, market)

    async def _read_book(self, lane: _Lane, market: VenueMarket) -> None:
        try:
            book = await self.clob.book(routing_of(market).yes)
        except NotFoundAtVenue:
            self._bookless[market.native_id] = time.monotonic() + _NO_BOOK_S
            return
        except (VenueError, ProtocolError) as error:
            log.warning("book_read_failed", market_id=market.market_id, code=error.code, reason=error.message)
            return
        for message in lane.channel.rest_book(book):
            self._emit(message)


class _Lane:
    """One socket with its channel and the markets placed on it."""

    def __init__(
        self, *, number: int, url: str, tap: FrameTap | None, emit: Callable[[MarketMessage | FeedStatus], None]
    ) -> None:
        self.name = FEED if number == 0 else f"{FEED}.{number}"
        self.channel = MarketChannel()
        self.wanted: dict[str, VenueMarket] = {}
        self._tap = tap
        self._emit = emit
        self._sending: set[asyncio.Task[None]] = set()
        self._opened_us = 0
        self.socket = ReconnectingSocket(
            name=self.name,
            url=url,
            on_open=self._on_open,
            on_frame=self._on_frame,
            on_down=self._on_down,
            keepalive=Keepalive(text="PING", text_every_s=KEEPALIVE_EVERY_S, ping_every_s=None, silence_s=SILENCE_S),
        )

    async def run(self) -> None:
        await self.socket.run()

    async def apply(self) -> None:
        """Bring the channel in line with what is wanted and tell the venue."""
        self.channel.watch(self.wanted.values())
        await self._send_outgoing()

    def unproven(self, patience_s: float) -> list[VenueMarket]:
        """Markets without a book although the connection and the last subscription are old enough."""
        late_us = self.socket.now_us() - int(patience_s * 1_000_000)
        if not self.socket.is_up or self._opened_us > late_us:
            return []
        return self.channel.unproven(asked_before_us=late_us)

    async def _on_open(self, send: SendText) -> None:
        self._opened_us = self.socket.now_us()
        await send(self.channel.opened())
        self._emit(FeedStatus(self.name, True))

    def _on_frame(self, frame: str | bytes, received_us: int) -> None:
        if self._tap is not None:
            self._tap(self.name, frame, received_us)
        for message in self.channel.feed(frame, received_us):
            self._emit(message)
        if self.channel.outgoing:
            task = asyncio.ensure_future(self._send_outgoing())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _on_down(self, reason: str) -> None:
        for message in self.channel.closed(reason):
            self._emit(message)
        self._emit(FeedStatus(self.name, False, reason))

    async def _send_outgoing(self) -> None:
        texts, self.channel.outgoing = self.channel.outgoing, []
        for text in texts:
            if not await self.socket.send(text):
                return


def _nobody(message: object) -> None:
    """The sink before `run`."""
