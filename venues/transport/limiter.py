"""Token buckets in front of a venue's own buckets, with a reserve for cancels and a stop after a 429.

Each named bucket holds tokens that refill evenly. A caller takes `cost` tokens while at least `reserve` stay behind:
orders leave a reserve, cancels ask for none, so a cancel is never starved by orders. After a 429 the bucket is empty
and shut for a while: everybody who uses it waits. Then it is on probation: one request passes, the probe, and no other
for as long again, until an answer without a 429 forgives (ORDERS H08). A bucket that was never configured has no limit
of its own but honours penalties.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from venues.errors import NotSent

_FIRST_PENALTY_S = 1.0
_PENALTY_CEILING_S = 30.0
LONGEST_STOP_S = 300.0
"""Whatever a venue says, it is asked again after five minutes: a figure that nobody meant shuts no door for good."""
_SHORTEST_WAIT_S = 0.001
_LOOK_AGAIN_S = 0.25


class TokenBucket:
    """`capacity` tokens, `refill_per_s` of them each second; starts full."""

    __slots__ = ("_at", "_clock", "_shut_until", "_tokens", "capacity", "refill_per_s")

    def __init__(self, *, capacity: float, refill_per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.capacity = capacity
        self.refill_per_s = refill_per_s
        self._clock = clock
        self._tokens = capacity
        self._at = clock()
        self._shut_until = -math.inf

    def try_take(self, cost: float, *, reserve: float = 0.0) -> bool:
        """Take `cost` if at least `reserve` would be left and the bucket is not shut."""
        if self.seconds_until(cost, reserve=reserve) > 0:
            return False
        self._tokens -= cost
        return True

    def seconds_until(self, cost: float, *, reserve: float = 0.0) -> float:
        """0 when `try_take` would succeed now; infinite when it never can (cost and reserve above capacity)."""
        now = self._clock()
        self._refill(now)
        shut_s = max(0.0, self._shut_until - now)
        wanted = cost + reserve
        if self._tokens >= wanted:
            return shut_s
        if wanted > self.capacity or self.refill_per_s <= 0:
            return math.inf
        return max(shut_s, (wanted - self._tokens) / self.refill_per_s)

    def resize(self, *, capacity: float, refill_per_s: float) -> None:
        """Take over a new size; tokens already spent stay spent."""
        self._refill(self._clock())
        spent = self.capacity - self._tokens if math.isfinite(self.capacity) else 0.0
        self.capacity = capacity
        self.refill_per_s = refill_per_s
        self._tokens = max(0.0, capacity - spent)

    def shut(self, seconds: float) -> None:
        """Empty it and let nobody take before `seconds` are over."""
        now = self._clock()
        self._shut_until = max(self._shut_until, now + seconds)
        if math.isfinite(self.capacity):
            self._tokens = 0.0
            self._at = max(now, self._shut_until)

    def hold(self, seconds: float) -> None:
        """Let nobody take before `seconds` are over; what is in it stays."""
        self._shut_until = max(self._shut_until, self._clock() + seconds)

    def release(self) -> None:
        """Nobody is held back any more."""
        self._shut_until = -math.inf

    def _refill(self, now: float) -> None:
        if now > self._at:
            self._tokens = min(self.capacity, self._tokens + (now - self._at) * self.refill_per_s)
            self._at = now


@dataclass
class _Probation:
    """After a 429: at most one request in `interval_s`. `is_out`: a probe was let through."""

    interval_s: float
    is_out: bool = False


class RateLimiter:
    """The buckets of one account at one venue, by name."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        self._streaks: dict[str, int] = {}
        self._probations: dict[str, _Probation] = {}

    def configure(self, bucket: str, *, capacity: float, refill_per_s: float) -> None:
        """Set or change the size of a bucket, for instance when the venue tells its limits."""
        known = self._buckets.get(bucket)
        if known is not None:
            known.resize(capacity=capacity, refill_per_s=refill_per_s)
        else:
            self._buckets[bucket] = TokenBucket(capacity=capacity, refill_per_s=refill_per_s, clock=self._clock)

    async def acquire(
        self, bucket: str, cost: float = 1.0, *, reserve: float = 0.0, max_wait_s: float | None = None
    ) -> None:
        """Wait for `cost` tokens. Raises NotSent `local_rate_limit` at once when that takes over `max_wait_s`."""
        tokens = self._bucket(bucket)
        deadline = math.inf if max_wait_s is None else self._clock() + max_wait_s
        while not tokens.try_take(cost, reserve=reserve):
            wait_s = tokens.seconds_until(cost, reserve=reserve)
            if math.isinf(wait_s) or self._clock() + wait_s > deadline:
                raise _too_slow(bucket, wait_s)
            # On probation it may be forgiven sooner than its time is over: look again now and then.
            longest_s = _LOOK_AGAIN_S if bucket in self._probations else math.inf
            await asyncio.sleep(max(min(wait_s, longest_s), _SHORTEST_WAIT_S))
        if (probation := self._probations.get(bucket)) is not None:
            probation.is_out = True
            tokens.hold(probation.interval_s)

    def penalise(self, bucket: str, seconds: float | None = None, *, at_most_s: float = LONGEST_STOP_S) -> float:
        """After a 429: shut the bucket for the longer of the venue's Retry-After and 1 s, 2 s, 4 s … 30 s with jitter,
        or for `at_most_s`, and put it on probation.

        Returns the seconds chosen. `forgive` after a success starts the row again at 1 s.
        """
        streak = self._streaks.get(bucket, 0)
        self._streaks[bucket] = streak + 1
        backoff_s = min(_PENALTY_CEILING_S, _FIRST_PENALTY_S * 2.0 ** min(streak, 10))
        jittered_s = backoff_s * (1 + random.random() * 0.1)
        shut_s = min(at_most_s, max(seconds or 0.0, min(_PENALTY_CEILING_S, jittered_s)))
        self._bucket(bucket).shut(shut_s)
        self._probations[bucket] = _Probation(shut_s)
        return shut_s

    def forgive(self, bucket: str) -> None:
        """The venue answered normally. Only a probe ends a probation: what was under way before it opens nothing."""
        self._streaks.pop(bucket, None)
        probation = self._probations.get(bucket)
        if probation is not None and probation.is_out:
            del self._probations[bucket]
            self._bucket(bucket).release()

    def seconds_until(self, bucket: str, cost: float = 1.0, *, reserve: float = 0.0) -> float:
        return self._bucket(bucket).seconds_until(cost, reserve=reserve)

    def _bucket(self, name: str) -> TokenBucket:
        if name not in self._buckets:
            self._buckets[name] = TokenBucket(capacity=math.inf, refill_per_s=0.0, clock=self._clock)
        return self._buckets[name]


def _too_slow(bucket: str, wait_s: float) -> NotSent:
    when = "can never be had" if math.isinf(wait_s) else f"would be free in {wait_s:.1f} s"
    return NotSent(f"The request was held back: the rate limit {bucket!r} {when}.", code="local_rate_limit")
