"""A web socket that comes back by itself, and says so each time it was away.

Nothing is queued while it is down and nothing is replayed after: the owner subscribes again in `on_open` and treats
every book and every private stream as lost in `on_down`. Waits between attempts grow from 0.25 s to 15 s with jitter
and start again after a stable connection. A connection that is open but silent counts as lost (TCP alone notices
minutes later). Redirects are not followed and proxies of the environment are ignored.

The only module that knows the websockets library: https://websockets.readthedocs.io/en/stable/reference/asyncio/client.html
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from venues.errors import VenueError

log = structlog.get_logger(__name__)

MAX_FRAME_BYTES = 16 * 1024 * 1024

SendText = Callable[[str], Awaitable[None]]
OnOpen = Callable[[SendText], Awaitable[None]]
OnFrame = Callable[[str | bytes, int], None]
OnDown = Callable[[str], None]


class Keepalive(msgspec.Struct, frozen=True):
    """How a connection proves that it lives. Seconds; `None` switches one means off.

    `text` is sent every `text_every_s` for venues with a keep-alive of their own; frames equal to `text_reply` are
    taken for its answer and not handed on. `silence_s` without any frame at all means the connection is lost.
    """

    text: str | None = None
    text_every_s: float = 10.0
    text_reply: str = "PONG"
    ping_every_s: float | None = 10.0
    pong_within_s: float | None = 10.0
    silence_s: float | None = None


class Backoff(msgspec.Struct, frozen=True):
    """Waits in seconds: first, ceiling, and how long a connection must live to count as stable."""

    first_s: float = 0.25
    ceiling_s: float = 15.0
    stable_s: float = 30.0

    def wait_s(self, attempt: int) -> float:
        """The wait before attempt 1, 2, … : doubled each time, then between three quarters and all of it."""
        full = min(self.ceiling_s, self.first_s * 2.0 ** min(attempt - 1, 16))
        return full * (0.75 + 0.25 * random.random())


class ReconnectingSocket:
    """`run()` keeps one connection until it is cancelled. Callbacks run on the event loop; `on_frame` must be quick.

    Frames are stamped with `now_us`: UTC as it was at the start, moved on by the monotonic clock. What an owner waits
    for by it is waited for no longer, and no shorter, because somebody set the machine's clock.

    `frames_received` counts the data frames of the present connection, each after `on_frame` returned, and
    `local_port` names that connection: a lock-step replay compares both with what the other end has sent.
    """

    def __init__(
        self,
        *,
        name: str,
        url: Callable[[], str] | str,
        on_open: OnOpen,
        on_frame: OnFrame,
        on_down: OnDown,
        headers: Callable[[], Mapping[str, str]] | None = None,
        keepalive: Keepalive | None = None,
        backoff: Backoff | None = None,
        max_frame: int = MAX_FRAME_BYTES,
    ) -> None:
        self.name = name
        self.frames_received = 0
        self.local_port: int | None = None
        self.is_up = False
        self.connections = 0
        self._url = url
        self._headers = headers
        self._on_open = on_open
        self._on_frame = on_frame
        self._on_down = on_down
        self._keepalive = keepalive or Keepalive()
        self._backoff = backoff or Backoff()
        self._max_frame = max_frame
        self._connection: ClientConnection | None = None
        self._last_frame_at = 0.0
        self._lost_because = ""
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    async def run(self) -> None:
        """Connect, read, reconnect, for ever; `on_down` hears of every loss and every failed attempt."""
        attempt = 0
        while True:
            opened_at = time.monotonic()
            reason = await self._connect_once()
            lived_s = time.monotonic() - opened_at
            attempt = 1 if lived_s >= self._backoff.stable_s else attempt + 1
            wait_s = self._backoff.wait_s(attempt)
            log.warning("socket_lost", socket=self.name, reason=reason, lived_s=round(lived_s, 1), retry_in_s=wait_s)
            self._on_down(reason)
            await asyncio.sleep(wait_s)

    def now_us(self) -> int:
        """The clock of this socket's frames, µs UTC; it never jumps."""
        return (time.monotonic_ns() + self._offset_ns) // 1000

    @property
    def silent_s(self) -> float:
        """Seconds since the last frame of any kind, the opening of the connection counting as one; real time."""
        return time.monotonic() - self._last_frame_at if self._last_frame_at else 0.0

    async def send(self, text: str) -> bool:
        """Send now. False: the connection is down and the text is gone; nothing is ever queued."""
        if self._connection is None:
            return False
        try:
            await self._connection.send(text)
        except ConnectionClosed:
            return False
        return True

    def drop(self, reason: str) -> None:
        """Cut the present connection, because its owner no longer trusts it; `run` makes a new one."""
        if self._connection is not None:
            self._lost_because = reason
            self._connection.transport.abort()

    async def _connect_once(self) -> str:
        """One connection from handshake to loss. Returns why it ended, in words."""
        self._lost_because = ""
        try:
            async with self._connector() as connection:
                await self._serve(connection)
        except InvalidStatus as error:
            return f"the handshake was refused with HTTP {error.response.status_code}"
        except ConnectionClosed as error:
            return self._lost_because or _closed_words(error)
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError, VenueError) as error:
            return f"{type(error).__name__}: {error}".rstrip(": ")
        return self._lost_because or "closed by the other end"

    def _connector(self) -> connect:
        return _DirectConnect(
            self._url if isinstance(self._url, str) else self._url(),
            additional_headers=dict(self._headers()) if self._headers is not None else None,
            compression=None,
            proxy=None,
            open_timeout=10,
            close_timeout=1,
            ping_interval=self._keepalive.ping_every_s,
            ping_timeout=self._keepalive.pong_within_s,
            max_size=self._max_frame,
        )

    async def _serve(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.local_port = connection.local_address[1]
        self.frames_received = 0
        self.connections += 1
        self._last_frame_at = time.monotonic()
        tending = asyncio.ensure_future(self._tend(connection))
        try:
            self.is_up = True
            await self._on_open(connection.send)
            await self._read(connection)
        finally:
            self.is_up = False
            self.local_port = None
            self._connection = None
            tending.cancel()

    async def _read(self, connection: ClientConnection) -> None:
        on_frame, pong = self._on_frame, self._keepalive.text_reply if self._keepalive.text else None
        async for frame in connection:
            self._last_frame_at = time.monotonic()
            if frame != pong:
                on_frame(frame, self.now_us())
                self.frames_received += 1

    async def _tend(self, connection: ClientConnection) -> None:
        """Send the text keep-alive and watch for silence, until cancelled or the connection is gone."""
        rules = self._keepalive
        next_text_at = time.monotonic() + rules.text_every_s
        while rules.text is not None or rules.silence_s is not None:
            await asyncio.sleep(_tending_pause_s(rules))
            now = time.monotonic()
            if rules.silence_s is not None and now - self._last_frame_at >= rules.silence_s:
                self.drop(f"silent for {rules.silence_s:g} s")
                return
            if rules.text is not None and now >= next_text_at:
                next_text_at = now + rules.text_every_s
                if not await self.send(rules.text):
                    return


class _DirectConnect(connect):
    """A redirect could carry our signed headers to another host: it is an error here."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


def _tending_pause_s(rules: Keepalive) -> float:
    limits = [rules.text_every_s] if rules.text is not None else []
    if rules.silence_s is not None:
        limits.append(rules.silence_s / 4)
    return min(limits)


def _closed_words(error: ConnectionClosed) -> str:
    frame = error.rcvd or error.sent
    return f"closed with code {frame.code} {frame.reason}".strip() if frame else "the connection broke"
