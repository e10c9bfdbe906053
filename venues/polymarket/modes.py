"""Remembers the mode the exchange said it is in, so that what it would refuse is not sent: a state, not a storm.

After an engine restart (425, about 90 s) the venue takes nothing, then for two minutes or more only post-only orders;
it can also be cancel-only or disabled. Nothing but an order tells when that is over, so one order at a time is the
probe: when the time is over that the venue named, else by a schedule that looks rarely while the mode is young and
every ten seconds when it should soon end. A whole restart costs fewer than twenty probes (ORDERS H16).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from venues.errors import NotSent
from venues.polymarket.rejects import ModeRefused, VenueMode

PROBE_WITHIN_S = 5.0
"""An answer to the probe is there by then; nobody else asks meanwhile."""
_SCHEDULES: Mapping[VenueMode, tuple[float, ...]] = {
    VenueMode.RESTARTING: (15.0, 15.0, 15.0, 15.0, 10.0),
    VenueMode.POST_ONLY: (20.0, 20.0, 20.0, 20.0, 10.0),
    VenueMode.CANCEL_ONLY: (10.0, 10.0, 20.0, 30.0),
    VenueMode.DISABLED: (30.0,),
}
"""Seconds to the next probe, after the first refusal, the second …; the last one from then on."""


class ModeGate:
    """`check` before a new order, `note` after a refusal, `note_taken` after an acceptance. Cancels always pass."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mode = VenueMode.NORMAL
        self._refusals = 0
        self._until = 0.0

    @property
    def mode(self) -> VenueMode:
        """The mode as far as known; NORMAL again once its time is over."""
        return self._mode if self._clock() < self._until else VenueMode.NORMAL

    def note(self, refused: ModeRefused) -> None:
        self._refusals = self._refusals + 1 if refused.mode is self._mode else 1
        self._mode = refused.mode
        schedule = _SCHEDULES[refused.mode]
        by_schedule_s = schedule[min(self._refusals, len(schedule)) - 1]
        self._until = self._clock() + (refused.retry_after_s if refused.is_told else by_schedule_s)

    def note_taken(self, *, is_post_only: bool) -> None:
        """The exchange took an order: it takes all such orders again."""
        if not (self._mode is VenueMode.POST_ONLY and is_post_only):
            self._mode, self._refusals = VenueMode.NORMAL, 0

    def check(self, *, is_post_only: bool) -> None:
        """Raises NotSent, with the mode as its code, for an order that the exchange would refuse now. The one that
        passes when the time is over is the probe."""
        if self._mode is VenueMode.NORMAL or (self._mode is VenueMode.POST_ONLY and is_post_only):
            return
        wait_s = self._until - self._clock()
        if wait_s > 0:
            text = f"Not sent: the exchange is {self._mode.value}; asking again in {wait_s:.0f} s."
            raise NotSent(text, code=self._mode.value)
        self._until = self._clock() + PROBE_WITHIN_S
