"""Fences whose limit is what a limit in dollars buys: any number of µcontracts."""

from __future__ import annotations

import pytest

from tests.venues.kalshi.doors import doors
from venues.types import MICRO


@pytest.mark.parametrize(
    ("limit_u", "asked_u"),
    [(1_234_567_001, 1_234_560_000), (3, MICRO), (10**15, 1_000_000 * MICRO)],
)
async def test_a_fence_has_the_next_lower_limit_that_the_venue_takes(limit_u: int, asked_u: int) -> None:
    async with doors() as user:
        await user.orders.open_fence(limit_u=limit_u)
        (group,) = await user.orders.groups.list()
        assert group.limit_u == asked_u
