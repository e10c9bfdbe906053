"""The wall clock, for adapters that were given no other."""

from __future__ import annotations

import time


def wall_ms() -> int:
    """UTC milliseconds of this machine."""
    return time.time_ns() // 1_000_000
