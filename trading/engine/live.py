"""The trader on the real venues' live data, with paper accounts: what `manage.py trade` runs in paper mode."""

from __future__ import annotations

from pathlib import Path

from accounts.models import User
from trading.engine.build import build_paper, tape_recorder
from trading.engine.clock import WallClock
from trading.engine.engine import Engine
from trading.engine.host import TraderHost
from trading.engine.paper import PaperDoors
from trading.engine.permit import Permit
from trading.engine.supervised import TaskGroup
from venues.registry import PRODUCTION, VenueEndpoints
from venues.tape import TapeRecorder


class PaperTrader:
    """A `TraderHost` whose engines fill paper orders against live books, by the wall clock."""

    def __init__(
        self, *, data_dir: Path, holder: str, permit: Permit, latency_ms: int, endpoints: VenueEndpoints = PRODUCTION
    ) -> None:
        self.clock = WallClock()
        self._data_dir = data_dir
        self._holder = holder
        self._endpoints = endpoints
        self._permit = permit
        self._paper = PaperDoors(folder=data_dir, latency_ms=latency_ms, clock_ms=self.clock.now_ms)
        self._recorder: TapeRecorder | None = None
        self._tasks = TaskGroup()
        self._traders = TraderHost(self.build, holder=holder)

    async def start(self) -> None:
        """Look after the engines in the background. A venue that does not answer is tried again by its feed."""
        self._recorder = tape_recorder(self._data_dir, created_ms=self.clock.now_ms())
        self._tasks.supervise("tape", self._recorder.run)
        self._tasks.supervise("traders", self._traders.run)

    async def build(self, user: User) -> Engine:
        return await build_paper(
            user=user,
            holder=self._holder,
            endpoints=self._endpoints,
            clock=self.clock,
            tap=self._recorder.record if self._recorder is not None else None,
            permit=self._permit,
            paper=self._paper,
        )

    async def stop(self) -> None:
        await self._tasks.stop(drain_s=0.5)
        await self._traders.stop()
        if self._recorder is not None:
            await self._recorder.finish()
