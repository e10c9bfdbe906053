"""The user stream when frames are damaged and reads fail: a fill that could not be read is told when it can be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.venues.polymarket.conftest import Desk, eventually, running
from tests.venues.simulator.polymarket_stand import Stand, standing
from venues.simulator.fault_plan import FaultRule, Match, ScheduledFaults
from venues.types import FeedStatus, FillReport, OrderReport, SettleState, Side, VenueMarket

UP = FeedStatus("polymarket.user", True)
READS = Match(op="data/trades")


@asynccontextmanager
async def trading(plan: ScheduledFaults) -> AsyncIterator[tuple[Desk, VenueMarket]]:
    stand = Stand(plan)
    listed = stand.list_game("nba").markets[0]
    stand.quote(listed, {"0.4": 100}, {"0.45": 60, "0.46": 1_000})
    async with standing(stand):
        desk = Desk(stand)
        (market,) = await desk.list_markets("nba")
        try:
            yield desk, market
        finally:
            await desk.aclose()


async def buy(desk: Desk, market: VenueMarket, price_u: int, qty: int) -> None:
    await desk.orders.place(desk.orders.prepare(desk.request(market, Side.BUY, price_u, qty)))


def bought(inbox: list[Any]) -> list[int]:
    """Whole contracts of the pending fills that were told."""
    fills = [message for message in inbox if isinstance(message, FillReport)]
    return [fill.qty_u // 1_000_000 for fill in fills if fill.settle_state is SettleState.PENDING]


async def test_a_fill_whose_frame_is_damaged_is_told_by_the_read_that_follows():
    plan, inbox = ScheduledFaults(), list[Any]()
    async with trading(plan) as (desk, market), running(desk.account, inbox.append):
        await eventually(lambda: UP in inbox)
        plan.add(FaultRule(fault="frame_quoted_nan", match=Match(op="user", reference="trade"), times=1))
        await buy(desk, market, 450_000, 10)
        await eventually(lambda: bought(inbox) == [10])
        assert plan.struck["frame_quoted_nan"] == 1


async def test_trades_of_a_read_that_could_not_be_read_are_told_by_the_next():
    plan, inbox = ScheduledFaults(), list[Any]()
    async with trading(plan) as (desk, market):
        for qty in (10, 20, 30):
            await buy(desk, market, 460_000, qty)
        plan.add(FaultRule(fault="quoted_nan", match=READS, times=1))
        async with running(desk.account, inbox.append):
            await eventually(lambda: UP in inbox)
        assert plan.struck["quoted_nan"] == 1
        assert sorted(bought(inbox)) == [10, 20, 30]


async def test_what_is_heard_while_reads_fail_does_not_shorten_the_read_that_succeeds():
    untold = FaultRule(fault="frame_drop", match=Match(op="user", reference="trade"))
    plan, inbox = ScheduledFaults([FaultRule(fault="503_before", match=READS), untold]), list[Any]()
    async with trading(plan) as (desk, market):
        await buy(desk, market, 450_000, 10)
        async with running(desk.account, inbox.append):
            await eventually(lambda: plan.struck["503_before"] > 0)
            desk.stand.move(600_000)
            await buy(desk, market, 300_000, 10)
            await eventually(lambda: any(isinstance(message, OrderReport) for message in inbox))
            plan.clear()
            await eventually(lambda: UP in inbox)
        assert [one.qty_u for one in inbox if isinstance(one, FillReport)] == [10_000_000]
