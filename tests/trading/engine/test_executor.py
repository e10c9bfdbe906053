"""What becomes of an order when the venue takes it, refuses it, loses the answer or is not there: never two of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from core.kill_points import install
from tests.swapped import swapped
from tests.trading.engine.stand import Stand
from tests.trading.engine.trouble import DROP, ERROR_500, Trouble
from trading.domain.commands import CancelOrder, SubmitOrder
from trading.engine import executor
from trading.engine.catchup import CatchUp, every_account
from trading.engine.executor import DECIDED_WITHIN_S
from trading.engine.proof import YOUNG_MS
from trading.models import Order, OrderStatus
from venues.simulator.faults import Disturbance
from venues.types import MICRO, OrderState, TimeInForce, Venue

VENUES = pytest.mark.parametrize("venue", list(Venue))
CHEAP_U = 20_000
PACE = 30.0


def working(stand: Stand) -> int:
    return len(stand.engine.session.desk.intents.working)


def venue_is_done(stand: Stand, venue: Venue) -> bool:
    """The venue has matched everything that it took (a taker's delay is over)."""
    exchange = stand.simulator.assembly.builder.exchanges[venue]
    orders = [order for name in exchange.account_ids() for order in exchange.ledger(name).orders]
    return bool(orders) and all(order.state is OrderState.FILLED for order in orders)


def cancel_of(command: SubmitOrder) -> CancelOrder:
    return CancelOrder(decision_id=command.decision_id, market_id=command.market_id, reason="test")


@VENUES
async def test_an_order_is_filled_booked_and_forgotten(stand: Stand, trouble: Trouble, venue: Venue):
    command = await stand.submit(await stand.market(venue))
    await stand.until_row(command, OrderStatus.FILLED)
    await stand.until(lambda: working(stand) == 0)
    books = await stand.books_equal()
    row = await stand.row(command)
    assert (trouble.creates(venue), row.filled_u, row.reserved_u) == (1, 10 * MICRO, 0)
    assert books.reserved_u == {"kalshi": 0, "polymarket": 0}


async def test_a_buy_that_the_wallet_did_not_approve_is_denied_with_what_to_do(stand: Stand, trouble: Trouble):
    market = await stand.market(Venue.POLYMARKET)
    stand.simulator.assembly.polymarket_face.approvals.limit_u = 0
    for account in stand.engine.desk.accounts.values():
        await account.reader.balance()
    command = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    row = await stand.until_row(command, OrderStatus.DENIED)
    assert (row.reason_code, row.reserved_u, trouble.creates(Venue.POLYMARKET)) == ("no_allowance", 0, 0)
    assert "Approve pUSD" in row.reason and row.reason.endswith("has seen the approval.")


@VENUES
async def test_a_resting_order_holds_its_money_until_its_cancel_is_proven(stand: Stand, venue: Venue):
    market = await stand.market(venue)
    command = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    row = await stand.until_row(command, OrderStatus.OPEN)
    assert row.reserved_u == row.max_cost_u > 0
    await stand.engine.executor.cancel(cancel_of(command))
    row = await stand.until_row(command, OrderStatus.CANCELED)
    await stand.until(lambda: working(stand) == 0)
    assert (row.reserved_u, row.filled_u) == (0, 0)
    await stand.books_equal()


@VENUES
async def test_an_order_whose_answer_was_lost_is_adopted_and_never_sent_again(
    stand: Stand, trouble: Trouble, venue: Venue
):
    market = await stand.market(venue)
    trouble.after_ops[venue, "create"] = DROP
    command = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    row = await stand.until_row(command, OrderStatus.OPEN)
    assert row.reserved_u == row.max_cost_u
    intent = stand.engine.session.desk.intents.working[command.decision_id]
    await stand.until(lambda: intent.status is OrderStatus.OPEN)
    await stand.books_equal()
    assert trouble.creates(venue) == 1


@VENUES
@pytest.mark.parametrize("first", [CatchUp.orders, CatchUp.fills], ids=["orders first", "fills first"])
async def test_a_fill_of_an_order_unknown_to_us_and_to_the_stream_is_found_by_reading(
    stand: Stand, trouble: Trouble, venue: Venue, first: Callable[[CatchUp], Awaitable[None]]
):
    market = await stand.market(venue)
    trouble.is_deaf = True
    trouble.after_ops[venue, "create"] = DROP
    command = await stand.submit(market)
    assert (await stand.row(command)).unknown_at, "its answer was lost, even if a reading has found it since"
    await stand.until(lambda: venue_is_done(stand, venue))
    await stand.until(lambda: stand.engine.clock.now_ms() - command.created_ms > YOUNG_MS)
    for read in (first, CatchUp.orders, CatchUp.fills):
        await every_account(stand.engine.catch_ups, read)
        await stand.engine.ledger.settled()
    row = await stand.row(command)
    assert (row.status, row.filled_u, row.reserved_u) == (OrderStatus.FILLED, 10 * MICRO, 0)
    assert (working(stand), trouble.creates(venue)) == (0, 1)
    await stand.books_equal()


@VENUES
@pytest.mark.parametrize("fault", [DROP, ERROR_500], ids=["connection lost", "error 500"])
async def test_an_order_that_may_have_arrived_keeps_its_money_and_is_not_sent_again(
    stand: Stand, trouble: Trouble, venue: Venue, fault: Disturbance
):
    market = await stand.market(venue)
    trouble.before_ops[venue, "create"] = fault
    command = await stand.submit(market)
    for _ in range(2):
        await every_account(stand.engine.catch_ups, CatchUp.orders)
    await stand.engine.ledger.settled()
    row = await stand.row(command)
    assert (row.status, row.is_unknown, row.reserved_u) == (OrderStatus.CLAIMED, True, row.max_cost_u)
    assert command.decision_id in stand.engine.session.desk.intents.working
    assert trouble.creates(venue) == 1
    assert (await stand.venue_books()).orders == {}


@VENUES
async def test_a_book_that_is_lost_between_the_claim_and_the_wire_keeps_the_order_here(
    stand: Stand, trouble: Trouble, venue: Venue
):
    market = await stand.market(venue)
    install(lambda point: market.book.clear() if point == "P3.stored" else None)
    try:
        command = await stand.submit(market)
    finally:
        install(None)
    row = await stand.row(command)
    assert (row.status, row.reason_code, row.reserved_u) == (OrderStatus.DENIED, "book_unusable", 0)
    assert trouble.creates(venue) == 0


@VENUES
async def test_a_refused_order_is_over_at_once(stand: Stand, trouble: Trouble, venue: Venue):
    market = await stand.market(venue)
    command = await stand.submit(market, price_u=CHEAP_U, qty_u=100 * MICRO, time_in_force=TimeInForce.FOK)
    row = await stand.row(command)
    assert row.status in (OrderStatus.REJECTED, OrderStatus.CANCELED)
    assert (row.reserved_u, working(stand), trouble.creates(venue)) == (0, 0, 1)


@VENUES
async def test_an_order_without_a_connection_was_not_sent(stand: Stand, trouble: Trouble, venue: Venue):
    market = await stand.market(venue)
    await stand.simulator.stop()
    command = await stand.submit(market, price_u=CHEAP_U)
    row = await stand.row(command)
    assert (row.status, row.reserved_u, trouble.creates(venue)) == (OrderStatus.DENIED, 0, 0)
    assert working(stand) == 0


async def test_an_order_beyond_a_limit_is_denied_with_its_reason_and_never_sent(stand: Stand, trouble: Trouble):
    market = await stand.market(Venue.KALSHI)
    command = await stand.submit(market, price_u=900_000, qty_u=100_000 * MICRO)
    row = await stand.row(command)
    assert (row.status, row.reserved_u, trouble.creates(Venue.KALSHI)) == (OrderStatus.DENIED, 0, 0)
    assert row.reason_code and working(stand) == 0


async def test_while_the_database_is_away_nothing_is_sent(stand: Stand, trouble: Trouble):
    market = await stand.market(Venue.KALSHI)
    async with stand.database_locked():
        command = await stand.submit(market)
        assert (working(stand), trouble.creates(Venue.KALSHI)) == (0, 0)
    second = await stand.submit(market)
    await stand.until_row(second, OrderStatus.FILLED)
    books = await stand.books_equal()
    assert (len(books.orders), await stand.database.call(count_orders, command.decision_id)) == (1, 0)


@VENUES
async def test_an_answer_that_comes_while_the_database_is_away_is_written_when_it_is_back(
    stand: Stand, trouble: Trouble, venue: Venue
):
    market = await stand.market(venue)
    trouble.after_ops[venue, "create"] = Disturbance(delay_ms=300)
    sending = asyncio.create_task(
        stand.submit(market, price_u=CHEAP_U, qty_u=100 * MICRO, time_in_force=TimeInForce.FOK)
    )
    await stand.until(lambda: trouble.creates(venue) == 1)
    async with stand.database_locked():
        await asyncio.sleep(0.5)
        assert not sending.done()
    command = await sending
    row = await stand.row(command)
    assert row.status in (OrderStatus.REJECTED, OrderStatus.CANCELED)  # whether the answer or a report was first
    assert (row.reserved_u, working(stand), trouble.creates(venue)) == (0, 0, 1)


async def test_an_order_that_was_claimed_and_never_prepared_is_closed_as_not_sent(stand: Stand, trouble: Trouble):
    market = await stand.market(Venue.KALSHI)
    claimed = await stand.claim_only(market)
    assert (await stand.row(claimed)).status == OrderStatus.CLAIMED
    await every_account(stand.engine.catch_ups, CatchUp.orders)
    row = await stand.row(claimed)
    assert (row.status, row.reserved_u, trouble.creates(Venue.KALSHI)) == (OrderStatus.DENIED, 0, 0)


def count_orders(decision_id: str) -> int:
    return Order.objects.filter(decision_id=decision_id).count()


async def test_an_order_whose_claim_had_to_wait_for_long_is_not_sent_on_an_old_decision(stand: Stand, trouble: Trouble):
    """The price was right when it was decided; nobody looked at it since."""
    market, is_free = await stand.market(Venue.KALSHI), threading.Event()
    busy = asyncio.create_task(stand.engine.on_ledger(is_free.wait))
    began_s = time.monotonic()
    placing = asyncio.create_task(stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC))
    await stand.until(lambda: time.monotonic() - began_s > DECIDED_WITHIN_S)
    is_free.set()
    await busy
    row = await stand.row(await placing)
    assert (row.status, row.reason_code, row.reserved_u) == (OrderStatus.DENIED, "send_deadline", 0)
    assert trouble.creates(Venue.KALSHI) == 0


async def test_an_order_that_was_held_up_between_its_claim_and_the_wire_is_not_sent(stand: Stand, trouble: Trouble):
    market = await stand.market(Venue.KALSHI)
    with swapped(executor, "SEND_WITHIN_S", 0.0):
        row = await stand.row(await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC))
    assert (row.status, row.reason_code, row.reserved_u) == (OrderStatus.DENIED, "send_deadline", 0)
    assert trouble.creates(Venue.KALSHI) == 0
