"""Venues and trader one virtual step at a time, so that a replay repeats exactly (docs/adr/0004).

Story of a step: the simulated venues play a slice of virtual time and tell how many frames they wrote to each of our
connections; when we have read exactly those, the messages are taken in a fixed order, decided on, and what was decided
is carried out to its end while the venues' clock stands still. Invariant: nothing is decided on a part of a slice.
A slice is a second; slices in which nothing is written are played together, up to some seconds in a game and more
before and after it. The venues write only when time goes on or when they were asked for something, so only then are
they asked how much they wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import structlog

from trading.engine.clock import SimulatedClock
from venues.simulator.remote import ClockReading, SimulatorControl, StreamCount

log = structlog.get_logger(__name__)

SLICE_MS = 1_000
STEP_MS = 3_000
QUIET_STEP_MS = 15_000
ARRIVAL_LOOK_S = 0.0005
ARRIVAL_WITHIN_S = 20.0


class Connection(Protocol):
    """What is read off a reconnecting socket."""

    name: str
    is_up: bool
    local_port: int | None
    frames_received: int


class LockStep:
    """Moves the venues' clock on and waits for everything that this set off, on both sides."""

    def __init__(
        self,
        *,
        control: SimulatorControl,
        clock: SimulatedClock,
        connections: Callable[[], Iterable[Connection]],
        decide_all: Callable[[], int],
        carried_out: Callable[[], Awaitable[bool]],
        is_quiet: Callable[[], bool],
        speed: float,
    ) -> None:
        """`carried_out` tells whether the venues were asked for anything; `is_quiet`: nothing is at stake for now."""
        self._control = control
        self._clock = clock
        self._connections = connections
        self._decide_all = decide_all
        self._carried_out = carried_out
        self._is_quiet = is_quiet
        self._speed = speed

    async def connected(self) -> None:
        """Wait until every connection is up and has read what the venues wrote at its opening."""
        while not all(connection.is_up for connection in self._connections()):
            await asyncio.sleep(0.01)
        await self._heard()
        await self._rest()

    async def run(self, each_step: Callable[[ClockReading], Awaitable[bool]]) -> None:
        """Step until the tape has ended. `each_step` does what is due by virtual time (polls, ticks), and tells whether
        that may have made the venues write something."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            began_ms = self._clock.now_ms()
            reading = await self._control.step(QUIET_STEP_MS if self._is_quiet() else STEP_MS, slice_ms=SLICE_MS)
            self._clock.sync(now_ms=reading.now_ms, pace=0.0)
            await self._arrived(reading.streams)
            if await each_step(reading):
                await self._heard()
            await self._rest()
            if reading.finished:
                return
            pause_s = (reading.now_ms - began_ms) / 1_000 / self._speed
            due = max(due + pause_s, loop.time() - pause_s)
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _rest(self) -> None:
        """Decide and carry out until neither side has anything left to say at this instant of virtual time."""
        self._decide_all()
        while await self._carried_out():
            await self._heard()
            self._decide_all()

    async def _heard(self) -> None:
        await self._arrived((await self._control.clock()).streams)

    async def _arrived(self, written: Iterable[StreamCount]) -> None:
        """Wait until our connections have read all that was written to them. Raises TimeoutError, naming the one."""
        wanted = {count.peer: count.sent for count in written}
        deadline = asyncio.get_running_loop().time() + ARRIVAL_WITHIN_S
        while late := [c.name for c in self._connections() if c.frames_received < wanted.get(c.local_port or 0, 0)]:
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"Frames were written but never read on: {', '.join(late)}")
            await asyncio.sleep(ARRIVAL_LOOK_S)
