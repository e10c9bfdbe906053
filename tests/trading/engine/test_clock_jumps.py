"""Somebody sets the wall clock by an hour under a running trader: nothing that is waited for notices (ORDERS T01)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import F

from accounts.models import VenueAccount
from core import clock
from risk.models import HaltScope, HaltState, TradingHalt
from risk.services import halt_set
from tests.builders import a_claimed_order, a_market, an_account, an_epoch
from tests.jumps import wall_clock_set
from tests.trading.engine.stand import IDLE, PATIENCE_S, Stand, standing
from tests.trading.engine.trouble import DROP, Trouble
from trading.domain.commands import CancelOrder
from trading.engine.clock import WallClock
from trading.models import Order, OrderStatus, RunTrigger, TraderLease, TraderStatus
from trading.selectors.reconciliation import last_clean_run
from trading.selectors.status import is_stale
from trading.selectors.stops import is_obeyed
from trading.services.guard import guard_look
from trading.services.pauses import AUTH, unknown_orders_alert
from trading.services.reconciliation import reconciliation_begin, reconciliation_end
from trading.services.reconciliation_halts import OVERDUE, reconciliation_overdue_pause
from trading.services.trader import trader_heartbeat
from venues.simulator.faults import Call, Disturbance
from venues.transport.socket import ReconnectingSocket
from venues.types import TimeInForce, Venue

HOUR_S = 3_600
CHEAP_U = 20_000


class Lossy(Trouble):
    """`loses_snapshots`: Kalshi sends whole books and they never arrive."""

    loses_snapshots = False

    def frame(self, call: Call) -> Disturbance | None:
        return DROP if self.loses_snapshots and call.op == "orderbook_snapshot" else super().frame(call)


@pytest.fixture
def trouble() -> Lossy:
    return Lossy()


@pytest.fixture
async def stand(shared_database: None, tmp_path: Path, trouble: Lossy) -> AsyncIterator[Stand]:
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=10.0, games=2) as stand:
        await stand.start_engine()
        yield stand


def stops(venue: Venue) -> list[str]:
    """What stops this venue's account, or everything."""
    (key,) = VenueAccount.objects.filter(venue=venue).values_list("uid", flat=True)
    rows = TradingHalt.objects.exclude(state=HaltState.ACTIVE).filter(scope_key__in=["", str(key)])
    return list(rows.values_list("code", flat=True))


@pytest.mark.parametrize("by_s", [30, -30])
async def test_a_running_trader_renews_trades_and_cancels_as_if_nothing_had_happened(stand: Stand, by_s: int):
    market = await stand.market(Venue.KALSHI)
    resting = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await stand.until_row(resting, OrderStatus.OPEN)
    await stand.clock(speed=1.0)
    engine, told_ms = stand.engine, stand.engine.clock.now_ms()
    held_until = {name: account.lease_until_s for name, account in engine.desk.accounts.items()}
    with wall_clock_set(by_s):
        await stand.until(
            lambda: all(one.lease_until_s > held_until[one.name] for one in engine.desk.accounts.values())
        )
        taking = await stand.submit(market)
        await stand.until_row(taking, OrderStatus.FILLED)
        assert 0 <= engine.clock.now_ms() - told_ms < 60_000
        assert (await stand.row(resting)).status == OrderStatus.OPEN
        await engine.watch.refresh()
        assert await stand.database.call(stops, Venue.KALSHI) == []
        cancel = CancelOrder(decision_id=resting.decision_id, market_id=resting.market_id, reason="test")
        await engine.executor.cancel(cancel)
        await stand.until_row(resting, OrderStatus.CANCELED)
    assert not engine.ended.is_set()
    await stand.books_equal()


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S])
async def test_after_an_hour_nothing_is_sent_before_the_books_were_compared_anew(
    stand: Stand, trouble: Lossy, by_s: int
):
    market = await stand.market(Venue.KALSHI)
    sent = trouble.creates(Venue.KALSHI)
    with wall_clock_set(by_s):
        await until_stopped(stand, Venue.KALSHI, OVERDUE)
        denied = await stand.row(await stand.submit(market))
        assert (denied.status, trouble.creates(Venue.KALSHI)) == (OrderStatus.DENIED, sent)
        await stand.engine.reconcilers.run(RunTrigger.CLI, venue=Venue.KALSHI)
        assert OVERDUE not in await stand.database.call(stops, Venue.KALSHI)
        await stand.engine.follow_wishes()
        await stand.until_row(await stand.submit(market), OrderStatus.FILLED)
    assert not stand.engine.ended.is_set()


async def test_a_venue_that_refuses_signatures_of_another_hour_pauses_its_account_and_gets_nothing(
    stand: Stand, trouble: Lossy
):
    """The simulated Polymarket keeps its own time, as the real one does."""
    market = await stand.market(Venue.POLYMARKET)
    sent = trouble.creates(Venue.POLYMARKET)
    with wall_clock_set(HOUR_S):
        await until_stopped(stand, Venue.POLYMARKET, AUTH)
        denied = await stand.row(await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC))
    assert (denied.status, trouble.creates(Venue.POLYMARKET)) == (OrderStatus.DENIED, sent)


async def until_stopped(stand: Stand, venue: Venue, code: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while code not in (told := await stand.database.call(stops, venue)):
        assert time.monotonic() < deadline, f"it is stopped by {told}, not by {code}"
        await asyncio.sleep(0.1)


async def test_a_book_whose_snapshot_was_lost_is_asked_for_again_after_the_clock_ran_back(stand: Stand, trouble: Lossy):
    market = await stand.market(Venue.KALSHI)
    await stand.clock(speed=1.0)
    (socket,) = stand.engine.desk.feeds[Venue.KALSHI].sockets  # type: ignore[attr-defined]
    trouble.loses_snapshots, before = True, socket.connections
    socket.drop("the test cuts it")
    await stand.until(lambda: socket.is_up and socket.connections > before and socket.frames_received > 0)
    assert not market.book.is_valid
    with wall_clock_set(-HOUR_S):
        trouble.loses_snapshots = False
        await stand.until(lambda: market.book.is_valid)


async def test_a_lease_that_the_databases_clock_has_run_past_ends_the_trader_before_it_sends_anything_more(
    stand: Stand, trouble: Lossy
):
    market = await stand.market(Venue.KALSHI)
    sent = trouble.creates(Venue.KALSHI)
    await stand.database.call(leases_set, -HOUR_S)
    await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    assert trouble.creates(Venue.KALSHI) == sent
    await stand.until(stand.engine.ended.is_set)


def leases_set(by_s: int) -> None:
    """As it looks to a trader when the database's clock is set by so much less."""
    TraderLease.objects.update(expires_at=F("expires_at") + timedelta(seconds=by_s))


def test_the_clock_of_a_socket_and_of_a_trader_go_on_whatever_the_wall_says():
    socket = ReconnectingSocket(name="t", url="", on_open=_no_one, on_frame=_no_one, on_down=_no_one)
    clock_us = WallClock()
    before = socket.now_us(), clock_us.now_us()
    for by_s in (HOUR_S, -HOUR_S):
        with wall_clock_set(by_s):
            after = socket.now_us(), clock_us.now_us()
        assert all(0 <= now - then < 10_000_000 for then, now in zip(before, after, strict=True))


def _no_one(*_: object) -> None:
    """Never called: the socket never runs."""


@pytest.mark.django_db
def test_a_dead_trader_is_silent_although_the_clock_ran_back_since_it_was_heard(tmp_path: Path):
    account = an_account()
    state = trader_heartbeat(user=account.user, status=TraderStatus.RUNNING)
    assert not is_stale(state)
    with wall_clock_set(-HOUR_S):
        assert is_stale(state)
        assert "its trader is silent" in guard_look(data_dir=tmp_path)[0]
        trader_heartbeat(user=account.user, status=TraderStatus.RUNNING)
        assert "heard again" in guard_look(data_dir=tmp_path)[0]


@pytest.mark.django_db
def test_the_guard_gives_nobody_time_for_a_stop_of_the_future():
    account = an_account()
    an_epoch(account)
    halt = halt_set(scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, code="m", reason="r", actor="ann")
    event, within = halt.events.get(), timedelta(seconds=2)
    assert is_obeyed(event, account, within=within, now=event.started_at)
    assert not is_obeyed(event, account, within=within, now=event.started_at - timedelta(seconds=30))


@pytest.mark.django_db
def test_an_order_without_an_answer_is_told_of_although_the_clock_ran_back_since_it_was_sent():
    account = an_account()
    order = a_claimed_order(account, a_market())
    Order.objects.filter(pk=order.pk).update(sent_at=clock.now())
    assert unknown_orders_alert(venue_account=account) == 0
    with wall_clock_set(-HOUR_S):
        assert unknown_orders_alert(venue_account=account) == 1


@pytest.mark.django_db
def test_a_comparison_of_the_future_proves_nothing_and_the_next_one_does():
    account = an_account()
    compared(account)
    assert last_clean_run(account) is not None and not reconciliation_overdue_pause(venue_account=account)
    with wall_clock_set(-HOUR_S):
        assert last_clean_run(account) is None
        assert reconciliation_overdue_pause(venue_account=account)
        compared(account)
        assert not reconciliation_overdue_pause(venue_account=account)


def compared(account: VenueAccount) -> None:
    run = reconciliation_begin(venue_account=account, trigger=RunTrigger.CLI)
    reconciliation_end(run=run, differences=[], evidence={})
