"""The trader on simulated venues: their clock is followed, their accounts are opened, their frames are taped."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import structlog

from accounts.models import User
from trading.engine.build import build_simulated, tape_recorder
from trading.engine.clock import SimulatedClock
from trading.engine.desk import process_holder
from trading.engine.engine import Engine
from trading.engine.host import TraderHost
from trading.engine.paper import PaperDoors
from trading.engine.permit import HaltRowsOnly, Permit
from trading.engine.supervised import TaskGroup
from venues.errors import VenueError
from venues.simulator.remote import SimulatorControl
from venues.tape import TapeRecorder

log = structlog.get_logger(__name__)

CONTROL_PORT = 9
CLOCK_EVERY_S = 5.0
PATIENCE_S = 30.0


class SimulatedTrader:
    """A `TraderHost` whose engines live on the venues of one simulator."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        data_dir: Path,
        holder: str | None = None,
        permit: Permit | None = None,
        paper_latency_ms: int | None = None,
    ) -> None:
        """`holder` names who holds the accounts' leases: this process, unless a lock elsewhere proves that whoever
        held them under that name before is dead. Without a `permit` the halts that each claim reads are all there is:
        for lock-step replays and tests. With a `paper_latency_ms` the accounts are paper accounts, to which the
        simulated venues are the live data."""
        self.clock = SimulatedClock()
        self._paper = (
            PaperDoors(folder=data_dir, latency_ms=paper_latency_ms, clock_ms=self.clock.now_ms)
            if paper_latency_ms is not None
            else None
        )
        self.control = SimulatorControl(host=host, port=port + CONTROL_PORT)
        self._host, self._port, self._data_dir = host, port, data_dir
        self._holder = holder or process_holder()
        self._permit = permit or HaltRowsOnly()
        self._recorder: TapeRecorder | None = None
        self._tasks = TaskGroup()
        self._traders = TraderHost(self.build, holder=self._holder)

    async def start(self) -> None:
        """Wait for the simulator, take its time, then look after the engines in the background."""
        await self.meet()
        self._tasks.supervise("venue-clock", self._follow_clock)
        self._tasks.supervise("traders", self._traders.run)

    async def meet(self) -> None:
        """Wait for the simulator to answer, and share its clock. Raises the last VenueError after half a minute."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                await self.sync_clock()
                break
            except VenueError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.1)
        self._recorder = tape_recorder(self._data_dir, created_ms=self.clock.now_ms())
        self._tasks.supervise("tape", self._recorder.run)

    async def build(self, user: User) -> Engine:
        return await build_simulated(
            user=user,
            holder=self._holder,
            control=self.control,
            host=self._host,
            port=self._port,
            clock=self.clock,
            recorder=self._recorder,
            permit=self._permit,
            paper=self._paper,
        )

    async def sync_clock(self) -> None:
        reading = await self.control.clock()
        self.clock.sync(now_ms=reading.now_ms, pace=0.0 if reading.paused else reading.speed)

    async def stop(self) -> None:
        await self._tasks.stop(drain_s=0.5)
        await self._traders.stop()
        if self._recorder is not None:
            await self._recorder.finish()
        await self.control.aclose()

    async def _follow_clock(self) -> None:
        while True:
            with contextlib.suppress(VenueError):
                await self.sync_clock()
            await asyncio.sleep(CLOCK_EVERY_S)
