"""Moves the world along with the clock: a tick every tenth of a second, or a step when it is told to.

A long stretch is lived through in slices, so that the faces answer and write in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from venues.simulator.clock import VirtualClock
from venues.simulator.world import World

TICK_S = 0.08
_SLICE = 60
_SAVE_EVERY_S = 5.0


class Driver:
    """Run `run` as a task and cancel it to stop. `save` is called every few seconds and at the end of steps."""

    def __init__(self, world: World, clock: VirtualClock, *, save: Callable[[], None]) -> None:
        self.clock = clock
        self._world = world
        self._save = save
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        saved_s = loop.time()
        while True:
            async with self._turn:
                if not self.clock.is_paused:
                    await self._live_until(self.clock.target_ms())
            if loop.time() - saved_s >= _SAVE_EVERY_S:
                self._save()
                saved_s = loop.time()
            await asyncio.sleep(TICK_S)

    async def pause(self, is_paused: bool) -> None:
        """Stand still from the moment reached, or go on from it."""
        async with self._turn:
            self.clock.pause(is_paused)
            self.clock.move_to(self._world.now_ms)

    async def step(self, step_ms: int) -> None:
        """Live through exactly the next `step_ms` of virtual time."""
        async with self._turn:
            await self._live_until(self._world.now_ms + step_ms)
            self.clock.move_to(self._world.now_ms)

    async def _live_until(self, to_ms: int) -> None:
        has_arrived = self._world.advance(to_ms, budget=_SLICE)
        while not has_arrived:
            await asyncio.sleep(0)
            has_arrived = self._world.advance(to_ms, budget=_SLICE)
