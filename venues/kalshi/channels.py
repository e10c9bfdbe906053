"""One channel of a Kalshi socket: its `sid`, its count, its markets, and when to try again after it died.

`seq` counts per `sid` every data frame and every `ok`, over all markets. A jump ahead is a gap. A step back is an old
frame, unless three in a row, with none in its place between them, count upward: then the counter started again, and
that is a gap, too. The first try after a death is at once, the next wait 1 s, 2 s … 30 s until one has lived for half
a minute.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

_STABLE_US = 30_000_000
_FIRST_WAIT_US = 1_000_000
_LONGEST_WAIT_US = 30_000_000
_RESTART_AFTER = 3


class Seq(Enum):
    """Where a frame stands in its subscription's count."""

    NEXT = "next"
    GAP = "gap"
    OLD = "old"


class Channel:
    """One channel of the socket. `asked` are the markets the venue was asked to stream on it, and when (µs)."""

    __slots__ = (
        "_old_at",
        "_old_below",
        "_old_run",
        "asked",
        "attempts",
        "extra",
        "last_seq",
        "name",
        "opened_us",
        "retry_us",
        "sid",
        "takes_markets",
    )

    def __init__(self, name: str, *, takes_markets: bool, extra: dict[str, Any] | None = None) -> None:
        self.name = name
        self.takes_markets = takes_markets
        self.extra = extra or {}
        self.attempts = 0
        self.retry_us = 0
        self.forget()

    def forget(self) -> None:
        """The subscription is gone: no sid, no count, no markets."""
        self.sid: int | None = None
        self.last_seq = 0
        self.opened_us = 0
        self.asked: dict[str, int] = {}
        self._old_at = 0
        self._old_below = 0
        self._old_run = 0

    def advance(self, seq: int) -> Seq:
        """Count one frame."""
        if seq == self.last_seq + 1:
            self.last_seq = seq
            return Seq.NEXT
        if seq > self.last_seq:
            self.last_seq = seq
            return Seq.GAP
        goes_on = seq == self._old_at + 1 and self.last_seq == self._old_below
        self._old_run = self._old_run + 1 if goes_on else 1
        self._old_at, self._old_below = seq, self.last_seq
        if self._old_run < _RESTART_AFTER:
            return Seq.OLD
        self.last_seq, self._old_run = seq, 0
        return Seq.GAP

    def fail(self, now_us: int) -> None:
        """The subscription died or was refused: plan the next attempt."""
        lived_well = self.sid is not None and now_us - self.opened_us >= _STABLE_US
        self.attempts = 0 if lived_well else self.attempts
        wait_us = 0 if self.attempts == 0 else min(_LONGEST_WAIT_US, _FIRST_WAIT_US << min(self.attempts - 1, 10))
        self.attempts += 1
        self.retry_us = now_us + wait_us
        self.forget()
