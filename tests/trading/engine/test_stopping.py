"""An emergency stop at the venues: off the book, proven by the venue's own list, written down; by trader or guard."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db.backends.signals import connection_created

from risk.models import HaltScope, HaltState, KillSwitchPart
from risk.services import halt_set
from tests.swapped import swapped
from tests.trading.engine.stand import PATIENCE_S, Stand
from tests.trading.engine.test_reconciling import place_behind_our_back
from tests.trading.engine.trouble import DROP, Trouble
from trading.domain.commands import SubmitOrder
from trading.engine.database import DatabaseThread
from trading.engine.guard_cancel import GuardCanceller
from trading.engine.permit import KILL_FILE
from trading.engine.stopper import Stopper
from trading.models import Order, OrderStatus, Position, TraderStatus
from trading.services.trader import trader_stop
from venues.polymarket import gateway
from venues.registry import simulated_endpoints
from venues.simulator.faults import Disturbance
from venues.types import OrderState, Side, TimeInForce, Venue

REFUSED = Disturbance(status=503, body=b'{"error":"Trading is currently disabled"}')
CHEAP_U = 20_000
PACE = 30.0


async def resting(stand: Stand, venue: Venue, count: int = 1) -> list[SubmitOrder]:
    """Orders that rest at the venue. A machine too busy to send one within its two seconds gets another try."""
    commands: list[SubmitOrder] = []
    for _ in range(20 * count):
        market = await stand.market(venue)
        price_u = CHEAP_U + 10_000 * len(commands)
        command = await stand.submit(market, price_u=price_u, time_in_force=TimeInForce.GTC)
        row = await stand.until_row(command, OrderStatus.OPEN, OrderStatus.DENIED)
        if row.status == OrderStatus.OPEN:
            commands.append(command)
        if len(commands) == count:
            return commands
    raise AssertionError("no order was ever sent in time")


async def halt(stand: Stand, scope: HaltScope = HaltScope.GLOBAL, key: str = "", *, flatten: bool = False):
    return await stand.database.call(
        halt_set,
        scope=scope,
        scope_key=key,
        state=HaltState.HALTED,
        code="manual",
        reason="drill",
        actor="op",
        flatten=flatten,
    )


async def parts(stand: Stand) -> list[KillSwitchPart]:
    return await stand.database.call(_parts)


def _parts() -> list[KillSwitchPart]:
    return list(KillSwitchPart.objects.select_related("event", "venue_account").order_by("venue_account_id"))


async def proven(stand: Stand, count: int) -> list[KillSwitchPart]:
    deadline = time.monotonic() + PATIENCE_S
    while len(seen := await parts(stand)) < count or any(part.proven_gone_at is None for part in seen):
        assert time.monotonic() < deadline, [part.stuck for part in seen]
        await asyncio.sleep(0.05)
    return seen


async def test_a_halt_of_everything_takes_all_orders_off_both_venues_and_proves_it(stand: Stand, trouble: Trouble):
    commands = [*await resting(stand, Venue.KALSHI, 3), *await resting(stand, Venue.POLYMARKET)]
    await halt(stand)
    kalshi, polymarket = await proven(stand, 2)
    assert (kalshi.orders_open, polymarket.orders_open) == (3, 1)
    assert {kalshi.proven_by, polymarket.proven_by} == {"trader"}
    assert kalshi.first_cancel_at >= kalshi.event.started_at and kalshi.proven_gone_at > kalshi.first_cancel_at
    assert kalshi.stuck == [] and len(kalshi.orders) == 3
    await stand.until_status(TraderStatus.PAUSED)
    for command in commands:
        await stand.until_row(command, OrderStatus.CANCELED)
    denied = await stand.submit(await stand.market(Venue.KALSHI))
    assert ((await stand.row(denied)).reason_code, trouble.creates(Venue.KALSHI)) == ("halted", 3)
    await stand.books_equal()


@pytest.mark.parametrize("venue", list(Venue))
async def test_a_stop_takes_off_what_our_books_had_given_up_and_the_venue_lists(stand: Stand, venue: Venue):
    """Whatever our rows believe of an order of ours: while the venue lists it, a stop is not over."""
    await resting(stand, venue)
    await stand.database.call(_give_up)
    await halt(stand, HaltScope.VENUE, venue)
    [part] = await proven(stand, 1)
    assert (part.cancels_sent >= 1, part.left_alone, part.event.scope) == (True, 0, "venue")
    books = await stand.venue_books()
    assert {status for status, _ in books.orders.values()} <= {"canceled", "gone"} and books.orders


async def test_a_stop_takes_off_what_only_the_venue_knows_to_be_ours_and_leaves_what_people_placed_by_hand(
    stand: Stand,
):
    for name in ("cs1-lost", "by-hand"):
        await place_behind_our_back(stand, name, Side.BUY)
    await halt(stand, HaltScope.VENUE, "kalshi")
    stops = await proven(stand, 1)  # the orphan stops its account, too, once it is found
    assert sum(part.cancels_sent for part in stops) >= 1 and {part.left_alone for part in stops} == {1}
    account = next(one for one in stand.engine.desk.accounts.values() if one.row.venue == Venue.KALSHI)
    assert [order.client_order_id for order in await account.reader.open_orders()] == ["by-hand"]


def _give_up() -> None:
    """As if an end had been believed too early."""
    assert Order.objects.filter(status=OrderStatus.OPEN).update(status=OrderStatus.CANCELED, reserved_u=0) == 1


async def test_a_stop_waits_for_nothing_that_the_ledger_is_busy_with(stand: Stand, trouble: Trouble):
    await resting(stand, Venue.KALSHI)
    is_free = threading.Event()
    busy = asyncio.create_task(stand.engine.on_ledger(is_free.wait))
    await halt(stand)
    await stand.until(lambda: trouble.answered["kalshi", "cancel_all"] == 1)
    assert not busy.done() and not is_free.is_set()
    is_free.set()
    await busy
    (part, _) = await proven(stand, 2)
    assert (part.orders_open, part.cancels_sent >= 1) == (1, True)


async def test_a_venue_that_does_not_answer_holds_up_no_stop_at_another(stand: Stand, trouble: Trouble):
    await resting(stand, Venue.POLYMARKET)
    await resting(stand, Venue.KALSHI)
    trouble.before_ops["polymarket", "cancel_all"] = Disturbance(swallow=True)
    with swapped(gateway, "_ORDER_DEADLINE_S", PATIENCE_S):
        await halt(stand, HaltScope.VENUE, "polymarket")
        await stand.until(lambda: trouble.asked["polymarket", "cancel_all"] == 1)
        await halt(stand, HaltScope.VENUE, "kalshi")
        deadline = time.monotonic() + PATIENCE_S
        while not (seen := {part.venue_account.venue: part for part in await parts(stand)}).get("kalshi"):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    assert seen["polymarket"].cancels_sent == 0, "its answer is waited for still"


async def test_a_cancel_that_is_refused_is_asked_again_until_it_is_taken(stand: Stand, trouble: Trouble):
    await resting(stand, Venue.KALSHI)
    for op in ("cancel", "cancel_all"):
        trouble.before_ops["kalshi", op] = REFUSED
    await halt(stand, HaltScope.VENUE, "kalshi")
    await stand.until(lambda: trouble.asked["kalshi", "cancel"] >= 2)
    (part,) = await parts(stand)
    assert part.proven_gone_at is None and part.cancels_sent >= 2
    trouble.before_ops.clear()
    (part,) = await proven(stand, 1)
    assert part.stuck == []


async def test_a_stop_leaves_a_key_that_the_venue_refuses_alone_for_a_while_and_tries_another_at_once(
    stand: Stand, trouble: Trouble, tmp_path: Path
):
    await resting(stand, Venue.KALSHI)
    await stand.kill_engine()
    await halt(stand, HaltScope.VENUE, "kalshi")
    guards = [
        GuardCanceller(data_dir=tmp_path, endpoints=simulated_endpoints(stand.simulator.ports.kalshi)) for _ in range(2)
    ]
    for guard in guards:
        await guard.open_doors(stand.database)
    doors = [next(door for door in guard.doors if door.row.venue == Venue.KALSHI) for guard in guards]
    stopper = Stopper(doors=lambda: doors[:1], database=stand.database, by="guard")
    trouble.before_ops["kalshi", "orders"] = Disturbance(status=401)
    assert await stopper.look()
    asked = trouble.asked["kalshi", "orders"]
    assert await stopper.look()
    assert trouble.asked["kalshi", "orders"] == asked
    trouble.before_ops.clear()
    doors.reverse()
    while await stopper.look():
        pass
    (part,) = await parts(stand)
    assert part.proven_gone_at is not None
    for guard in guards:
        await guard.aclose()


async def test_a_narrow_halt_leaves_what_it_does_not_concern(stand: Stand):
    (ours,) = await resting(stand, Venue.KALSHI)
    (other,) = await resting(stand, Venue.POLYMARKET)
    await halt(stand, HaltScope.MARKET, ours.market_id)
    (part,) = await proven(stand, 1)
    await stand.until_row(ours, OrderStatus.CANCELED)
    assert part.orders_open == 1
    await stand.engine.follow_wishes()
    assert (await stand.row(other)).status == OrderStatus.OPEN
    assert stand.engine.session.desk.state_of(stand.engine.session.markets[ours.market_id]) == "halted"
    assert stand.engine.session.desk.state == "active"


async def test_a_narrow_stop_is_proven_though_its_last_order_is_over_in_our_books_before_that(
    stand: Stand, trouble: Trouble
):
    (ours,) = await resting(stand, Venue.KALSHI)
    trouble.before_ops["kalshi", "cancel"] = REFUSED
    await halt(stand, HaltScope.MARKET, ours.market_id)
    await stand.until(lambda: trouble.asked["kalshi", "cancel"] >= 2)
    trouble.before_ops.clear()
    await stand.until_row(ours, OrderStatus.CANCELED)
    (part,) = await proven(stand, 1)
    assert part.stuck == []


async def test_an_order_without_an_answer_is_not_gone_until_the_venue_shows_it(stand: Stand, trouble: Trouble):
    await stand.market(Venue.KALSHI)
    trouble.before_ops["kalshi", "create"] = DROP
    trouble.is_deaf = True
    while trouble.creates(Venue.KALSHI) == 0:
        await stand.submit(await stand.market(Venue.KALSHI), price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await halt(stand, HaltScope.VENUE, "kalshi")
    await stand.until(lambda: trouble.asked["kalshi", "orders"] >= 4)
    deadline = time.monotonic() + PATIENCE_S
    while not (seen := await parts(stand)) or not seen[0].stuck:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert seen[0].proven_gone_at is None
    assert seen[0].stuck[0]["why"] == "its send has no answer yet"


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_a_halt_that_says_so_sells_what_is_held_and_counts_it_also_where_the_user_has_stopped(
    stand: Stand, is_wanted: bool
):
    held = await stand.submit(await stand.market(Venue.KALSHI))
    while (await stand.until_over(held)).status != OrderStatus.FILLED:
        held = await stand.submit(await stand.market(Venue.KALSHI))
    await stand.until(lambda: bool(stand.engine.session.desk.portfolio.holdings))
    if not is_wanted:
        await stand.database.call(partial(trader_stop, user=stand.user, actor="ann"))
    await halt(stand, HaltScope.VENUE, "kalshi", flatten=True)
    deadline = time.monotonic() + PATIENCE_S
    while not (seen := await parts(stand)) or seen[0].flat_at is None:
        assert time.monotonic() < deadline, [part.stuck for part in seen]
        await asyncio.sleep(0.05)
    assert (seen[0].positions_open, seen[0].positions_closed) == (1, 1)
    assert seen[0].pnl_u == await stand.database.call(_realized_u) != 0
    await stand.books_equal()


def _realized_u() -> int:
    return sum(Position.objects.values_list("realized_u", flat=True))


@contextmanager
def guarded(stand: Stand, folder: Path) -> Iterator[None]:
    """The guard's own canceller beside the test, as a thread."""
    canceller = GuardCanceller(data_dir=folder, endpoints=simulated_endpoints(stand.simulator.ports.kalshi))
    asked_to_stop = threading.Event()
    thread = threading.Thread(target=canceller.run, args=(asked_to_stop,))
    thread.start()
    try:
        yield
    finally:
        asked_to_stop.set()
        thread.join()


async def test_the_guard_takes_off_what_a_dead_trader_left(stand: Stand, tmp_path: Path):
    await resting(stand, Venue.KALSHI, 2)
    await resting(stand, Venue.POLYMARKET)
    await stand.kill_engine()
    await halt(stand)
    with guarded(stand, tmp_path):
        kalshi, polymarket = await proven(stand, 2)
    assert (kalshi.orders_open, kalshi.proven_by, polymarket.proven_by) == (2, "guard", "guard")
    assert at_rest(stand) == 0


@contextmanager
def losing_its_database_once(reading: str) -> Iterator[list[str]]:
    """The guard's next statement that names `reading` finds its connection gone. Yields the lost statements."""
    lost: list[str] = []

    def lose(execute: Any, sql: str, *rest: Any) -> Any:
        if not lost and reading in sql:
            lost.append(sql)
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, *rest)

    def on_created(connection: Any, **_: Any) -> None:
        if threading.current_thread().name.startswith("guard_"):
            connection.execute_wrappers.append(lose)

    connection_created.connect(on_created)
    try:
        yield lost
    finally:
        connection_created.disconnect(on_created)


async def test_a_connection_that_is_lost_once_costs_the_guard_one_look_and_not_its_office(stand: Stand, tmp_path: Path):
    await resting(stand, Venue.KALSHI)
    await stand.kill_engine()
    await halt(stand)
    with losing_its_database_once("risk_killswitchpart") as lost, guarded(stand, tmp_path):
        await proven(stand, 2)
    assert lost and at_rest(stand) == 0


def at_rest(stand: Stand) -> int:
    """How many orders rest at the venues, by their own ledgers."""
    exchanges = stand.simulator.assembly.builder.exchanges.values()
    ledgers = [exchange.ledger(name) for exchange in exchanges for name in exchange.account_ids()]
    return sum(order.state is OrderState.RESTING for ledger in ledgers for order in ledger.orders)


async def test_with_a_kill_file_and_without_a_database_the_guard_cancels_all_it_knows(stand: Stand, tmp_path: Path):
    await resting(stand, Venue.KALSHI, 2)
    await resting(stand, Venue.POLYMARKET)
    await stand.kill_engine()
    canceller = GuardCanceller(data_dir=tmp_path, endpoints=simulated_endpoints(stand.simulator.ports.kalshi))
    database = DatabaseThread("unplugged")
    await canceller.open_doors(database)
    await database.call(_unplug)
    await canceller.look_blindly(database)
    assert at_rest(stand) == 3, "without a KILL file a missing database is no reason to touch anything"
    (tmp_path / KILL_FILE).touch()
    await canceller.look_blindly(database)
    assert at_rest(stand) == 0
    assert all(door.is_clear for door in canceller.doors)
    await canceller.aclose()
    await database.close()


def _unplug() -> None:
    """From now on this thread finds no database."""
    connection = connections["default"]
    connection.close()
    connection.settings_dict = {**connection.settings_dict, "NAME": "/nowhere/none", "HOST": "127.0.0.1", "PORT": "1"}
