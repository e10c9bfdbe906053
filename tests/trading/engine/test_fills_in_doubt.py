"""Fills that one of the venue's two ways tells and the other does not, and fills that the venue keeps taking back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notifications.models import Alert
from risk.selectors import effective_state, scopes_of
from tests.trading.engine.stand import IDLE, Stand, standing
from tests.trading.engine.test_reconciling import until_old_enough
from trading.models import Fill, Finding, Order, OrderEvent, OrderStatus, RunTrigger
from venues.simulator.exchange_finality import TradeFate
from venues.simulator.fault_plan import FaultRule, Match, ScheduledFaults
from venues.types import TimeInForce, Venue

CHEAP_U = 20_000


@pytest.fixture
def plan() -> ScheduledFaults:
    return ScheduledFaults()


@pytest.fixture
async def stand(shared_database: None, tmp_path: Path, plan: ScheduledFaults) -> AsyncIterator[Stand]:
    async with standing(tmp_path, settings=IDLE, faults=plan, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        yield stand


async def test_a_fill_that_only_the_stream_tells_is_booked_once_and_pauses_as_long_as_reads_deny_it(
    stand: Stand, plan: ScheduledFaults
):
    market = await stand.market(Venue.KALSHI)
    plan.add(FaultRule(fault="fills_only_by_socket", match=Match(venue="kalshi")))
    command = await stand.submit(market)
    row = await stand.until_row(command, OrderStatus.FILLED)
    await until_old_enough(stand, row)
    await stand.engine.reconcilers.run(RunTrigger.PERIODIC, venue=Venue.KALSHI)
    await stand.engine.reconcilers.run(RunTrigger.PERIODIC, venue=Venue.KALSHI)
    assert await stand.database.call(doubts, row) == (["fill"], 1, "paused")
    plan.clear()
    await stand.engine.reconcilers.run(RunTrigger.PERIODIC, venue=Venue.KALSHI)
    assert (await stand.database.call(doubts, row))[2] == "active"
    assert await stand.database.call(bookings, row) == (await stand.row(command)).filled_u > 0
    await stand.books_equal()


async def test_three_fills_of_fifty_taken_back_open_nothing_more_at_that_venue(stand: Stand):
    exchange = stand.simulator.assembly.polymarket
    exchange.decide_fates([TradeFate.FAILED] * 100)
    health = stand.engine.watch.vitals
    while (failed := health.failed_of_50(Venue.POLYMARKET)) <= 2:
        await stand.submit(await stand.market(Venue.POLYMARKET))
        await stand.until(lambda failed=failed: health.failed_of_50(Venue.POLYMARKET) > failed)  # type: ignore[misc]
    market = await stand.market(Venue.POLYMARKET)
    denied = await stand.row(await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC))
    assert (denied.status, denied.reason_code) == (OrderStatus.DENIED, "settlement_failing")
    other = await stand.market(Venue.KALSHI)
    taken_there = await stand.row(await stand.submit(other, price_u=CHEAP_U, time_in_force=TimeInForce.GTC))
    assert taken_there.status == OrderStatus.OPEN, "it is one venue's trouble"
    await stand.books_equal()
    await stand.kill_engine()
    again = (await stand.start_engine()).watch.vitals
    assert again.failed_of_50(Venue.POLYMARKET) == health.failed_of_50(Venue.POLYMARKET), "a start forgets nothing"
    assert again.failed_of_50(Venue.KALSHI) == 0


def doubts(order: Order) -> tuple[list[str], int, str]:
    """What the comparison found, how many were told, and whether the account may trade."""
    found = list(Finding.objects.filter(kind="fill").values_list("kind", flat=True).distinct())
    told = Alert.objects.filter(subject_type="finding").values("code").distinct().count()
    return found, told, str(effective_state(scopes_of(order.venue_account)).state)


def bookings(order: Order) -> int:
    kinds = OrderEvent.objects.filter(order=order, kind="filled").count()
    fills = list(Fill.objects.filter(order=order).values_list("qty_u", flat=True))
    assert kinds == len(fills)
    return sum(fills)
