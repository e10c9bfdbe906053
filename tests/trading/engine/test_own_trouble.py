"""A trader that its database left alone, or that is about to lose its lease, pauses; and waits for its turn to send."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from risk.models import HaltScope, HaltState, TradingHalt
from tests.trading.engine.stand import IDLE, PATIENCE_S, Stand, standing
from tests.trading.engine.trouble import ERROR_500, Trouble
from trading.engine import executor
from trading.engine.desk import DeskAccount
from trading.models import OrderStatus, RunTrigger
from venues.errors import VenueError
from venues.types import TimeInForce, Venue

CHEAP_U = 20_000


@pytest.fixture
async def stand(shared_database: None, tmp_path: Path) -> AsyncIterator[Stand]:
    """Venue time is real time here."""
    async with standing(tmp_path, settings=IDLE, seed=7, speed=1.0, games=2) as stand:
        await stand.start_engine()
        yield stand


@pytest.fixture
async def quick(shared_database: None, tmp_path: Path) -> AsyncIterator[Stand]:
    """Ten seconds of the venues a second: their games are on soon."""
    async with standing(tmp_path, settings=IDLE, seed=7, speed=10.0, games=2) as stand:
        await stand.start_engine()
        yield stand


def paused() -> list[str]:
    rows = TradingHalt.objects.filter(scope=HaltScope.ACCOUNT, state=HaltState.PAUSED)
    return sorted(rows.values_list("code", flat=True))


async def until_paused(stand: Stand, *codes: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (seen := await stand.database.call(paused)) != sorted(codes):
        assert time.monotonic() < deadline, f"{seen}, not {codes}"
        await asyncio.sleep(0.05)


async def test_a_database_that_was_silent_pauses_until_the_books_were_compared(stand: Stand):
    """Its last answer is put back by a minute, as if nothing had come since."""
    watch = stand.engine.watch
    watch.limits = replace(watch.limits, db_lost_ms=60_000)
    await stand.until(lambda: watch._looked_s is not None)
    assert watch._looked_s is not None
    watch._looked_s -= 62.0
    await until_paused(stand, "db_lost", "db_lost")
    looked_s = watch._looked_s
    watch._is_due = True
    await stand.until(lambda: watch._looked_s != looked_s and not watch._is_due)
    assert await stand.database.call(paused) == ["db_lost", "db_lost"], "it answers again, and nothing was compared"
    await stand.engine.reconcilers.run(RunTrigger.PERIODIC)
    watch._is_due = True
    await until_paused(stand)


async def test_a_lease_about_to_run_out_pauses_its_account_and_one_that_ran_out_is_left_alone(stand: Stand):
    watch, loop = stand.engine.watch, asyncio.get_running_loop()
    kalshi, polymarket = (
        next(one for one in stand.engine.desk.accounts.values() if one.row.venue == venue) for venue in Venue
    )
    kalshi.lease_until_s, polymarket.lease_until_s = loop.time() + 1.9, loop.time() - 1.0
    await watch.refresh()
    assert await stand.database.call(paused) == ["lost_lease"]
    kalshi.lease_until_s = polymarket.lease_until_s = loop.time() + 15.0
    watch._is_due = True
    await watch.refresh()
    assert await stand.database.call(paused) == []


async def test_an_order_beyond_the_message_budget_waits_a_moment_and_is_denied_if_it_would_be_longer(quick: Stand):
    market = await quick.market(Venue.KALSHI)
    account = next(one for one in quick.engine.desk.accounts.values() if one.row.venue == Venue.KALSHI)
    bucket = quick.engine.watch.vitals.bucket(account.name)

    def used_up(milli: int) -> None:
        bucket.tokens_milli(quick.engine.clock.now_us(), per_s=5)
        bucket._milli = milli

    used_up(-8_000)
    began = time.monotonic()
    waited = await quick.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    row = await quick.row(waited)
    assert (row.reason_code != "message_budget", time.monotonic() - began >= 0.1) == (True, True)
    used_up(-30_000)
    denied = await quick.row(await quick.submit(market, price_u=2 * CHEAP_U, time_in_force=TimeInForce.GTC))
    assert (denied.status, denied.reason_code) == (OrderStatus.DENIED, "message_budget")
    assert executor.BUDGET_WITHIN_S == 0.25


async def test_a_venue_that_fails_half_of_what_it_is_asked_pauses_its_account_until_it_serves_again(
    shared_database: None, tmp_path: Path
):
    trouble = Trouble()
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=1.0, games=2) as stand:
        engine = await stand.start_engine()
        account = next(one for one in engine.desk.accounts.values() if one.row.venue == Venue.KALSHI)
        trouble.before_ops["kalshi", "balance"] = ERROR_500
        while failing(account) < 0.6:
            with suppress(VenueError):
                await account.reader.balance()
        engine.watch._is_due = True
        await until_paused(stand, "api_error_rate")
        trouble.before_ops.clear()
        while failing(account) > 0.4:
            await account.reader.balance()
        engine.watch._is_due = True
        await until_paused(stand)


def failing(account: DeskAccount) -> float:
    """The share of the last requests, of at least twenty."""
    doors: list[Any] = [account.reader, account.gateway]
    calls = [failed for door in doors for one in door.calls for _, failed in one]
    return sum(calls) / max(20, len(calls))
