"""Fifty orders at rest on a simulated venue, one halt of everything: when does a cancel arrive, when are all gone?"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from accounts.models import User, VenueAccount
from core.clock import now
from risk.models import AccountLimits, HaltScope, HaltState, KillSwitchEvent, KillSwitchPart, TradingHalt
from risk.services import halt_set
from tests.trading.engine.stand import IDLE, Stand, standing
from tests.trading.engine.trouble import Trouble
from trading.engine.permit import FilePermit
from trading.services.trader import trader_stop
from venues.simulator.faults import Call, Disturbance
from venues.types import TimeInForce, Venue

PATIENCE_S = 60.0
TRIES = 10
CANCELS = ("cancel", "cancel_all")


class FirstCancel(Trouble):
    """Remembers when the first cancel came to any venue."""

    def __init__(self) -> None:
        super().__init__()
        self.came_s: float | None = None

    def before(self, call: Call) -> Disturbance | None:
        if call.op in CANCELS and self.came_s is None:
            self.came_s = time.monotonic()
        return super().before(call)


async def stop_fifty(folder: Path, *, count: int) -> tuple[float, float]:
    """Milliseconds until the first cancel arrived, seconds until all were proven gone. `folder` is the guard's."""
    seed = await asyncio.to_thread(_begin_anew)
    venue = FirstCancel()
    async with standing(folder, settings=IDLE, faults=venue, seed=seed, speed=10.0, games=4) as stand:
        await stand.start_engine(permit=FilePermit(folder))
        await stand.database.call(_no_limits)
        await _rest(stand, count)
        began_s, began = time.monotonic(), now()
        words = {"code": "manual", "reason": "bench", "actor": "bench"}
        await stand.database.call(halt_set, scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, **words)
        deadline = time.monotonic() + PATIENCE_S
        while not (part := await stand.database.call(_part)) or part.proven_gone_at is None:
            assert time.monotonic() < deadline, "not proven gone"
            await asyncio.sleep(0.01)
    assert part.orders_open == count, f"{part.orders_open} of {count} orders were at rest when it stopped"
    assert venue.came_s is not None and part.proven_gone_at is not None
    return (venue.came_s - began_s) * 1_000, (part.proven_gone_at - began).total_seconds()


async def _rest(stand: Stand, count: int) -> None:
    market = await stand.market(Venue.KALSHI)
    resting = 0
    for number in range(TRIES * count):
        command = await stand.submit(market, price_u=10_000 + 10_000 * (number % 5), time_in_force=TimeInForce.GTC)
        resting += (await stand.row(command)).status == "open"
        if resting == count:
            return
    raise AssertionError(f"only {resting} of {count} orders came to rest")


def _begin_anew() -> int:
    """What the times before left behind concerns this one no more. A seed whose accounts are not known here yet."""
    for user in User.objects.all():
        trader_stop(user=user, actor="bench")
        User.objects.filter(pk=user.pk).update(email=f"before-{user.pk}@example.org")
    VenueAccount.objects.update(is_enabled=False)
    TradingHalt.objects.update(state=HaltState.ACTIVE)
    KillSwitchEvent.objects.update(rearmed_at=now())
    return 7 + VenueAccount.objects.count()


def _no_limits() -> None:
    AccountLimits.objects.update(max_open_orders=1_000)


def _part() -> KillSwitchPart | None:
    """Of our own halt: the guard may have stopped for a silence before the engine was up."""
    ours = KillSwitchPart.objects.filter(event__code="manual", venue_account__is_enabled=True)
    return ours.filter(venue_account__venue=Venue.KALSHI).first()
