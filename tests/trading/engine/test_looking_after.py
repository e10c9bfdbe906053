"""What an account's watch does while the venue answers some of its questions and others not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from django.db.models import F

from tests.trading.engine.by_hand import command_of
from tests.trading.engine.stand import IDLE, Stand, is_deaf, standing
from tests.trading.engine.test_fencing import CHEAP_U, RESTING, VENUES, account_at, halted_for, hide_orders, sent
from tests.trading.engine.trouble import DROP, ERROR_500, Trouble
from trading.domain.commands import CancelOrder
from trading.engine.catchup import CatchUp
from trading.engine.looking_after import PAUSE_AFTER_S, AccountWatch, read_patiently
from trading.models import OrderStatus, ReconciliationRun, RunTrigger
from trading.services.pauses import FILLS_MISSING
from trading.services.reconciliation_halts import COMPARED_WITHIN, OVERDUE
from venues.simulator.faults import Disturbance
from venues.types import MICRO, Outcome, Side, TimeInForce, Venue

FILL_READS = ("fills", "historical_fills", "data/trades")


def watch_of(stand: Stand, venue: Venue) -> AccountWatch:
    return stand.engine.custody.watches[account_at(stand.engine, venue).name]


def hide_fills(trouble: Trouble, venue: Venue) -> None:
    """They are neither told nor shown."""
    trouble.is_deaf = True
    for read in FILL_READS:
        trouble.before_ops[venue.value, read] = ERROR_500


@VENUES
async def test_fills_that_are_told_and_cannot_be_read_pause_the_account_until_they_are_booked(
    stand: Stand, trouble: Trouble, venue: Venue
):
    """The minute in which they were missing is put back, as if it had gone by."""
    await stand.market(venue)
    hide_fills(trouble, venue)
    bought = await sent(stand, venue)
    row = await stand.row(bought)
    assert row.venue_filled_u > row.filled_u == 0
    watch = watch_of(stand, venue)
    await watch.now_and_then()
    assert await stand.database.call(halted_for) == [], "a moment is no minute"
    watch._short_since[row.pk] -= PAUSE_AFTER_S
    await watch.now_and_then()
    assert await stand.database.call(halted_for) == [FILLS_MISSING]
    trouble.is_deaf = False
    trouble.before_ops.clear()
    await watch.now_and_then()
    await stand.engine.ledger.settled()
    assert (await stand.row(bought)).filled_u == row.venue_filled_u
    await watch.now_and_then()
    assert await stand.database.call(halted_for) == []


async def test_nothing_is_opened_while_no_comparison_comes_to_its_end(stand: Stand, trouble: Trouble):
    """The time since the last one is put back, as if it had gone by."""
    watch = watch_of(stand, Venue.KALSHI)
    await watch.now_and_then()
    assert await stand.database.call(halted_for) == []
    trouble.before_ops["kalshi", "positions"] = ERROR_500
    await stand.engine.reconcilers.run(RunTrigger.PERIODIC, venue=Venue.KALSHI)
    await stand.database.call(compared_long_ago)
    await watch.now_and_then()
    assert await stand.database.call(halted_for) == [OVERDUE]
    row = await stand.row(await sent(stand, Venue.KALSHI))
    assert (row.status, row.reason_code, trouble.creates(Venue.KALSHI)) == (OrderStatus.DENIED, "halted", 0)
    trouble.before_ops.clear()
    await stand.engine.reconcilers.run(RunTrigger.PERIODIC, venue=Venue.KALSHI)
    assert await stand.database.call(halted_for) == []


def compared_long_ago() -> None:
    runs = ReconciliationRun.objects.filter(venue_account__venue="kalshi")
    runs.update(ended_at=F("ended_at") - COMPARED_WITHIN)


async def test_an_account_whose_private_stream_was_never_heard_opens_nothing(
    shared_database: None, tmp_path: Path, trouble: Trouble
):
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=10.0, games=2) as stand:
        engine = await stand.start_engine()
        trouble.before_ops["polymarket", "data/trades"] = ERROR_500  # its first read: then it tells neither up nor down
        market = await stand.market(Venue.POLYMARKET, is_heard=False)
        asked = trouble.asked["polymarket", "data/trades"]
        await stand.until(lambda: trouble.asked["polymarket", "data/trades"] > asked)
        assert is_deaf(engine, market)
        command = command_of(engine, market, Side.BUY, Outcome.YES, None, 10 * MICRO, TimeInForce.IOC)
        await engine.executor.submit(command)
        row = await stand.row(command)
        assert (row.status, row.reason_code) == (OrderStatus.DENIED, "private_stream_down")
        assert trouble.creates(Venue.POLYMARKET) == 0
        trouble.before_ops.clear()
        taken = await stand.row(await sent(stand, Venue.POLYMARKET))
        assert taken.venue_order_id and trouble.creates(Venue.POLYMARKET) == 1


async def test_an_account_that_does_not_answer_keeps_no_other_unread(stand: Stand, trouble: Trouble):
    begun: list[CatchUp] = []
    for venue in Venue:
        for read in FILL_READS:
            trouble.before_ops[venue, read] = Disturbance(swallow=True)

    async def read_of(catch_up: CatchUp) -> None:
        begun.append(catch_up)
        await catch_up.fills()

    reading = asyncio.create_task(read_patiently(stand.engine.custody.watches.values(), read_of))
    await stand.until(lambda: len(begun) == 2, within_s=5.0)
    assert not reading.done()
    reading.cancel()


@VENUES
async def test_a_cancel_is_asked_for_again_while_no_read_of_an_order_is_answered(
    stand: Stand, trouble: Trouble, venue: Venue
):
    resting = await sent(stand, venue, **RESTING, qty_u=100 * MICRO)
    await stand.until_row(resting, OrderStatus.OPEN)
    hide_orders(trouble)
    trouble.before_ops[venue.value, "cancel"] = DROP
    trouble.before_ops[venue.value, "create"] = DROP
    lost = await sent(stand, venue, price_u=2 * CHEAP_U, qty_u=100 * MICRO)
    assert (await stand.row(lost)).is_unknown
    await stand.engine.executor.cancel(CancelOrder(decision_id=resting.decision_id, market_id="", reason="test"))
    del trouble.before_ops[venue.value, "cancel"]
    await stand.until_row(resting, OrderStatus.CANCELED)
    assert (await stand.row(lost)).is_unknown, "and nothing was read meanwhile"
