"""Connects a stream machine to a reconnecting socket: the only part of the two streams that does I/O.

Frames go through the tap and the machine to the sink on the event loop, in order. Commands are sent by one task, which
also ticks the machine. A frame that cannot be read is logged and counted; the machine has made a gap of it already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from urllib.parse import urlsplit

import structlog

from venues.errors import ProtocolError
from venues.kalshi.sign import Signer
from venues.ports import FrameTap, Sink
from venues.transport.socket import Keepalive, ReconnectingSocket, SendText
from venues.types import FeedStatus, Message

log = structlog.get_logger(__name__)

TICK_S = 0.25
_KEEPALIVE = Keepalive(ping_every_s=5.0, pong_within_s=5.0)


class Machine(Protocol):
    """What both stream machines can do."""

    unreadable: list[ProtocolError]

    @property
    def has_commands(self) -> bool: ...
    def open(self, now_us: int) -> None: ...
    def close(self, now_us: int) -> Sequence[Message]: ...
    def tick(self, now_us: int) -> Sequence[Message]: ...
    def feed(self, frame: str | bytes, received_us: int) -> Sequence[Message]: ...
    def take_commands(self) -> list[str]: ...


class StreamRunner:
    """Runs one machine on one socket. `on_idle` is called a few times a second, for the owner's follow-up reads."""

    def __init__(
        self,
        machine: Machine,
        *,
        name: str,
        ws_url: str,
        signer: Signer,
        tap: FrameTap | None = None,
        on_idle: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.bad_frames = 0
        self._machine = machine
        self._name = name
        self._tap = tap
        self._on_idle = on_idle
        self._sink: Sink = _drop
        self._wake = asyncio.Event()
        path = urlsplit(ws_url).path
        self.socket = ReconnectingSocket(
            name=name,
            url=ws_url,
            headers=lambda: signer.headers("GET", path),
            on_open=self._on_open,
            on_frame=self._on_frame,
            on_down=self._on_down,
            keepalive=_KEEPALIVE,
        )

    async def run(self, sink: Sink) -> None:
        """For ever; cancel to stop."""
        self._sink = sink
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.socket.run())
            tasks.create_task(self._tend())
            if self._on_idle is not None:
                tasks.create_task(self._keep_calling(self._on_idle))

    def wake(self) -> None:
        """There may be commands to send: do not wait for the next tick."""
        self._wake.set()

    async def _on_open(self, send: SendText) -> None:
        self._machine.open(self.socket.now_us())
        self._sink(FeedStatus(self._name, True))
        for command in self._machine.take_commands():
            await send(command)

    def _on_frame(self, frame: str | bytes, received_us: int) -> None:
        if self._tap is not None:
            self._tap(self._name, frame, received_us)
        self._emit(self._machine.feed(frame, received_us))
        if self._machine.unreadable:
            self._report_unreadable()
        if self._machine.has_commands:
            self._wake.set()

    def _report_unreadable(self) -> None:
        for error in self._machine.unreadable:
            log.warning("kalshi_frame_unreadable", feed=self._name, code=error.code, reason=error.message)
        self.bad_frames += len(self._machine.unreadable)
        self._machine.unreadable.clear()

    def _on_down(self, reason: str) -> None:
        self._emit(self._machine.close(self.socket.now_us()))
        self._sink(FeedStatus(self._name, False, reason))

    async def _tend(self) -> None:
        while True:
            self._emit(self._machine.tick(self.socket.now_us()))
            for command in self._machine.take_commands():
                await self.socket.send(command)
            await self._pause()

    async def _keep_calling(self, on_idle: Callable[[], Awaitable[None]]) -> None:
        """Apart from `_tend`: a slow read must not hold up a command."""
        while True:
            await on_idle()
            await asyncio.sleep(TICK_S)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(TICK_S):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    def _emit(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self._sink(message)


def _drop(message: Message) -> None:
    """The sink before `run`: nothing can arrive then."""
