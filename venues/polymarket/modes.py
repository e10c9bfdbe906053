"""Remembers the mode the exchange said it is in, so that what it would refuse is not sent: a state, not a storm.

After an engine restart (425, about 90 s) the venue takes nothing, then for two minutes or more only post-only orders;
it can also be cancel-only or disabled. The mode lapses by itself after the time the venue named (or ours for that
mode), and the next order is the probe.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from venues.errors import NotSent
from venues.polymarket.rejects import ModeRefused, VenueMode


class ModeGate:
    """`check` before a new order, `note` after a refusal. Cancels always pass."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mode = VenueMode.NORMAL
        self._until = 0.0

    @property
    def mode(self) -> VenueMode:
        """The mode as far as known; NORMAL again once its time is over."""
        return self._mode if self._clock() < self._until else VenueMode.NORMAL

    def note(self, refused: ModeRefused) -> None:
        self._mode = refused.mode
        self._until = self._clock() + refused.retry_after_s

    def check(self, *, is_post_only: bool) -> None:
        """Raises NotSent, with the mode as its code, for an order that the exchange would refuse now."""
        mode = self.mode
        if mode is VenueMode.NORMAL or (mode is VenueMode.POST_ONLY and is_post_only):
            return
        wait_s = self._until - self._clock()
        raise NotSent(f"Not sent: the exchange is {mode.value}; asking again in {wait_s:.0f} s.", code=mode.value)
