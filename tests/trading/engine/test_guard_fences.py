"""What a dead trader may still have on its way is refused by the venue: the guard shuts the fence it left open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit.models import AuditEntry
from tests.trading.engine.stand import Stand
from tests.trading.engine.test_permit import unplug
from tests.trading.engine.trouble import ERROR_500, Trouble
from trading.engine.database import DatabaseThread
from trading.engine.desk import DeskAccount
from trading.engine.engine import Engine
from trading.engine.guard_cancel import CLEAR_AGAIN_S, GuardCanceller
from trading.engine.guard_fences import shut_unheld_fences
from trading.engine.permit import KILL_FILE
from trading.models import FenceState, OrderStatus, TraderLease, VenueFence
from trading.services.pauses import fence_lost
from venues.errors import Fenced
from venues.ports import OrderRequest
from venues.registry import simulated_endpoints
from venues.types import MICRO, Outcome, Side, TimeInForce, Venue

CHEAP_U = 20_000


@pytest.fixture
async def guard(stand: Stand, tmp_path: Path) -> AsyncIterator[GuardCanceller]:
    canceller = GuardCanceller(data_dir=tmp_path, endpoints=simulated_endpoints(stand.simulator.ports.kalshi))
    await canceller.open_doors(stand.database)
    yield canceller
    await canceller.aclose()


async def shut(stand: Stand, guard: GuardCanceller) -> int:
    return await shut_unheld_fences(guard.doors, stand.database)


async def fall_silent(engine: Engine) -> None:
    """As a process that is stopped: none of its tasks runs any more, its sockets stay open."""
    for task in (*engine.tasks._supervised.values(), *engine.tasks._shots):
        task.cancel()
    await asyncio.sleep(0)


async def test_the_fence_of_a_dead_trader_is_shut_and_that_of_a_living_one_never(
    stand: Stand, guard: GuardCanceller, trouble: Trouble
):
    market = await stand.market(Venue.KALSHI)
    command = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await stand.until_row(command, OrderStatus.OPEN)
    mine = next(one for one in stand.engine.desk.accounts.values() if one.row.venue == Venue.KALSHI)
    assert await shut(stand, guard) == 0, "its lease holds"
    await fall_silent(stand.engine)
    await stand.database.call(run_out)
    trouble.before_ops["kalshi", "group_delete"] = ERROR_500
    assert await shut(stand, guard) == 0, "the venue has not confirmed it"
    assert await stand.database.call(states) == [FenceState.LIVE]
    trouble.before_ops.clear()
    assert await shut(stand, guard) == 1
    assert await shut(stand, guard) == 0
    assert await stand.database.call(states) == [FenceState.DEAD]
    assert await stand.database.call(closed_by) == ["guard"]
    assert await mine.reader.open_orders() == [], "what rested under it went with it"
    with pytest.raises(Fenced):
        await late_request(mine, stand)
    assert not await stand.database.call(told_it_was_fenced, mine), "the guard shut it: no person has to look"


async def test_beside_a_kill_file_and_without_a_database_the_last_known_fence_is_shut_and_written_down_later(
    stand: Stand, guard: GuardCanceller, trouble: Trouble, tmp_path: Path
):
    """Its trader may sleep behind its last look, and no lease says when it is dead."""
    market = await stand.market(Venue.KALSHI)
    command = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await stand.until_row(command, OrderStatus.OPEN)
    mine = next(one for one in stand.engine.desk.accounts.values() if one.row.venue == Venue.KALSHI)
    blind = DatabaseThread("unplugged")
    await blind.call(unplug)
    await guard.look_blindly(blind)
    assert trouble.asked["kalshi", "group_delete"] == 0, "nobody asked for a stop"
    await fall_silent(stand.engine)
    (tmp_path / KILL_FILE).touch()
    await guard.look_blindly(blind)
    assert all(door.is_clear for door in guard.doors)
    with pytest.raises(Fenced):
        await late_request(mine, stand)
    assert await stand.database.call(states) == [FenceState.LIVE], "nobody could write it down"
    await guard.look_blindly(stand.database)
    assert await stand.database.call(states) == [FenceState.DEAD]
    assert await stand.database.call(closed_by) == ["guard"]
    assert not await stand.database.call(told_it_was_fenced, mine), "the guard shut it: no person has to look"
    await blind.close()


async def test_a_list_that_was_empty_is_looked_at_again_while_the_database_is_away(
    stand: Stand, guard: GuardCanceller, tmp_path: Path
):
    (tmp_path / KILL_FILE).touch()
    await stand.kill_engine()
    blind = DatabaseThread("unplugged")
    await blind.call(unplug)
    await guard.look_blindly(blind)
    looked_s = {door.row.pk: door.looked_s for door in guard.doors}
    await guard.look_blindly(blind)
    assert {door.row.pk: door.looked_s for door in guard.doors} == looked_s, "not at once"
    for door in guard.doors:
        door.looked_s -= CLEAR_AGAIN_S
    await guard.look_blindly(blind)
    assert all(door.looked_s >= looked_s[door.row.pk] for door in guard.doors)
    await blind.close()


async def late_request(mine: DeskAccount, stand: Stand) -> None:
    """What was past every gate when its process fell asleep."""
    listing = (await stand.market(Venue.KALSHI)).listing
    assert listing is not None
    request = OrderRequest(
        client_order_id="cs1-late", market=listing, side=Side.BUY, outcome=Outcome.YES, price_u=CHEAP_U,
        qty_u=10 * MICRO, time_in_force=TimeInForce.GTC, created_ms=0, fence_token=mine.fence_token,
    )  # fmt: skip
    await mine.gateway.place(mine.gateway.prepare(request))


def run_out() -> None:
    TraderLease.objects.update(expires_at="2026-01-01T00:00:00Z")


def states() -> list[str]:
    return list(VenueFence.objects.filter(venue_account__venue=Venue.KALSHI).values_list("state", flat=True))


def closed_by() -> list[str]:
    return list(AuditEntry.objects.filter(kind="fence.closed").values_list("actor", flat=True))


def told_it_was_fenced(account: DeskAccount) -> bool:
    return fence_lost(venue_account=account.row, epoch=account.epoch, reason="order_group_triggered")


async def test_a_trader_that_lived_on_while_its_fence_was_shut_opens_another_and_trades(
    stand: Stand, guard: GuardCanceller, trouble: Trouble, tmp_path: Path
):
    """The database was away for a moment: not long enough for the lease to run out."""
    market = await stand.market(Venue.KALSHI)
    blind = DatabaseThread("unplugged")
    await blind.call(unplug)
    (tmp_path / KILL_FILE).touch()
    await guard.look_blindly(blind)
    await blind.close()
    (tmp_path / KILL_FILE).unlink()
    await guard.look_blindly(stand.database)
    mine = next(one for one in stand.engine.desk.accounts.values() if one.row.venue == Venue.KALSHI)
    shut = (await stand.database.call(tokens, FenceState.DEAD))[0]
    await stand.until(lambda: mine.fence_token not in ("", shut))
    command = await stand.submit(market, price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await stand.until_row(command, OrderStatus.OPEN)
    assert not stand.engine.ended.is_set()


def tokens(state: str) -> list[str]:
    rows = VenueFence.objects.filter(venue_account__venue=Venue.KALSHI, state=state)
    return list(rows.values_list("token", flat=True))
