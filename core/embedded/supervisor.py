"""Starts the parts in order, restarts a part that died, stops all: the first one, on which the others stand, last.

Invariant: whatever happens, every part that was started is stopped, and the whole stop takes at most
`STOP_BUDGET_S`. A part that dies is restarted with a growing pause; its death never takes the others down.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import structlog

from core.embedded.parts import Part

log = structlog.get_logger(__name__)

STOP_BUDGET_S = 4.3
LOOK_EVERY_S = 1.0
RESTART_PAUSE_MAX_S = 30.0


class Supervisor:
    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = list(parts)
        self._started: list[Part] = []
        self._pauses: dict[str, float] = {}
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start every part in order. Raises what a part's start raises, after stopping those already started."""
        try:
            for part in self._parts:
                await part.start()
                self._started.append(part)
                log.info("part_started", part=part.name)
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._watch_parts(), name="supervisor")

    async def stop(self) -> None:
        """Stop all but the first part at once, then the first; one that does not stop in time is left behind and named
        in the log."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        deadline = asyncio.get_running_loop().time() + STOP_BUDGET_S
        standing, self._started = self._started, []
        await asyncio.gather(*(self._stop_one(part, deadline) for part in standing[1:]))
        for part in standing[:1]:
            await self._stop_one(part, deadline)

    async def _stop_one(self, part: Part, deadline: float) -> None:
        left_s = max(0.1, deadline - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(left_s):
                await part.stop()
        except TimeoutError:
            log.warning("part_stop_timed_out", part=part.name)
        except Exception:  # the supervisor's seam: one part's failure must not keep the others from stopping
            log.exception("part_stop_failed", part=part.name)
        else:
            log.info("part_stopped", part=part.name)

    async def _watch_parts(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for part in list(self._started):
                if not part.is_alive():
                    await self._restart(part)

    async def _restart(self, part: Part) -> None:
        pause_s = self._pauses.get(part.name, 0.5)
        self._pauses[part.name] = min(pause_s * 2, RESTART_PAUSE_MAX_S)
        log.error("part_died", part=part.name, restart_in_s=pause_s)
        await asyncio.sleep(pause_s)
        try:
            await part.stop()
            await part.start()
        except Exception:  # the supervisor's seam: tried again at the next look, with a longer pause
            log.exception("part_restart_failed", part=part.name)
        else:
            log.info("part_restarted", part=part.name)
