"""The last seconds of a price: has it stopped falling? A fall still in progress is often news, not a dip."""

from __future__ import annotations

from collections import deque

from trading.domain.games import SECOND_US


class PriceTrail:
    """Mids (doubled, YES frame) of the last seconds, one a second at most: has the price stopped moving?"""

    __slots__ = ("_mids", "_times", "_window_us")

    def __init__(self, window_s: int) -> None:
        self._times: deque[int] = deque()
        self._mids: deque[int] = deque()
        self._window_us = window_s * SECOND_US

    def note(self, mid_u2: int, now_us: int) -> None:
        times = self._times
        if times and now_us - times[-1] < SECOND_US:
            return
        times.append(now_us)
        self._mids.append(mid_u2)
        while len(times) > 1 and times[1] <= now_us - self._window_us:
            times.popleft()
            self._mids.popleft()

    def jump_u(self, mid_u2: int, now_us: int, *, within_us: int, since_us: int) -> int:
        """The largest move within `within_us` that ended in the last `since_us`, up to now, µUSD, floored."""
        seen = [*zip(self._times, self._mids, strict=True), (now_us, mid_u2)]
        late = [(at_us, mid) for at_us, mid in seen if at_us >= now_us - since_us]
        moves = (
            abs(after - before)
            for after_us, after in late
            for before_us, before in seen
            if 0 < after_us - before_us <= within_us
        )
        return max(moves, default=0) // 2

    def fall_u(self, mid_u2: int, now_us: int, *, is_yes: bool) -> int | None:
        """How far below its best of the window the outcome is now, µUSD, floored; None if the window is not full."""
        if not self._times or self._times[0] > now_us - self._window_us:
            return None
        fall_u2 = max(self._mids) - mid_u2 if is_yes else mid_u2 - min(self._mids)
        return fall_u2 // 2 if fall_u2 > 0 else 0
