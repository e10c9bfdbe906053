"""What a restart and a silence leave behind comes to an end: in the rows and in the session's own mind."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from django.db.models import F

from tests.trading.engine.stand import IDLE, Stand, standing
from tests.trading.engine.test_fencing import hide_orders, sent
from tests.trading.engine.test_reconciling import place_behind_our_back
from tests.trading.engine.trouble import DROP, Trouble
from trading.domain.lifecycle import OrderStatus
from trading.engine import proof
from trading.engine.catchup import FEW, LOOK_BACK_MS, CatchUp, every_account
from trading.models import Order, OrderEvent
from trading.services.orders import UNKNOWN_FOR_GOOD, order_void
from venues.errors import VenueError
from venues.types import FillReport, SettleState, Side, TimeInForce, Venue

CHEAP_U = 20_000
ONE_ORDER = {"order", "data/order"}
"""How the venues' reads of one order by its id are named."""


async def test_an_order_claimed_by_a_run_that_died_is_over_for_the_next_ones_session_too(
    shared_database: None, tmp_path: Path
):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        claimed = await stand.claim_only(await stand.market(Venue.KALSHI))
        await stand.kill_engine()
        await stand.start_engine()
        assert (await stand.row(claimed)).status == OrderStatus.DENIED
        assert stand.engine.session.desk.intents.working == {}


async def test_an_order_that_ended_while_nobody_listened_ends_here_by_its_proven_absence(
    shared_database: None, tmp_path: Path
):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        market = await stand.market(Venue.POLYMARKET)
        resting = await stand.submit(market, price_u=CHEAP_U, qty_u=100_000_000, time_in_force=TimeInForce.GTC)
        order = await stand.until_row(resting, OrderStatus.OPEN)
        await stand.kill_engine()
        cancel_at_the_venue(stand, order.venue_order_id)
        await stand.start_engine()
        row = await stand.until_row(resting, OrderStatus.CANCELED)
        await stand.until(lambda: stand.engine.session.desk.intents.working == {})
        assert (row.reserved_u, row.filled_u) == (0, 0)


async def test_an_order_that_a_person_voided_is_over_for_the_running_session_too(
    shared_database: None, tmp_path: Path, trouble: Trouble
):
    """Else its market would be taken for ever, and what is held there could not be left."""
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        await stand.market(Venue.KALSHI)
        hide_orders(trouble)
        trouble.is_deaf, trouble.before_ops["kalshi", "create"] = True, DROP
        lost = await sent(stand, Venue.KALSHI)
        for catch_up in stand.engine.catch_ups:
            with pytest.raises(VenueError):
                await catch_up.orders()
        await stand.database.call(void, await stand.row(lost))
        await stand.until(lambda: stand.engine.session.desk.intents.working == {})
        assert (await stand.row(lost)).status == OrderStatus.VOID


def void(order: Order) -> None:
    """The minutes that nobody may judge in are put back, as if they had gone by."""
    Order.objects.filter(pk=order.pk).update(created_at=F("created_at") - UNKNOWN_FOR_GOOD)
    order_void(order=order, reason="The venue's support never saw it.", actor="op@example.org")


async def test_one_healthy_read_without_the_order_proves_nothing(shared_database: None, tmp_path: Path):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        market = await stand.market(Venue.POLYMARKET)
        resting = await stand.submit(market, price_u=CHEAP_U, qty_u=100_000_000, time_in_force=TimeInForce.GTC)
        order = await stand.until_row(resting, OrderStatus.OPEN)
        await stand.kill_engine()
        cancel_at_the_venue(stand, order.venue_order_id)
        await stand.start_engine()
        ended = await stand.until_row(resting, OrderStatus.CANCELED)
        event = await stand.database.call(OrderEvent.objects.get, order=ended, kind="ended_by_proof")
        assert event.payload["absent_s"] >= proof.ABSENT_FOR_S > 0


@pytest.mark.parametrize("venue", [Venue.POLYMARKET])
async def test_a_fill_that_the_venue_takes_back_leaves_the_session_as_it_leaves_the_rows(
    shared_database: None, tmp_path: Path, venue: Venue
):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        engine = await stand.start_engine()
        bought = await stand.submit(await stand.market(venue))
        await stand.until_row(bought, OrderStatus.FILLED)
        await stand.until(lambda: engine.session.export().positions != ())
        await stand.clock(paused=True)
        for fill in await read_fills(stand, venue):
            engine.ledger.put(failed(fill))
        await engine.ledger.settled()
        assert engine.session.export().positions == ()
        await every_account(engine.catch_ups, CatchUp.fills)
        await engine.ledger.settled()
        assert engine.session.export().positions == (), "a voided fill is never booked again"


async def test_a_fill_taken_back_long_after_its_match_is_voided_though_nothing_told_of_it(
    shared_database: None, tmp_path: Path
):
    """The reads of eleven minutes are put behind it, as if they had gone by."""
    trouble = Trouble()
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=30.0, games=2) as stand:
        engine = await stand.start_engine()
        market = await stand.market(Venue.POLYMARKET)
        await stand.clock(paused=True)
        bought = await stand.submit(market)
        await every_account(engine.catch_ups, CatchUp.fills)
        await engine.ledger.settled()
        assert (await stand.row(bought)).filled_u > 0
        trouble.is_deaf = True
        for catch_up in engine.catch_ups:
            catch_up._fills_read_ms = engine.clock.now_ms() + LOOK_BACK_MS + 60_000
        for fill in await read_fills(stand, Venue.POLYMARKET):
            assert fill.settle_state is SettleState.PENDING
            fail_at_the_venue(stand, fill)
        await every_account(engine.catch_ups, CatchUp.fills)
        await engine.ledger.settled()
        row = await stand.row(bought)
        assert (row.filled_u, row.voided_u > 0, engine.session.export().positions) == (0, True, ())


async def test_a_persons_own_order_that_ended_while_nobody_listened_ends_here_too(
    shared_database: None, tmp_path: Path
):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        await place_behind_our_back(stand, "by-hand", Side.BUY)
        await every_account(stand.engine.catch_ups, CatchUp.orders)
        await stand.engine.ledger.settled()
        order = await stand.database.call(Order.objects.get, client_order_id="by-hand")
        assert (order.status, order.is_external, order.reserved_u > 0) == (OrderStatus.OPEN, True, True)
        await stand.kill_engine()
        cancel_at_the_venue(stand, order.venue_order_id, Venue.KALSHI)
        await stand.start_engine()
        await stand.engine.ledger.settled()
        order = await stand.database.call(Order.objects.get, pk=order.pk)
        assert (order.status, order.reserved_u) == (OrderStatus.CANCELED, 0)


@pytest.mark.parametrize("venue", list(Venue))
async def test_many_orders_that_ended_unseen_are_looked_for_in_a_few_reads(
    shared_database: None, tmp_path: Path, venue: Venue
):
    trouble = Trouble()
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        market = await stand.market(venue)
        resting = [
            await stand.submit(market, price_u=CHEAP_U + 10_000 * number, time_in_force=TimeInForce.GTC)
            for number in range(FEW + 2)
        ]
        orders = [await stand.until_row(command, OrderStatus.OPEN) for command in resting]
        await stand.kill_engine()
        for order in orders:
            cancel_at_the_venue(stand, order.venue_order_id, venue)
        before = reads_of_one(trouble, venue)
        await stand.start_engine()
        for command in resting:
            assert (await stand.until_row(command, OrderStatus.CANCELED)).reserved_u == 0
        asked = reads_of_one(trouble, venue) - before
        assert asked <= FEW, "none was asked for by itself, but for the few whose absence is proven a moment later"
        await stand.books_equal()


def reads_of_one(trouble: Trouble, venue: Venue) -> int:
    return sum(count for (at, op), count in trouble.asked.items() if at == venue and op in ONE_ORDER)


def cancel_at_the_venue(stand: Stand, venue_order_id: str, venue: Venue = Venue.POLYMARKET) -> None:
    """As if it had been canceled at the venue's own page while nobody listened."""
    parts = stand.simulator.assembly
    exchange = parts.builder.exchanges[venue]
    exchange.cancel(exchange.account_ids()[0], venue_order_id, parts.now_ms())


def fail_at_the_venue(stand: Stand, fill: FillReport) -> None:
    parts = stand.simulator.assembly
    parts.builder.exchanges[fill.venue].fail_trade(fill.trade_id, parts.now_ms())


async def read_fills(stand: Stand, venue: Venue) -> list[FillReport]:
    account = next(one for one in stand.engine.desk.accounts.values() if one.row.venue == venue)
    return await account.reader.fills_since(0)


def failed(fill: FillReport) -> FillReport:
    return msgspec.structs.replace(fill, settle_state=SettleState.FAILED)
