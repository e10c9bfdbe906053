"""Who runs engines: one user's trouble is told and tried again, and leaves nothing behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from core.errors import Conflict
from tests.trading.engine.stand import IDLE, standing
from tests.trading.engine.trouble import ERROR_500, Trouble
from trading.engine.simulation import SimulatedTrader
from trading.models import TraderLease, TraderStatus
from trading.selectors.status import venue_fields_reading
from trading.services.lease import lease_acquire
from trading.services.trader import trader_start
from venues.unknown_fields import UNKNOWN_FIELDS


async def test_a_second_trader_waits_and_leaves_nothing_open(shared_database: None, tmp_path: Path):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        before = database_threads()
        second = SimulatedTrader(
            host="127.0.0.1", port=stand.simulator.ports.kalshi, data_dir=tmp_path, holder="another"
        )
        await second.meet()
        with pytest.raises(Conflict, match="lease_held"):
            await second.build(stand.user)
        await second.stop()
        assert database_threads() == before


async def test_the_lease_of_a_dead_run_is_taken_over_by_the_next_run_on_its_folder(
    shared_database: None, tmp_path: Path
):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        await stand.start_engine()
        epochs = await stand.database.call(held_epochs)
        await stand.kill_engine()
        await stand.start_engine()
        assert [epoch + 1 for epoch in epochs] == await stand.database.call(held_epochs)


async def test_an_engine_whose_lease_was_taken_ends_itself(shared_database: None, tmp_path: Path):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        engine = await stand.start_engine()
        await stand.database.call(steal_leases, engine)
        await stand.until(engine.ended.is_set)


async def test_an_engine_that_could_not_start_leaves_nothing_open_and_is_tried_again(
    shared_database: None, tmp_path: Path
):
    trouble = Trouble()
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=30.0, games=2) as stand:
        await stand.database.call(trader_start, user=stand.user, actor="test")
        trouble.before_ops["kalshi", "orders"] = ERROR_500
        trader = SimulatedTrader(host="127.0.0.1", port=stand.simulator.ports.kalshi, data_dir=tmp_path)
        await trader.start()
        await stand.until_status(TraderStatus.FAILED)
        assert not {"ledger", "journal"} & database_threads()
        trouble.before_ops.clear()
        await stand.until_status(TraderStatus.RUNNING)
        await trader.stop()
        await stand.until_status(TraderStatus.STOPPED)


async def test_health_hears_from_the_trader_which_fields_nobody_knows(shared_database: None, tmp_path: Path):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        UNKNOWN_FIELDS.note("kalshi", "WireMarket.met_by_the_trader")
        await stand.start_engine()
        await stand.until_status(TraderStatus.RUNNING)
        detail = (await stand.database.call(venue_fields_reading)).detail
        assert "latest WireMarket.met_by_the_trader" in detail


def database_threads() -> set[str]:
    return {thread.name.partition("_")[0] for thread in threading.enumerate()} & {"ledger", "journal"}


def held_epochs() -> list[int]:
    return list(TraderLease.objects.order_by("venue_account_id").values_list("epoch", flat=True))


def steal_leases(engine) -> None:
    for account in engine.desk.accounts.values():
        TraderLease.objects.filter(venue_account=account.row).update(expires_at=None)
        lease_acquire(venue_account=account.row, holder="thief")
