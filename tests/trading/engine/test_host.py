"""Who runs engines: one user's trouble is told and tried again, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from accounts.models import Mode, User
from accounts.selectors import accounts_of
from accounts.services import credential_open, credential_store
from audit.models import AuditEntry
from core.errors import Conflict
from risk.models import HaltState, TradingHalt
from tests.trading.engine.stand import IDLE, PATIENCE_S, standing
from tests.trading.engine.test_fencing import account_at
from tests.trading.engine.trouble import ERROR_500, Trouble
from trading.engine.engine import Engine
from trading.engine.host import PAUSE_FIRST_S, TraderHost
from trading.engine.patience import FIRST_S
from trading.engine.simulated import KIND_OF
from trading.engine.simulation import SimulatedTrader
from trading.models import TraderLease, TraderStatus
from trading.selectors.status import venue_fields_reading
from trading.services.lease import lease_acquire
from trading.services.pauses import FENCE_SHUT
from trading.services.standstill import BROKEN
from trading.services.trader import trader_start
from venues.simulator.faults import Disturbance
from venues.types import Venue
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


async def test_a_key_that_the_venue_refuses_is_told_once_and_tried_rarely_and_a_new_one_at_once(
    shared_database: None, tmp_path: Path
):
    trouble = Trouble()
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=30.0, games=2) as stand:
        await stand.database.call(trader_start, user=stand.user, actor="test")
        trader = SimulatedTrader(host="127.0.0.1", port=stand.simulator.ports.kalshi, data_dir=tmp_path, holder="h")
        await trader.meet()
        starts: list[float] = []
        built: list[Engine] = []

        async def build(user: User) -> Engine:
            starts.append(asyncio.get_running_loop().time())
            built.append(await trader.build(user))
            return built[-1]

        trouble.before_ops["kalshi", "orders"] = Disturbance(status=401, body=b"{}")
        host = TraderHost(build, holder="h")
        running = asyncio.create_task(host.run())
        await stand.until(lambda: len(built) == 2 and not database_threads())
        await stand.until_status(TraderStatus.FAILED)
        assert starts[1] - starts[0] >= FIRST_S
        assert await stand.database.call(pauses_told) == ["venue_auth"]
        trouble.before_ops.clear()
        await stand.database.call(store_keys_anew, stand.user)
        await stand.until_status(TraderStatus.RUNNING)
        assert starts[2] - starts[1] < 2 * FIRST_S, "it did not wait for the second pause"
        while await stand.database.call(pauses_now):
            assert asyncio.get_running_loop().time() < starts[2] + PATIENCE_S, "the pause is not lifted"
            await asyncio.sleep(0.1)
        running.cancel()
        await host.stop()
        await trader.stop()


def break_down(engine: Engine) -> None:
    engine.custody.broken("pump", AssertionError("two and two are five"))


def be_shut_out(engine: Engine) -> None:
    engine.custody.fenced(account_at(engine, Venue.KALSHI), "order_group_triggered")


@pytest.mark.parametrize(("end", "task", "code"), [(break_down, "broken", BROKEN), (be_shut_out, "fenced", FENCE_SHUT)])
async def test_an_engine_that_ended_while_the_database_was_away_is_not_started_again_without_its_halt(
    shared_database: None, tmp_path: Path, end: Callable[[Engine], None], task: str, code: str
):
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        await stand.database.call(trader_start, user=stand.user, actor="test")
        trader = SimulatedTrader(host="127.0.0.1", port=stand.simulator.ports.kalshi, data_dir=tmp_path, holder="h")
        await trader.meet()
        built: list[Engine] = []

        async def build(user: User) -> Engine:
            built.append(await trader.build(user))
            return built[-1]

        host = TraderHost(build, holder="h")
        running = asyncio.create_task(host.run())
        await stand.until_status(TraderStatus.RUNNING)
        is_back = threading.Event()
        away = [asyncio.create_task(database.call(is_back.wait)) for database in built[0].databases]
        end(built[0])
        (word,) = [one for one in asyncio.all_tasks() if one.get_name() == task]
        await stand.until(word.done)
        assert word.cancelled(), "it ended before the database took its word"
        is_back.set()
        await stand.until(lambda: len(built) == 2)
        assert await stand.database.call(halts_of, code) == 1
        await asyncio.gather(*away)
        running.cancel()
        await host.stop()
        await trader.stop()


async def test_an_engine_that_ends_by_itself_is_started_again_after_a_growing_pause(
    shared_database: None, tmp_path: Path
):
    """Whatever ends it at once would else open a fence a second at the venue."""
    async with standing(tmp_path, settings=IDLE, seed=7, speed=30.0, games=2) as stand:
        await stand.database.call(trader_start, user=stand.user, actor="test")
        trader = SimulatedTrader(
            host="127.0.0.1", port=stand.simulator.ports.kalshi, data_dir=tmp_path, holder="unlucky"
        )
        await trader.meet()
        starts: list[float] = []

        async def build(user: User) -> Engine:
            starts.append(asyncio.get_running_loop().time())
            engine = await trader.build(user)
            engine.ended.set()
            return engine

        host = TraderHost(build, holder="unlucky")
        running = asyncio.create_task(host.run())
        await stand.until(lambda: len(starts) == 3)
        running.cancel()
        await host.stop()
        await trader.stop()
        first_s, second_s = (then - before for before, then in pairwise(starts))
        assert first_s >= PAUSE_FIRST_S and second_s >= 2 * PAUSE_FIRST_S


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


def pauses_told() -> list[str]:
    """The cause of each pause that the trail tells of."""
    changes = [json.loads(entry.payload) for entry in AuditEntry.objects.filter(kind="halt.changed")]
    return [change["code"] for change in changes if change["to"] == HaltState.PAUSED]


def pauses_now() -> list[str]:
    return list(TradingHalt.objects.exclude(state=HaltState.ACTIVE).values_list("code", flat=True))


def store_keys_anew(user: User) -> None:
    """As a person who rotates them: the simulator takes what it gave out before."""
    for account in accounts_of(user, mode=Mode.SIMULATED):
        kind = KIND_OF[Venue(account.venue)]
        opened = credential_open(account=account, kind=kind, purpose="test", actor="test")
        secrets = {name: secret.reveal_text() for name, secret in opened.items()}
        credential_store(account=account, kind=kind, secrets=secrets, public_id="anew", actor="test")


def steal_leases(engine) -> None:
    for account in engine.desk.accounts.values():
        TraderLease.objects.filter(venue_account=account.row).update(expires_at=None)
        lease_acquire(venue_account=account.row, holder="thief")


def halts_of(code: str) -> int:
    return TradingHalt.objects.filter(code=code, state=HaltState.HALTED).count()
