"""The machine's wall clock is set while the program runs; the monotonic clock goes on as it does in earnest."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import core.clock
from tests.swapped import swapped


@contextmanager
def wall_clock_set(by_s: int) -> Iterator[None]:
    """Every reading of UTC in this process is `by_s` seconds off while open."""
    real_time, real_ns = time.time, time.time_ns

    class SetDatetime(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.datetime.now(tz) + datetime.timedelta(seconds=by_s)

        @classmethod
        def fromtimestamp(cls, timestamp: float, tz: Any = None) -> Any:
            return datetime.datetime.fromtimestamp(timestamp, tz)

    with ExitStack() as stack:
        stack.enter_context(swapped(core.clock, "datetime", SetDatetime))
        stack.enter_context(swapped(time, "time", lambda: real_time() + by_s))
        stack.enter_context(swapped(time, "time_ns", lambda: real_ns() + by_s * 1_000_000_000))
        yield
