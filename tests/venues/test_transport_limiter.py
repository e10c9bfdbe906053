"""Token buckets on a clock the test moves."""

from __future__ import annotations

import asyncio
import math

import pytest

from venues.errors import NotSent
from venues.transport.limiter import RateLimiter, TokenBucket


class ManualClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_a_full_bucket_gives_its_capacity_and_refills_evenly(clock: ManualClock) -> None:
    bucket = TokenBucket(capacity=10, refill_per_s=2, clock=clock)
    assert all(bucket.try_take(5) for _ in range(2))
    assert not bucket.try_take(1)
    assert bucket.seconds_until(3) == pytest.approx(1.5)
    clock.now += 1.5
    assert bucket.try_take(3)
    clock.now += 1000
    assert bucket.seconds_until(10) == 0


def test_orders_leave_a_reserve_that_cancels_may_use(clock: ManualClock) -> None:
    bucket = TokenBucket(capacity=10, refill_per_s=1, clock=clock)
    assert bucket.try_take(6, reserve=4)
    assert not bucket.try_take(1, reserve=4)
    assert bucket.try_take(4)


def test_a_cost_above_the_capacity_can_never_be_had(clock: ManualClock) -> None:
    assert math.isinf(TokenBucket(capacity=10, refill_per_s=1, clock=clock).seconds_until(8, reserve=3))


async def test_a_wait_longer_than_allowed_is_refused_at_once_and_nothing_was_sent(clock: ManualClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.configure("write", capacity=10, refill_per_s=1)
    await limiter.acquire("write", 10)
    with pytest.raises(NotSent) as refused:
        await limiter.acquire("write", 5, max_wait_s=2)
    assert refused.value.code == "local_rate_limit"


async def test_a_short_wait_is_waited_out() -> None:
    limiter = RateLimiter()
    limiter.configure("read", capacity=1, refill_per_s=100)
    for _ in range(3):
        await limiter.acquire("read", 1, max_wait_s=1)


async def test_after_a_429_everybody_waits_and_then_only_a_trickle_follows(clock: ManualClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.configure("write", capacity=100, refill_per_s=10)
    assert limiter.penalise("write", 7) == 7
    with pytest.raises(NotSent):
        await limiter.acquire("write", 1, max_wait_s=6)
    clock.now += 7
    assert limiter.seconds_until("write", 10) == pytest.approx(1.0)


def test_penalties_double_up_to_half_a_minute_until_a_success_forgives(clock: ManualClock) -> None:
    limiter = RateLimiter(clock=clock)
    waits = [limiter.penalise("write") for _ in range(7)]
    for at, wait in enumerate(waits):
        assert min(30, 2**at) <= wait <= min(30, 2**at * 1.1)
    assert waits[-1] == 30
    limiter.forgive("write")
    assert limiter.penalise("write") < 2


async def test_after_the_wait_one_probe_passes_an_interval_until_one_is_answered(clock: ManualClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.configure("write", capacity=100, refill_per_s=100)

    async def passed() -> int:
        """How many of ten senders get through now."""
        tries = [limiter.acquire("write", 1, max_wait_s=0) for _ in range(10)]
        return sum(answer is None for answer in await asyncio.gather(*tries, return_exceptions=True))

    assert await passed() == 10
    shut_s = limiter.penalise("write", 5)
    limiter.forgive("write")  # the answer to what was under way before
    assert await passed() == 0
    for _ in range(3):
        clock.now += shut_s + 0.1  # what was emptied refills
        assert await passed() == 1
    limiter.forgive("write")
    assert await passed() == 10


async def test_a_wait_for_a_probe_ends_when_it_is_answered() -> None:
    limiter = RateLimiter()
    limiter.penalise("write", at_most_s=0.01)
    await limiter.acquire("write", 1, max_wait_s=1)
    limiter._probations["write"].interval_s = 60
    limiter._bucket("write").hold(60)
    waiting = asyncio.create_task(limiter.acquire("write", 1))
    await asyncio.sleep(0)
    limiter.forgive("write")
    await asyncio.wait_for(waiting, 60)


async def test_a_bucket_nobody_configured_has_no_limit_but_honours_a_penalty(clock: ManualClock) -> None:
    limiter = RateLimiter(clock=clock)
    for _ in range(100):
        await limiter.acquire("unheard_of", 1000, max_wait_s=0)
    limiter.penalise("unheard_of", 3)
    with pytest.raises(NotSent):
        await limiter.acquire("unheard_of", 1, max_wait_s=1)
    clock.now += 3
    await limiter.acquire("unheard_of", 1000, max_wait_s=0)


async def test_a_new_size_keeps_what_was_spent(clock: ManualClock) -> None:
    limiter = RateLimiter(clock=clock)
    limiter.configure("write", capacity=10, refill_per_s=1)
    await limiter.acquire("write", 4)
    limiter.configure("write", capacity=30, refill_per_s=10)
    assert limiter.seconds_until("write", 26) == 0
    assert limiter.seconds_until("write", 30) == pytest.approx(0.4)
