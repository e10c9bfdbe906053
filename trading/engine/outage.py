"""Something the guard needs is away: one line when it goes, one every ten minutes, and one when it is back."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

AGAIN_S = 600.0


class Outage:
    """`name` in `guard_without_<name>` and `guard_with_<name>_again`. `clock_s`: monotonic seconds."""

    def __init__(self, name: str, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock_s = clock_s
        self._since_s: float | None = None
        self._told_s = 0.0

    def note(self, error: Exception) -> None:
        """It did not answer."""
        now_s = self._clock_s()
        if self._since_s is None:
            self._since_s = now_s
        elif now_s - self._told_s < AGAIN_S:
            return
        self._told_s = now_s
        log.error(f"guard_without_{self._name}", error=str(error), for_s=round(now_s - self._since_s))

    def end(self) -> None:
        """It answered."""
        if self._since_s is not None:
            log.warning(f"guard_with_{self._name}_again", after_s=round(self._clock_s() - self._since_s))
            self._since_s = None
