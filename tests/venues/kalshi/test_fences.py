"""Fences whose limit is what a limit in dollars buys: any number of µcontracts."""

from __future__ import annotations

import pytest

from tests.venues.kalshi.doors import doors
from venues.types import MICRO, Outcome, Side


@pytest.mark.parametrize(
    ("limit_u", "asked_u"),
    [(1_234_567_001, 1_234_560_000), (3, MICRO), (10**15, 1_000_000 * MICRO)],
)
async def test_a_fence_has_the_next_lower_limit_that_the_venue_takes(limit_u: int, asked_u: int) -> None:
    async with doors() as user:
        await user.orders.open_fence(limit_u=limit_u)
        (group,) = await user.orders.groups.list()
        assert group.limit_u == asked_u


async def test_a_token_that_names_no_shard_is_one_group_for_orders_and_for_closing_alike() -> None:
    async with doors() as user:
        group_id = await user.orders.groups.create()
        await user.place(Side.BUY, Outcome.YES, 500_000, 5, fence_token=group_id)
        for token in (group_id, "a-group-of-nobody"):
            await user.orders.close_fence(token)
            assert await user.orders.is_fence_closed(token)
        assert await user.account.open_orders() == []
