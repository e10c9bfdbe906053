"""Halts that are about us: our own code is not as it says, or the account was taken away. Nothing rests after them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.models import Credential, User, VenueAccount
from accounts.services import venue_account_enable
from core import clock
from risk.models import HaltScope, HaltState, TradingHalt
from tests.trading.engine.stand import Stand
from tests.trading.engine.trouble import Trouble
from trading.domain.commands import SubmitOrder
from trading.engine.guard_cancel import GuardCanceller
from trading.engine.stopper import Stopper
from trading.models import OrderStatus
from trading.services.guard import guard_look
from trading.services.standstill import BROKEN, WITHDRAWN
from venues.registry import simulated_endpoints
from venues.types import TimeInForce, Venue

CHEAP_U = 20_000


async def a_resting(stand: Stand, venue: Venue) -> SubmitOrder:
    command = await stand.submit(await stand.market(venue), price_u=CHEAP_U, time_in_force=TimeInForce.GTC)
    await stand.until_row(command, OrderStatus.OPEN)
    return command


def halts() -> list[tuple[str, str]]:
    return list(TradingHalt.objects.filter(state=HaltState.HALTED).values_list("scope", "code").order_by("id"))


async def test_an_assertion_that_fails_ends_the_trader_and_takes_off_what_rests(stand: Stand, trouble: Trouble):
    command = await a_resting(stand, Venue.KALSHI)
    engine = stand.engine
    engine.tasks.supervise("any of its tasks", find_a_contradiction)
    await stand.until(engine.ended.is_set)
    arrived = trouble.creates(Venue.KALSHI)
    assert [(one.is_reconciled, one.fence_token) for one in engine.desk.accounts.values()] == [(False, "")] * 2
    await stand.until_row(command, OrderStatus.CANCELED)
    assert await stand.database.call(halts) == [(HaltScope.USER, BROKEN)]
    assert trouble.creates(Venue.KALSHI) == arrived


async def find_a_contradiction() -> None:
    raise AssertionError("what was sent is more than what was decided")


def switch_off(user: User) -> None:
    for account in VenueAccount.objects.filter(user=user):
        venue_account_enable(account=account, is_enabled=False, actor="ann")


def suspend(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def revoke(user: User) -> None:
    Credential.objects.filter(venue_account__user=user).update(revoked_at=clock.now())


@pytest.mark.parametrize("deed", [switch_off, suspend, revoke])
async def test_an_account_that_is_taken_away_leaves_no_order_behind(
    stand: Stand, tmp_path: Path, deed: Callable[[User], None]
):
    commands = [await a_resting(stand, venue) for venue in Venue]
    assert await stand.database.call(look, tmp_path) == []
    await stand.database.call(deed, stand.user)
    assert len(await stand.database.call(look, tmp_path)) == 2
    for command in commands:
        await stand.until_row(command, OrderStatus.CANCELED)
    assert await stand.database.call(halts) == [(HaltScope.ACCOUNT, WITHDRAWN)] * 2
    assert await stand.database.call(look, tmp_path) == [], "said once"
    assert not [order for order in (await stand.venue_books()).orders.values() if order[0] == "open"]


async def test_the_guard_takes_off_what_was_taken_away_while_no_trader_ran(stand: Stand, tmp_path: Path):
    command = await a_resting(stand, Venue.KALSHI)
    await stand.kill_engine()
    await stand.database.call(switch_off, stand.user)
    await stand.database.call(look, tmp_path)
    guard = GuardCanceller(data_dir=tmp_path, endpoints=simulated_endpoints(stand.simulator.ports.kalshi))
    await guard.open_doors(stand.database)
    stopper = Stopper(doors=lambda: guard.doors, database=stand.database, by="guard")
    while await stopper.look():
        pass
    (door,) = [door for door in guard.doors if door.row.venue == Venue.KALSHI]
    assert await door.reader.open_orders() == []
    assert (await stand.row(command)).cancel_requested_at is not None
    await guard.aclose()


def look(folder: Path) -> list[str]:
    return [deed for deed in guard_look(data_dir=folder) if "withdrawn" in deed]
