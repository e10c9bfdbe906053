"""A trader that stopped, or was killed, goes on from its rows: nothing lost, nothing doubled, nothing sent twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.kill_points import install
from tests.trading.engine.stand import IDLE, Stand, standing
from tests.trading.engine.trouble import Trouble
from trading.domain.market_view import MarketView
from trading.models import Order, OrderStatus
from venues.simulator.exchange_types import NewOrder
from venues.simulator.flow.quoted import TAKER
from venues.types import MICRO, Outcome, Side, TimeInForce, Venue

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
    async with standing(tmp_path, faults=trouble, seed=7, speed=60.0, games=10) as stand:
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
