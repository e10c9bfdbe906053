"""The guard's own way to the venues: takes orders off where no trader does it, with or without a database.

Story: it holds a door to every account that is traded, opened while all is well. When a stop is not obeyed (a trader
that hangs, is stopped or dead) it runs the stop itself; when a KILL file lies there and the database is away, it asks
every venue it knows to cancel all, again and again until their lists are empty. Fences that a dead trader left open it
shuts (`guard_fences`). Invariant: it only ever cancels and shuts.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import Error

from accounts.models import Mode, VenueAccount
from accounts.services import credential_open
from core import clock
from core.errors import DomainError
from markets.models import Market
from risk.models import KillSwitchEvent
from risk.receipts import GUARD
from trading.engine.clock import WallClock
from trading.engine.database import AWAY, DatabaseThread
from trading.engine.guard_fences import shut_unheld_fences
from trading.engine.permit import KILL_FILE
from trading.engine.simulated import KIND_OF
from trading.engine.stopper import Stopper
from trading.selectors.stops import is_obeyed, traded_accounts
from venues.errors import VenueError
from venues.ports import AccountReader, OrderGateway
from venues.registry import PRODUCTION, VenueEndpoints, open_account, simulated_endpoints
from venues.types import Venue, VenueMarket

log = structlog.get_logger(__name__)

OBEYS_WITHIN = timedelta(seconds=2)
"""How long a living trader has for a stop before the guard does it too; cancels do no harm twice."""
DOORS_EVERY_S = 5.0
FENCES_EVERY_S = 1.0
BLIND_EVERY_S = 0.5


@dataclass
class GuardDoor:
    """One account as the guard has it open. `is_clear`: its list was empty when last asked without a database."""

    row: VenueAccount
    reader: AccountReader
    gateway: OrderGateway
    is_clear: bool = False


class GuardCanceller:
    """`run` in a thread of its own, with an event loop and a database thread of its own."""

    def __init__(self, *, data_dir: Path, endpoints: VenueEndpoints) -> None:
        self._kill = data_dir / KILL_FILE
        self._endpoints = endpoints
        self._clock = WallClock()
        self._doors: dict[int, GuardDoor] = {}
        self._listings: dict[str, VenueMarket] = {}

    @property
    def doors(self) -> list[GuardDoor]:
        return list(self._doors.values())

    def run(self, asked_to_stop: threading.Event) -> None:
        asyncio.run(self._run(asked_to_stop))

    async def _run(self, asked_to_stop: threading.Event) -> None:
        seeing, blind = DatabaseThread("guard"), DatabaseThread("guard-blind")
        stopper = Stopper(doors=lambda: self.doors, database=seeing, by=GUARD, follows=_is_ours)
        tasks = [
            asyncio.create_task(_again(DOORS_EVERY_S, lambda: self.open_doors(seeing))),
            asyncio.create_task(stopper.run()),
            asyncio.create_task(_again(FENCES_EVERY_S, lambda: shut_unheld_fences(self.doors, seeing))),
            asyncio.create_task(_again(BLIND_EVERY_S, lambda: self.look_blindly(blind))),
        ]
        try:
            await asyncio.to_thread(asked_to_stop.wait)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.aclose()
            await seeing.close()
            await blind.close()

    async def aclose(self) -> None:
        for door in self._doors.values():
            await door.reader.aclose()
            await door.gateway.aclose()

    async def open_doors(self, database: DatabaseThread) -> None:
        """Have a door to every account that is, or lately was, traded; a credential is opened once. To a paper account
        there is none: the key that it has reads public data, and what rests at that venue is a person's own."""
        try:
            for row in await database.call(traded_accounts):
                if row.pk not in self._doors and row.mode != Mode.PAPER:
                    self._doors[row.pk] = self._open(row, await database.call(_secrets, row))
            self._listings |= await database.call(_listings)
        except (DomainError, VenueError, *AWAY) as error:
            log.warning("guard_door_not_opened", error=str(error))

    def _open(self, row: VenueAccount, secrets: Mapping[str, str]) -> GuardDoor:
        reader, gateway = open_account(
            Venue(row.venue),
            endpoints=self._endpoints,
            secrets=secrets,
            account=row.account_key,
            market_of=self._listings.get,
            clock_ms=self._clock.now_ms,
        )
        return GuardDoor(row, reader, gateway)

    async def look_blindly(self, database: DatabaseThread) -> None:
        """Only while a KILL file lies there and the database does not answer: with it, the receipt tells the rest."""
        if not self._kill.exists() or await _answers(database):
            for door in self._doors.values():
                door.is_clear = False
            return
        await asyncio.gather(*(self._clear(door) for door in self._doors.values() if not door.is_clear))

    async def _clear(self, door: GuardDoor) -> None:
        try:
            await door.gateway.cancel_all()
            door.is_clear = not await door.reader.open_orders()
        except VenueError as error:
            log.error("blind_cancel_failed", account=door.row.account_key, code=error.code, error=error.message)
        else:
            log.critical("blind_cancel", account=door.row.account_key, is_clear=door.is_clear)


async def _again(every_s: float, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await work()
        except Exception:  # the supervisor's seam: the guard goes on whatever one look came to
            log.exception("guard_look_failed")
        await asyncio.sleep(every_s)


def _is_ours(event: KillSwitchEvent, account: VenueAccount) -> bool:
    return not is_obeyed(event, account, within=OBEYS_WITHIN, now=clock.now())


async def _answers(database: DatabaseThread) -> bool:
    """True while the database can be read within a second."""
    try:
        async with asyncio.timeout(1.0):
            await database.call(traded_accounts)
    except (TimeoutError, Error):
        return False
    return True


def _secrets(row: VenueAccount) -> dict[str, str]:
    opened = credential_open(account=row, kind=KIND_OF[Venue(row.venue)], purpose="stop", actor=GUARD)
    return {name: secret.reveal_text() for name, secret in opened.items()}


def _listings() -> dict[str, VenueMarket]:
    """Markets in which something of ours works: what is needed to name an order at its venue."""
    rows = Market.objects.filter(orders__status__in=["claimed", "open"]).distinct()
    return {row.market_id: row.venue_market for row in rows}


def guard_endpoints(port: int) -> VenueEndpoints:
    """Where the venues of this deployment answer."""
    if settings.TRADING_MODE == "simulated":
        return simulated_endpoints(port, host=settings.SIMULATOR_HOST)
    return PRODUCTION
