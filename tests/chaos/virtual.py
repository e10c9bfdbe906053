"""Virtual time: an event loop that never waits, and a world whose every clock is that loop's.

Story: when no callback is ready the loop leaps to the next timer. `time`, `datetime.now` (where the program asks it)
and the database's own clock all read the loop. What the program hands to a thread is handed to `offload` instead, so
that nothing runs beside the loop. Invariant: the same calls happen in the same order at the same virtual moments.
"""

from __future__ import annotations

import asyncio
import datetime as real_datetime
import gc
import selectors
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

from django.utils import timezone

import core.clock
from tests.swapped import swapped, swapped_items

OLDEST_S = 1_000.0
"""What the monotonic clock shows at the beginning."""
_MONOTONIC = time.monotonic
ROOMS = ("venues.", "trading.", "risk.", "core.", "audit.", "accounts.", "markets.")

Offload = Callable[[Executor | None, Callable[[], Any]], "asyncio.Future[Any]"]


class Stalled(RuntimeError):
    """Nothing is ready and nothing ever will be."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """`start_ms` is what the wall clock shows at the beginning."""

    def __init__(self, *, start_ms: int) -> None:
        self._now_s = OLDEST_S
        self._start_us = start_ms * 1_000
        super().__init__(_Leaper(self))
        self.offload: Offload | None = None

    def time(self) -> float:
        return self._now_s

    def leap(self, seconds: float) -> None:
        self._now_s += seconds

    @property
    def elapsed_s(self) -> float:
        return self._now_s - OLDEST_S

    def wall_us(self) -> int:
        return self._start_us + round(self.elapsed_s * 1_000_000)

    def wall_ms(self) -> int:
        return self.wall_us() // 1_000

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        assert self.offload is not None and not args
        return self.offload(executor, func)


class _Leaper(selectors.SelectSelector):
    """Waits by moving the clock. Only the loop's own wake-up pipe is ever registered."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Stalled("no timer is left: a task waits for something that nobody will do")
        if timeout > 0:
            self._loop.leap(timeout)
        return []


@contextmanager
def time_of(loop: VirtualLoop) -> Iterator[None]:
    """Every clock that the program reads shows the loop's time."""

    class VirtualDatetime(real_datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            seconds, micros = divmod(loop.wall_us(), 1_000_000)
            return real_datetime.datetime.fromtimestamp(seconds, tz).replace(microsecond=micros)

        @classmethod
        def fromtimestamp(cls, timestamp: float, tz: Any = None) -> Any:
            return real_datetime.datetime.fromtimestamp(timestamp, tz)

    with ExitStack() as stack:
        for module in (core.clock, timezone):
            stack.enter_context(swapped(module, "datetime", VirtualDatetime))
        for name, read in _clocks(loop).items():
            stack.enter_context(swapped(time, name, read))
        for defaults, name in clock_defaults():
            stack.enter_context(swapped_items(defaults, {name: loop.time}))
        yield


def clock_defaults() -> list[tuple[dict[str, Any], str]]:
    """Where the monotonic clock was bound as a default argument when its module was imported."""
    return _defaults_among(len(sys.modules))


@cache
def _defaults_among(_modules: int) -> list[tuple[dict[str, Any], str]]:
    """Looked for again once more modules are loaded."""
    rooms = [module for name, module in list(sys.modules.items()) if name.startswith(ROOMS)]
    classes = {member for module in rooms for member in vars(module).values() if isinstance(member, type)}
    found = []
    for one in classes:
        defaults = getattr(vars(one).get("__init__"), "__kwdefaults__", None) or {}
        found += [(defaults, name) for name, default in defaults.items() if default is _MONOTONIC]
    return found


def _clocks(loop: VirtualLoop) -> dict[str, Callable[[], float]]:
    return {
        "time": lambda: loop.wall_us() / 1_000_000,
        "time_ns": lambda: loop.wall_us() * 1_000,
        "monotonic": loop.time,
        "monotonic_ns": lambda: round(loop.time() * 1_000_000_000),
    }


@contextmanager
def steady_memory() -> Iterator[None]:
    """No collection in the middle of a run: finalizers would speak at moments that no seed chose."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
