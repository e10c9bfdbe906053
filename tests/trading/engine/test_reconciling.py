"""Against a simulated venue: what is there and not here, here and not there, and money that somebody moved."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from core import clock
from risk.selectors import effective_state, scopes_of
from tests.trading.engine.stand import IDLE, Stand, standing
from tests.trading.engine.trouble import ERROR_500, Trouble
from trading.models import Finding, Order, OrderEvent, OrderStatus, OrphanedOrder, ReconciliationRun, RunTrigger
from trading.selectors.our_books import RECENT
from trading.selectors.reconciliation import last_run
from trading.services.orphans import orphan_adopt, orphan_close_ask
from venues.ports import OrderRequest
from venues.simulator.faults import FaultPlan
from venues.types import MICRO, Outcome, Side, TimeInForce, Venue

CHEAP_U = 20_000


def a_stand(folder: Path, faults: FaultPlan | None = None) -> Any:
    return standing(folder, settings=IDLE, faults=faults, seed=7, speed=30.0, games=2)


async def test_orders_nobody_here_knows_wait_for_a_person_and_a_strangers_order_is_only_counted(
    shared_database: None, tmp_path: Path
):
    async with a_stand(tmp_path) as stand:
        await stand.start_engine()
        await place_behind_our_back(stand, "cs1-lost-one", Side.BUY)
        await place_behind_our_back(stand, "cs1-lost-two", Side.BUY)
        await place_behind_our_back(stand, "by-hand", Side.BUY)
        await stand.stop_engine()
        await stand.start_engine()
        facts = await stand.database.call(found)
        assert facts == {"orphans": ["cs1-lost-one", "cs1-lost-two"], "external": ["by-hand"], "state": "halted"}
        await stand.database.call(decide)
        halted = await stand.market(Venue.KALSHI)
        await stand.until(lambda: stand.engine.session.desk.state_of(halted) == "halted")
        assert stand.engine.session.desk.state == "active"
        await stand.engine.reconcilers.close_wanted()
        await stand.engine.ledger.settled()
        facts = await compared_until_armed(stand)
        assert facts == {"orphans": [], "external": ["by-hand"], "state": "active"}
        assert await stand.database.call(statuses) == {"cs1-lost-one": "adopted", "cs1-lost-two": "closed"}
        books = await stand.our_books()
        assert not books.differences(await stand.venue_books(), but_for="orders")


async def compared_until_armed(stand: Any) -> dict[str, Any]:
    """A halt is lifted by the first clean comparison after its stop is proven: one of the next few."""
    deadline = asyncio.get_running_loop().time() + 60.0
    while True:
        await stand.engine.reconcilers.run(RunTrigger.PERIODIC)
        facts: dict[str, Any] = await stand.database.call(found)
        if facts["state"] == "active" or asyncio.get_running_loop().time() > deadline:
            return facts
        await asyncio.sleep(0.2)


async def test_an_order_open_here_that_the_venue_does_not_have_ends_by_evidence_and_is_told(
    shared_database: None, tmp_path: Path
):
    async with a_stand(tmp_path) as stand:
        await stand.start_engine()
        market = await stand.market(Venue.POLYMARKET)
        resting = await stand.submit(market, price_u=CHEAP_U, qty_u=100 * MICRO, time_in_force=TimeInForce.GTC)
        order = await stand.until_row(resting, OrderStatus.OPEN)
        await stand.kill_engine()
        parts = stand.simulator.assembly
        parts.polymarket.cancel(parts.polymarket.account_ids()[0], order.venue_order_id, parts.now_ms())
        await until_old_enough(stand, order)
        await stand.start_engine()
        assert (await stand.row(resting)).status == OrderStatus.CANCELED
        assert await stand.database.call(findings) == [("ghost", "resolved")]


async def test_money_moved_at_the_venue_is_found_by_the_command_and_becomes_an_entry_of_its_own(
    shared_database: None, tmp_path: Path
):
    async with a_stand(tmp_path) as stand:
        await stand.start_engine()
        await stand.stop_engine()
        exchange = stand.simulator.assembly.kalshi
        exchange.deposit(exchange.account_ids()[0], 7_000_100, now_ms=stand.simulator.assembly.now_ms())
        codes = []
        for _ in range(3):
            code, told = await stand.database.call(command, stand.simulator.ports.kalshi)
            codes.append(code)
        assert codes == [1, 0, 0], told
        assert await stand.database.call(findings) == [("cash", "booked")]
        assert not (await stand.our_books()).differences(await stand.venue_books())


async def test_a_read_that_fails_in_the_middle_of_a_cycle_is_no_answer(shared_database: None, tmp_path: Path):
    trouble = Trouble()
    async with a_stand(tmp_path, trouble) as stand:
        await stand.start_engine()
        await stand.until_over(await stand.submit(await stand.market(Venue.KALSHI)))
        before = await stand.books_equal()
        trouble.before_ops[Venue.KALSHI.value, "positions"] = ERROR_500
        await stand.engine.reconcilers.run(RunTrigger.PERIODIC, venue=Venue.KALSHI)
        assert await stand.database.call(last_outcome) == "failed"
        assert await stand.database.call(findings) == []
        assert not (await stand.our_books()).differences(before)


async def place_behind_our_back(stand: Stand, name: str, side: Side) -> None:
    """At the venue with our own key, and no row anywhere."""
    market = await stand.market(Venue.KALSHI)
    account = next(one for one in stand.engine.desk.accounts.values() if one.row.venue == Venue.KALSHI)
    assert market.listing is not None
    request = OrderRequest(
        client_order_id=name, market=market.listing, side=side, outcome=Outcome.YES, price_u=CHEAP_U,
        qty_u=5 * MICRO, time_in_force=TimeInForce.GTC, created_ms=stand.engine.clock.now_ms(),
    )  # fmt: skip
    await account.gateway.place(account.gateway.prepare(request))


async def until_old_enough(stand: Stand, order: Order) -> None:
    """A comparison leaves alone what happened a moment ago; the first one after a start shall judge this order."""
    moment = await stand.database.call(last_event_at, order)
    await stand.until(lambda: clock.now() - moment > RECENT)


def last_event_at(order: Order) -> datetime:
    return OrderEvent.objects.filter(order=order).latest("created_at").created_at


def found() -> dict[str, Any]:
    waiting = OrphanedOrder.objects.filter(state__in=["open", "closing"]).order_by("client_order_id")
    run = ReconciliationRun.objects.select_related("venue_account__user").filter(venue_account__venue="kalshi").first()
    assert run is not None
    return {
        "orphans": [row.client_order_id for row in waiting],
        "external": [row.client_order_id for row in Order.objects.filter(is_external=True)],
        "state": str(effective_state(scopes_of(run.venue_account)).state),
    }


def decide() -> None:
    one, two = OrphanedOrder.objects.order_by("client_order_id")
    orphan_adopt(orphan=one, reason="the database was restored", actor="op")
    orphan_close_ask(orphan=two, reason="not wanted any more", actor="op")


def statuses() -> dict[str, str]:
    return dict(OrphanedOrder.objects.values_list("client_order_id", "state"))


def findings() -> list[tuple[str, str]]:
    return list(Finding.objects.order_by("id").values_list("kind", "state"))


def last_outcome() -> str:
    run = ReconciliationRun.objects.select_related("venue_account__user").filter(venue_account__venue="kalshi").first()
    assert run is not None and last_run(run.venue_account) == run
    return run.outcome


def command(port: int) -> tuple[int, list[dict[str, Any]]]:
    """As typed by a person, in a process that has no trader."""
    out = StringIO()
    with override_settings(SIMULATOR_PORT=port), pytest.raises(SystemExit) as ended:
        call_command("reconcile", "--json", stdout=out)
    return int(ended.value.code or 0), [json.loads(line) for line in out.getvalue().splitlines()]
