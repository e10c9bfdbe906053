"""Tasks that are restarted when they die. Invariant: no feed ever stops for good without a line in the log.

An assertion that fails is no trouble of a venue or a network: our own code is not what it says it is. Whoever owns the
tasks hears of it at once; what keeps others safe (leases, stops) goes on being restarted meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

Broken = Callable[[str, AssertionError], None]

PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 5.0
"""What died of a database that was away is back this soon after it."""
STABLE_AFTER_S = 120.0


class TaskGroup:
    """Owns background tasks: long-running ones are supervised, one-shot ones are only awaited at the end."""

    def __init__(self, *, broken: Broken | None = None) -> None:
        """`broken` hears of an assertion that failed: the task's name and what was said."""
        self._broken = broken or _no_one
        self._supervised: dict[str, asyncio.Task[None]] = {}
        self._shots: dict[asyncio.Task[Any], None] = {}

    def supervise(self, name: str, work: Callable[[], Awaitable[None]], *, pause_max_s: float = PAUSE_MAX_S) -> None:
        """Run `work` for ever: when it returns or raises it is started again, after 1 s growing to `pause_max_s`."""
        self._supervised[name] = asyncio.create_task(_again_and_again(name, work, pause_max_s, self._broken), name=name)

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run once; an exception is logged, never swallowed."""
        task = asyncio.create_task(_logged(name, work, self._broken), name=name)
        self._shots[task] = None
        task.add_done_callback(self._shots.pop)
        return task

    @property
    def busy(self) -> int:
        """How many one-shot tasks have not ended."""
        return len(self._shots)

    async def drain(self) -> None:
        """Wait until no one-shot task is left, those started meanwhile included."""
        while self._shots:
            await asyncio.wait(list(self._shots))

    async def stop(self, *, drain_s: float) -> None:
        """Cancel what is supervised, let one-shot tasks end within `drain_s`, then cancel those too."""
        for task in self._supervised.values():
            task.cancel()
        if self._shots:
            await asyncio.wait(list(self._shots), timeout=drain_s)
        for task in list(self._shots):
            task.cancel()
        await asyncio.gather(*self._supervised.values(), *self._shots, return_exceptions=True)
        self._supervised.clear()


def every(seconds: float, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """`work` again and again, with this pause after each."""

    async def again() -> None:
        while True:
            await work()
            await asyncio.sleep(seconds)

    return again


async def _again_and_again(name: str, work: Callable[[], Awaitable[None]], pause_max_s: float, broken: Broken) -> None:
    loop = asyncio.get_running_loop()
    pause_s = PAUSE_FIRST_S
    while True:
        began = loop.time()
        try:
            await work()
            log.warning("task_ended", task=name)
        except Exception as problem:  # the supervisor's seam: logged, counted by the log, started again
            log.exception("task_died", task=name, again_in_s=pause_s)
            if isinstance(problem, AssertionError):
                broken(name, problem)
        if loop.time() - began > STABLE_AFTER_S:
            pause_s = PAUSE_FIRST_S
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, pause_max_s)


async def _logged(name: str, work: Coroutine[Any, Any, Any], broken: Broken) -> Any:
    try:
        return await work
    except Exception as problem:  # the supervisor's seam for one-shot work: its own code handles what it expects
        log.exception("task_failed", task=name)
        if isinstance(problem, AssertionError):
            broken(name, problem)
        return None


def _no_one(task: str, problem: AssertionError) -> None:
    """Nobody wants to hear of it: the line in the log is all."""
