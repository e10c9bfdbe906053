"""Order groups as our fence, against the simulator's Kalshi face on a real port: opened, shut, proven shut."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.venues.kalshi.doors import doors
from venues.errors import Fenced, Throttled
from venues.simulator.faults import Call, Disturbance, NoFaults
from venues.types import MICRO, Outcome, Side


async def test_a_triggered_group_cancels_its_orders_and_refuses_new_ones_until_it_is_reset() -> None:
    async with doors(shard=3) as user:
        groups = user.orders.groups
        token = await groups.open_fence([0, 3])
        ref = await user.place(Side.BUY, Outcome.YES, 500_000, 5, fence_token=token)
        group_id = token.partition("3:")[2]
        assert (await groups.get(group_id)).order_ids == (ref.venue_order_id,)
        assert len(await groups.list()) == 2
        await groups.trigger(group_id, shard=3)
        assert await user.account.open_orders() == []
        request = user.request(Side.BUY, Outcome.YES, 500_000, 5, fence_token=token)
        with pytest.raises(Fenced):
            await user.orders.place(user.orders.prepare(request))
        assert not await groups.is_fence_closed(token), "a read does not tell a triggered group from another"
        await groups.reset(group_id, shard=3)
        await user.orders.place(user.orders.prepare(request))
        await groups.set_limit(group_id, limit_u=10 * MICRO, shard=3)
        assert (await groups.get(group_id)).limit_u == 10 * MICRO
        await groups.delete(group_id, shard=3)
        assert await user.account.open_orders() == []


async def test_a_closed_fence_is_gone_for_good_and_may_be_closed_again() -> None:
    async with doors(shard=3) as user:
        token = await user.orders.open_fence(limit_u=100 * MICRO)
        await user.place(Side.BUY, Outcome.YES, 500_000, 5, fence_token=token)
        assert not await user.orders.is_fence_closed(token)
        for _ in range(2):
            await user.orders.close_fence(token)
            assert await user.orders.is_fence_closed(token)
        assert await user.account.open_orders() == []
        request = user.request(Side.BUY, Outcome.YES, 500_000, 5, fence_token=token)
        with pytest.raises(Fenced):
            await user.orders.place(user.orders.prepare(request))
        assert not await user.orders.is_fence_closed(""), "no token is no proof"


class Busy(NoFaults):
    """Answers 429 to the next removals of a group, and counts them all."""

    def __init__(self) -> None:
        self.left = 0
        self.asked: Counter[str] = Counter()

    def before(self, call: Call) -> Disturbance | None:
        self.asked[call.op] += 1
        if call.op != "group_delete" or not self.left:
            return None
        self.left -= 1
        return Disturbance(status=429)


async def test_closing_a_fence_anew_asks_only_for_the_groups_that_are_left() -> None:
    busy = Busy()
    async with doors(shard=3, faults=busy) as user:
        token = await user.orders.open_fence(limit_u=100 * MICRO)
        busy.left = 1
        with pytest.raises(Throttled):
            await user.orders.close_fence(token)
        assert (busy.asked["group_trigger"], busy.asked["group_delete"]) == (2, 2), "no shard waits for another"
        assert not await user.orders.is_fence_closed(token)
        await user.orders.close_fence(token)
        assert (busy.asked["group_trigger"], busy.asked["group_delete"]) == (3, 3)
        assert await user.orders.is_fence_closed(token)


async def test_a_fence_that_a_shard_refuses_leaves_no_group_behind() -> None:
    class NoSecond(Busy):
        def before(self, call: Call) -> Disturbance | None:
            super().before(call)
            return Disturbance(status=429) if call.op == "group_create" and self.asked[call.op] == 2 else None

    async with doors(shard=3, faults=NoSecond()) as user:
        with pytest.raises(Throttled):
            await user.orders.open_fence(limit_u=100 * MICRO)
        assert await user.orders.groups.list() == []
