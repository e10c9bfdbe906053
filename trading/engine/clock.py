"""Whose time it is. The trader lives in the venues' time: real at real venues, virtual at simulated ones.

`pace` is venue seconds per real second: what is polled every ten venue seconds is polled every `10 / pace` real ones.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    @property
    def pace(self) -> float: ...

    def now_us(self) -> int: ...

    def now_ms(self) -> int: ...


class WallClock:
    """UTC, moved on by the monotonic clock so that it never jumps back."""

    pace = 1.0

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_us(self) -> int:
        return (time.monotonic_ns() + self._offset_ns) // 1_000

    def now_ms(self) -> int:
        return self.now_us() // 1_000


class SimulatedClock:
    """The simulated venues' clock as last read, moved on at their speed; stands still at pace 0 (lock-step).

    Never moves back: where a reading is behind what was told already (the venues stalled, we did not), it stands still
    until they have caught up.
    """

    def __init__(self) -> None:
        self._anchor_us = 0
        self._anchor_real_ns = time.monotonic_ns()
        self._told_us = 0
        self.pace = 1.0

    def sync(self, *, now_ms: int, pace: float) -> None:
        self._anchor_us = now_ms * 1_000
        self._anchor_real_ns = time.monotonic_ns()
        self.pace = pace

    def now_us(self) -> int:
        reckoned_us = self._anchor_us + int((time.monotonic_ns() - self._anchor_real_ns) / 1_000 * self.pace)
        self._told_us = max(self._told_us, reckoned_us)
        return self._told_us

    def now_ms(self) -> int:
        return self.now_us() // 1_000
