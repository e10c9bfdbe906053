"""Virtual time: `speed` virtual seconds per real one, and it can stand still or be stepped.

The clock only says where virtual time should be by now; the world moves there event by event. After a stall (a
suspended laptop, a slow step) it goes on from where it stood and does not rush to catch up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_LONGEST_STALL_S = 1.0


class VirtualClock:
    def __init__(
        self,
        *,
        now_ms: int,
        speed: float,
        is_paused: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._anchor_ms = float(now_ms)
        self._anchor_s = monotonic()
        self.speed = speed
        self.is_paused = is_paused

    def target_ms(self) -> int:
        """Where virtual time should be now."""
        passed_s = self._monotonic() - self._anchor_s
        if self.is_paused:
            self._anchor_s += passed_s
            return int(self._anchor_ms)
        self._anchor_ms += min(passed_s, _LONGEST_STALL_S) * self.speed * 1000.0
        self._anchor_s += passed_s
        return int(self._anchor_ms)

    def set_speed(self, speed: float) -> None:
        """Raises ValueError unless 0 < speed ≤ 10000."""
        if not 0.0 < speed <= 10_000.0:
            raise ValueError("speed must be above 0 and at most 10000")
        self.target_ms()
        self.speed = speed

    def pause(self, is_paused: bool) -> None:
        self.target_ms()
        self.is_paused = is_paused

    def move_to(self, now_ms: int) -> None:
        """After a step: go on from here."""
        self._anchor_ms = float(max(now_ms, int(self._anchor_ms)))
        self._anchor_s = self._monotonic()
