"""Token buckets: sizes and costs as the venue tells them, a share for cancels, a stop after a 429."""

from __future__ import annotations

from pathlib import Path

import pytest

from venues.errors import NotSent, Throttled
from venues.kalshi.budget import Budget
from venues.kalshi.schemas import WireBucket, WireEndpointCosts, WireLimits
from venues.wire import Census, decode

ORDERS = "/portfolio/events/orders"
PREFIX = "/trade-api/v2"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> Budget:
    """The lowest tier's capacities, refilling so slowly that whoever lacks tokens is refused and not kept waiting."""
    budget = Budget(clock=clock)
    budget.learn_limits(WireLimits(WireBucket(1, 200), WireBucket(1, 100), "basic"))
    return budget


async def place(budget: Budget, *, shard: int = 0) -> None:
    await budget.take_order("POST", ORDERS, shard=shard)


async def placed(budget: Budget, *, shard: int = 0) -> int:
    """How many orders the budget lets through at this moment."""
    count = 0
    while True:
        try:
            await place(budget, shard=shard)
        except NotSent as error:
            assert error.code == "local_rate_limit"
            return count
        count += 1


def test_costs_are_read_from_the_venues_table(budget: Budget, demo: Path) -> None:
    costs = decode((demo / "account__endpoint_costs.json").read_bytes(), WireEndpointCosts, Census())
    budget.learn_costs(costs, prefix=PREFIX)
    assert budget.cost("POST", ORDERS) == 10
    assert budget.cost("DELETE", f"{ORDERS}/7d3c-1") == 2
    assert budget.cost("DELETE", f"{ORDERS}/batched") == 2
    assert budget.cost("DELETE", ORDERS) == 10
    assert budget.cost("GET", "/cfbenchmarks/a/b") == 150


def test_until_the_venue_tells_its_costs_the_known_ones_hold(budget: Budget) -> None:
    assert budget.cost("DELETE", f"{ORDERS}/7d3c-1") == 2
    assert budget.cost("GET", "/portfolio/orders/7d3c-1") == 2
    assert budget.cost("GET", "/portfolio/orders") == 10


async def test_orders_leave_three_tenths_for_cancels(budget: Budget) -> None:
    assert await placed(budget) == 7
    for _ in range(15):
        await budget.take_cancel("DELETE", f"{ORDERS}/7d3c-1", shard=0)
    with pytest.raises(NotSent):
        await place(budget)


async def test_limits_of_the_account_replace_the_lowest_tier(budget: Budget, clock: Clock) -> None:
    await place(budget)
    budget.learn_limits(WireLimits(WireBucket(3, 900), WireBucket(3, 900), "advanced"))
    assert await placed(budget) == (900 - 10 - 270) // 10
    clock.now += 100.0
    assert await placed(budget) == 30


async def test_each_shard_above_zero_has_its_own_bucket(budget: Budget) -> None:
    assert await placed(budget, shard=0) == 7
    assert await placed(budget, shard=3) == 7


async def test_after_a_429_orders_stop_for_a_growing_while_and_cancels_do_not(budget: Budget, clock: Clock) -> None:
    error = Throttled("too many requests")
    budget.note_throttled(error, is_read=False)
    assert error.retry_after_s is not None
    assert error.retry_after_s >= 1.0
    assert await placed(budget) == 0
    await budget.take_cancel("DELETE", f"{ORDERS}/7d3c-1", shard=0)
    clock.now += error.retry_after_s + 0.01
    assert await placed(budget) > 0
    again = Throttled("too many requests")
    budget.note_throttled(again, is_read=False)
    assert again.retry_after_s is not None
    assert again.retry_after_s >= 2.0
    budget.note_answered(is_read=False)
    clock.now += 60
    first = Throttled("too many requests")
    budget.note_throttled(first, is_read=False)
    assert first.retry_after_s is not None
    assert first.retry_after_s < 2.0


async def test_reads_have_a_bucket_and_a_gate_of_their_own(budget: Budget) -> None:
    for _ in range(20):
        await budget.take_read("/markets", max_wait_s=0)
    with pytest.raises(NotSent):
        await budget.take_read("/markets", max_wait_s=0)
    assert await placed(budget) == 7
    budget.note_throttled(Throttled("too many requests", retry_after_s=30.0), is_read=True)
    with pytest.raises(NotSent):
        await budget.take_read("/markets", max_wait_s=5)
