"""A database that forgets to answer, may only be read, or is full: nothing is sent twice, nothing is sent at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.signals import connection_created

from tests.swapped import swapped
from tests.trading.engine.stand import Stand
from tests.trading.engine.trouble import Trouble
from trading.domain.commands import CancelOrder
from trading.engine import guard_cancel
from trading.engine.catchup import CatchUp, every_account
from trading.engine.database import DatabaseThread
from trading.engine.guard_cancel import GuardCanceller
from trading.models import Fill, Order, OrderEvent, OrderStatus
from trading.services.guard import KILL_FILE, guard_look
from venues.registry import simulated_endpoints
from venues.types import TimeInForce, Venue

CHEAP_U = 20_000
PACE = 30.0
IS_SQLITE = connection.vendor == "sqlite"


@contextmanager
def forgotten(stand: Stand, write: str) -> Iterator[list[str]]:
    """The next commit of this write is done and its answer lost on the way. What is yielded is empty once it was."""
    database, due = stand.engine._ledger_database, [write]
    really = database.call

    async def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        result = await really(function, *args, **kwargs)
        if due and function.__name__ == due[0]:
            due.clear()
            raise OperationalError("the connection was lost at the commit")
        return result

    with swapped(database, "call", call):
        yield due


@pytest.mark.parametrize("write", ["order_claim", "order_prepare_store"])
async def test_an_order_whose_claim_is_not_known_to_be_written_is_never_sent(
    stand: Stand, trouble: Trouble, write: str
):
    market = await stand.market(Venue.KALSHI)
    with forgotten(stand, write) as due:
        command = await stand.submit(market)
        assert due == []
    assert command.decision_id not in stand.engine.session.desk.intents.working
    await every_account(stand.engine.catch_ups, CatchUp.orders)
    row = await stand.until_over(command)
    assert (row.status, row.reserved_u, trouble.creates(Venue.KALSHI)) == (OrderStatus.DENIED, 0, 0)
    again = await stand.submit(market)
    await stand.until_over(again)
    await stand.books_equal()


@pytest.mark.parametrize("write", ["order_acknowledge", "fill_book"])
async def test_an_answer_or_a_fill_that_was_written_without_our_knowing_is_written_once(
    stand: Stand, trouble: Trouble, write: str
):
    market = await stand.market(Venue.KALSHI)
    with forgotten(stand, write) as due:
        command = await stand.submit(market)
        row = await stand.until_row(command, OrderStatus.FILLED)
        await stand.until(lambda: due == [])
        await stand.engine.ledger.settled()
    facts = await stand.database.call(written, row)
    assert facts["acknowledged"] >= 1 and facts["fills"] == facts["filled"] > 0
    assert trouble.creates(Venue.KALSHI) == 1
    await stand.books_equal()


def written(order: Order) -> dict[str, int]:
    kinds = list(OrderEvent.objects.filter(order=order).values_list("kind", flat=True))
    fills = Fill.objects.filter(order=order).count()
    return {"acknowledged": kinds.count("acknowledged"), "filled": kinds.count("filled"), "fills": fills}


def only_to_be_read(on: Any) -> None:
    on.execute("PRAGMA query_only = ON" if IS_SQLITE else "SET default_transaction_read_only = on")


def full(on: Any) -> None:
    on.execute("PRAGMA page_count")
    on.execute(f"PRAGMA max_page_count = {on.fetchone()[0]}")


def well(on: Any) -> None:
    if IS_SQLITE:
        on.execute("PRAGMA query_only = OFF")
        on.execute("PRAGMA max_page_count = 1000000")
    else:
        on.execute("SET default_transaction_read_only = off")


@asynccontextmanager
async def every_connection(stand: Stand, how: Callable[[Any], None]) -> AsyncIterator[None]:
    """The ledger's connection, and all that are opened from now on."""

    def opened(connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            how(cursor)

    connection_created.connect(opened)
    try:
        await stand.engine.on_ledger(with_cursor, how)
        yield
    finally:
        connection_created.disconnect(opened)
        await stand.engine.on_ledger(with_cursor, well)


def with_cursor(change: Callable[[Any], None]) -> None:
    with connection.cursor() as cursor:
        change(cursor)


@pytest.mark.parametrize("is_lost", [True, False])
async def test_an_engine_that_ends_without_a_database_closes_its_doors_all_the_same(stand: Stand, is_lost: bool):
    """As one does whose lease could not be renewed, and one that is told to end."""
    engine = stand.engine
    for database in engine.databases:
        await database.call(with_cursor, only_to_be_read)
    if is_lost:
        engine.ended.set()
    await stand.stop_engine()
    assert not [one.name for one in threading.enumerate() if one.name.startswith(("ledger", "journal", "stops"))]


@pytest.mark.parametrize("how", [only_to_be_read, full] if IS_SQLITE else [only_to_be_read])
async def test_on_a_database_that_takes_no_writes_nothing_is_sent_and_cancels_go_out(
    stand: Stand, trouble: Trouble, how: Callable[[Any], None]
):
    market = await stand.market(Venue.KALSHI)
    resting = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await stand.until_row(resting, OrderStatus.OPEN)
    denied = []
    async with every_connection(stand, how):
        for nth in range(2, 12):
            denied.append(await stand.submit(market, price_u=CHEAP_U * nth, time_in_force=TimeInForce.GTC))
        cancel = CancelOrder(decision_id=resting.decision_id, market_id=resting.market_id, reason="test")
        await stand.engine.executor.cancel(cancel)
        assert (trouble.creates(Venue.KALSHI), trouble.answered["kalshi", "cancel"]) == (1, 1)
        working = stand.engine.session.desk.intents.working
        assert not [command for command in denied if command.decision_id in working]
    await stand.until_row(resting, OrderStatus.CANCELED)
    await stand.books_equal()


async def test_beside_a_kill_file_a_database_that_does_not_take_its_halt_is_none(stand: Stand, tmp_path: Path):
    market = await stand.market(Venue.KALSHI)
    resting = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await stand.until_row(resting, OrderStatus.OPEN)
    account = next(one for one in stand.engine.desk.accounts.values() if one.row.venue == Venue.KALSHI)
    guard = GuardCanceller(data_dir=tmp_path, endpoints=simulated_endpoints(stand.simulator.ports.kalshi))
    await guard.open_doors(stand.database)
    (tmp_path / KILL_FILE).touch()
    await guard.look_blindly(stand.database)
    assert len(await account.reader.open_orders()) == 1, "there is time to write it down"
    with swapped(guard_cancel, "WRITTEN_WITHIN_S", 0.0):
        await guard.look_blindly(stand.database)
        assert await account.reader.open_orders() == []
        assert [door.is_clear for door in guard.doors] == [True, True]
        await stand.database.call(guard_look, data_dir=tmp_path)
        await guard.look_blindly(stand.database)
        assert [door.is_clear for door in guard.doors] == [False, False], "it is written: the receipt tells the rest"
    await guard.aclose()


@pytest.mark.skipif(IS_SQLITE, reason="nothing keeps a reader waiting there")
async def test_beside_a_kill_file_a_database_that_never_says_whether_it_took_the_halt_is_none(
    stand: Stand, tmp_path: Path
):
    """A table that is being migrated, or a server that froze between two questions."""
    market = await stand.market(Venue.KALSHI)
    resting = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await stand.until_row(resting, OrderStatus.OPEN)
    account = next(one for one in stand.engine.desk.accounts.values() if one.row.venue == Venue.KALSHI)
    guard = GuardCanceller(data_dir=tmp_path, endpoints=simulated_endpoints(stand.simulator.ports.kalshi))
    await guard.open_doors(stand.database)
    (tmp_path / KILL_FILE).touch()
    holder, blind = DatabaseThread("holder"), DatabaseThread("blind")
    locked, done = threading.Event(), threading.Event()
    holding = asyncio.create_task(holder.call(hold_halts, locked, done))
    await asyncio.to_thread(locked.wait)
    try:
        with swapped(guard_cancel, "WRITTEN_WITHIN_S", 0.0):
            async with asyncio.timeout(20.0):
                await guard.look_blindly(blind)
        assert await account.reader.open_orders() == []
    finally:
        done.set()
        await holding
        for database in (holder, blind):
            await database.close()
        await guard.aclose()


def hold_halts(locked: threading.Event, done: threading.Event) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("LOCK TABLE risk_tradinghalt IN ACCESS EXCLUSIVE MODE")
        locked.set()
        done.wait()
