"""The shell of the sports channel: one socket, no subscription, all games of the venue."""

from __future__ import annotations

from venues.polymarket.constants import PolymarketEndpoints
from venues.polymarket.stream_sports import SportsChannel
from venues.ports import FrameTap, Sink
from venues.transport.socket import Keepalive, ReconnectingSocket, SendText
from venues.types import FeedStatus

FEED = "polymarket.sports"
_TEXT_PING = "ping"


class PolymarketSports:
    """Streams `GameState`s. The venue pings by protocol every 15 s; the documented text `ping` is answered as well."""

    def __init__(self, endpoints: PolymarketEndpoints, *, tap: FrameTap | None = None) -> None:
        self.channel = SportsChannel()
        self._tap = tap
        self._sink: Sink = _nobody
        self._socket = ReconnectingSocket(
            name=FEED,
            url=endpoints.sports_ws_url,
            on_open=self._on_open,
            on_frame=self._on_frame,
            on_down=self._on_down,
            keepalive=Keepalive(text="pong", text_every_s=5.0, text_reply=_TEXT_PING),
        )
        self.sockets = (self._socket,)

    async def run(self, sink: Sink) -> None:
        """Stream for ever; cancel the task to stop."""
        self._sink = sink
        await self._socket.run()

    async def aclose(self) -> None:
        """Nothing is open outside `run`."""

    async def _on_open(self, send: SendText) -> None:
        self._sink(FeedStatus(FEED, True))

    def _on_frame(self, frame: str | bytes, received_us: int) -> None:
        if self._tap is not None:
            self._tap(FEED, frame, received_us)
        for state in self.channel.feed(frame, received_us):
            self._sink(state)

    def _on_down(self, reason: str) -> None:
        self._sink(FeedStatus(FEED, False, reason))


def _nobody(message: object) -> None:
    """The sink before `run`."""
