"""A trader that stopped, or was killed, goes on from its rows: nothing lost, nothing doubled, nothing sent twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.kill_points import install
from risk.models import AccountLimits
from tests.trading.engine.by_hand import command_of
from tests.trading.engine.stand import IDLE, Stand, standing
from tests.trading.engine.trouble import ERROR_500, Trouble
from trading.domain.commands import SubmitOrder
from trading.domain.market_view import MarketView
from trading.engine.catchup import CatchUp, every_account
from trading.models import Order, OrderEvent, OrderStatus
from venues.simulator.exchange_types import NewOrder
from venues.simulator.faults import Disturbance
from venues.simulator.flow.quoted import TAKER
from venues.types import MICRO, Outcome, Side, TimeInForce, Venue

CHEAP_U = 20_000
KILLED_AT = ("P4.before_send", "P6.answered", "P8.report_taken", "P9.after_insert")
"""With an order about to leave, answered and not written down, told of, and half booked."""


async def test_a_clean_restart_goes_on_with_the_same_positions_and_money(shared_database: None, tmp_path: Path):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        for venue in Venue:
            await stand.submit(await stand.market(venue), qty_u=6 * MICRO)
        before = await stand.books_equal()
        known = stand.engine.session.export()
        await stand.stop_engine()
        await stand.start_engine()
        again = stand.engine.session.export()
        assert (again.positions, again.closed_trades, again.booked_fills) == (
            known.positions,
            known.closed_trades,
            known.booked_fills,
        )
        await stand.clock(paused=False)
        await stand.submit(await stand.market(Venue.KALSHI), side=Side.SELL, qty_u=6 * MICRO)
        after = await stand.books_equal()
    assert before.fills.keys() < after.fills.keys()


async def test_killed_again_and_again_while_trading_it_never_loses_or_doubles_an_order(
    shared_database: None, tmp_path: Path
):
    trouble = Trouble()
    async with standing(tmp_path, faults=trouble, seed=7, speed=30.0, games=10) as stand:
        await stand.start_engine()
        for point in KILLED_AT:
            fills = stand.engine.ledger.fills_booked
            await stand.until(lambda fills=fills: stand.engine.ledger.fills_booked > fills)
            await passes(stand, point)
            await stand.kill_engine()
            await stand.start_engine()
        await stand.clock(paused=True)
        books = await stand.books_equal()
        there = await stand.venue_books()
        arrived = arrivals(trouble)
        sent = await stand.database.call(orders_sent)
    assert len(books.fills) >= len(KILLED_AT) <= arrived
    assert len(there.orders) <= arrived <= sent


@pytest.mark.parametrize("venue", list(Venue))
async def test_what_was_filled_while_nobody_looked_is_booked_at_the_next_start(
    shared_database: None, tmp_path: Path, venue: Venue
):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=10.0, games=2) as stand:
        await stand.start_engine()
        market = await stand.market(venue)
        await stand.clock(paused=True)
        price_u = market.book.best_ask_u - 10_000
        command = await stand.submit(market, price_u=price_u, time_in_force=TimeInForce.GTC)
        await stand.until_row(command, OrderStatus.OPEN, OrderStatus.FILLED)
        await stand.kill_engine()
        somebody_sells(stand, market, price_u)
        await stand.start_engine()
        await stand.clock(paused=False)
        row = await stand.until_row(command, OrderStatus.FILLED)
        books = await stand.books_equal()
    assert row.filled_u == 10 * MICRO
    assert sum(books.positions.values()) == 10 * MICRO


@pytest.mark.parametrize("venue", list(Venue))
async def test_a_send_that_a_crash_cut_off_is_unknown_to_the_next_run_and_counts_against_its_limit(
    shared_database: None, tmp_path: Path, venue: Venue
):
    trouble = Trouble()
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=10.0, games=2) as stand:
        await stand.start_engine()
        market = await stand.market(venue)
        cut_off = await cut_off_in_its_send(stand, trouble, market)
        row = await stand.row(cut_off)
        assert (row.status, row.sent_at is not None, row.is_unknown) == (OrderStatus.CLAIMED, True, False)
        await stand.start_engine()
        trouble.before_ops["kalshi", "balance"] = ERROR_500  # no read proves its absence meanwhile
        assert (await stand.row(cut_off)).is_unknown
        await stand.database.call(allow_one_unknown)
        second = await stand.row(await stand.submit(await stand.market(venue), price_u=CHEAP_U, qty_u=100 * MICRO))
        assert (second.status, second.reason_code) == (OrderStatus.DENIED, "unknown_orders")
        assert (await stand.row(cut_off)).reason_code == "answer_lost"


async def test_a_send_that_still_waits_for_its_answer_is_not_called_unknown(shared_database: None, tmp_path: Path):
    trouble = Trouble()
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=10.0, games=2) as stand:
        engine = await stand.start_engine()
        await stand.market(Venue.KALSHI)
        trouble.before_ops["kalshi", "create"] = Disturbance(delay_ms=1_500)
        command, sending = await sent_slowly(stand, trouble, await stand.market(Venue.KALSHI))
        await every_account(engine.catch_ups, CatchUp.unknown)
        assert not (await stand.row(command)).is_unknown
        await sending
        kinds = await stand.database.call(evidence_kinds, command.decision_id)
        assert "unknown" not in kinds and "acknowledged" in kinds


async def cut_off_in_its_send(stand: Stand, trouble: Trouble, market: MarketView) -> SubmitOrder:
    """The engine is killed while it waits for an answer to a request that the venue never took."""
    assert market.listing is not None
    trouble.before_ops[market.listing.venue.value, "create"] = Disturbance(swallow=True)
    command, sending = await sent_slowly(stand, trouble, market)
    sending.cancel()
    await stand.kill_engine()
    trouble.before_ops.clear()
    return command


async def sent_slowly(stand: Stand, trouble: Trouble, market: MarketView) -> tuple[SubmitOrder, asyncio.Task[None]]:
    """An order that has arrived and has no answer."""
    assert market.listing is not None
    venue = market.listing.venue
    terms = (Side.BUY, Outcome.YES, CHEAP_U, 100 * MICRO, TimeInForce.IOC)
    command, arrived = command_of(stand.engine, market, *terms), trouble.creates(venue)
    sending = asyncio.create_task(stand.engine.executor.submit(command))
    await stand.until(lambda: trouble.creates(venue) > arrived)
    return command, sending


def allow_one_unknown() -> None:
    AccountLimits.objects.update(max_unknown_market=1, max_unknown_account=1)


def evidence_kinds(decision_id: str) -> list[str]:
    return list(OrderEvent.objects.filter(order__decision_id=decision_id).values_list("kind", flat=True))


async def passes(stand: Stand, point: str) -> None:
    """The engine comes to this point, now or in a moment."""
    passed: list[str] = []
    install(passed.append)
    try:
        await stand.until(lambda: point in passed)
    finally:
        install(None)


def somebody_sells(stand: Stand, market: MarketView, price_u: int) -> None:
    """Enough to take every bid down to this price."""
    assert market.listing is not None
    exchange = stand.simulator.assembly.builder.exchanges[market.listing.venue]
    order = NewOrder(
        client_order_id="",
        native_id=market.listing.native_id,
        side=Side.SELL,
        outcome=Outcome.YES,
        price_u=price_u,
        qty_u=5_000_000 * MICRO,
        tif=TimeInForce.IOC,
    )
    exchange.submit(TAKER, order, stand.simulator.assembly.now_ms())


def arrivals(trouble: Trouble) -> int:
    return sum(trouble.creates(venue) for venue in Venue)


def orders_sent() -> int:
    return Order.objects.exclude(sent_at=None).count()
