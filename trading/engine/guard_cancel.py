"""The guard's own way to the venues: takes orders off where no trader does it, with or without a database.

Story: it holds a door to every account that is traded, opened while all is well, and anew when the account's key
changes. When a stop is not obeyed (a trader that hangs, is stopped or dead) it runs the stop itself; when a KILL file
lies there and the database is away, it cancels all and shuts the fence at every venue it knows, again and again until
their lists are empty, and looks at them again as long as that lasts. Fences that a dead trader left open it shuts
(`guard_fences`); what a dead trader left in a paper account it ends in that account's journal
(`venues.paper.at_rest`). Invariants: it only ever cancels and shuts; an account without a usable key closes no door but
its own, and somebody hears of it.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import Error

from accounts.models import Mode, VenueAccount
from accounts.selectors import credential_in_use
from accounts.services import credential_open
from core import clock
from markets.models import Market
from risk.models import KillSwitchEvent
from risk.receipts import GUARD
from trading.engine.clock import WallClock
from trading.engine.database import AWAY, DatabaseThread
from trading.engine.guard_fences import know_fences, note_shut_fences, shut_known_fence, shut_unheld_fences
from trading.engine.kill_file import KillFile
from trading.engine.paper import journal_path
from trading.engine.patience import KeyPatience
from trading.engine.simulated import KIND_OF
from trading.engine.stopper import IDLE_S, Stopper
from trading.engine.stopping import Door
from trading.models import VenueFence
from trading.selectors.stops import is_obeyed, traded_accounts
from trading.services.guard import guard_alert_no_door, is_kill_written
from venues.errors import VenueError
from venues.paper.at_rest import PaperAtRest
from venues.ports import AccountReader, OrderGateway
from venues.registry import PRODUCTION, VenueEndpoints, open_account, simulated_endpoints
from venues.types import Venue, VenueMarket

log = structlog.get_logger(__name__)

OBEYS_WITHIN = timedelta(seconds=2)
"""How long a living trader has for a stop before the guard does it too; cancels do no harm twice."""
DOORS_EVERY_S = 5.0
FENCES_EVERY_S = 1.0
BLIND_EVERY_S = 0.5
WRITTEN_WITHIN_S = 3.0
"""How long the guard has to write down the halt that a KILL file asks for."""
CLEAR_AGAIN_S = 5.0
"""A list that was empty is looked at again: an order may have been long on its way."""


@dataclass
class GuardDoor:
    """One account as the guard has it open, by the credential `key`. `is_clear`: its list was empty when last asked
    without a database."""

    row: VenueAccount
    reader: AccountReader | PaperAtRest
    gateway: OrderGateway | PaperAtRest
    key: UUID | None
    is_clear: bool = False
    looked_s: float = -math.inf
    fence: VenueFence | None = None
    has_shut_fence: bool = False

    async def aclose(self) -> None:
        await self.reader.aclose()
        await self.gateway.aclose()


class GuardCanceller:
    """`run` in a thread of its own, with an event loop and a database thread of its own."""

    def __init__(self, *, data_dir: Path, endpoints: VenueEndpoints, kill_file: KillFile | None = None) -> None:
        self._data_dir = data_dir
        self._kill_file = kill_file or KillFile(data_dir)
        self._killed_s: float | None = None
        self._endpoints = endpoints
        self._clock = WallClock()
        self._doors: dict[int, GuardDoor] = {}
        self._listings: dict[str, VenueMarket] = {}
        self._patience = KeyPatience()

    @property
    def doors(self) -> list[GuardDoor]:
        return list(self._doors.values())

    def run(self, asked_to_stop: threading.Event) -> None:
        asyncio.run(self._run(asked_to_stop))

    async def _run(self, asked_to_stop: threading.Event) -> None:
        seeing, blind = DatabaseThread("guard"), DatabaseThread("guard-blind")
        stopper = Stopper(doors=lambda: self.doors, database=seeing, by=GUARD, follows=_is_ours, lists_all=_is_paper)
        tasks = [
            asyncio.create_task(_again(DOORS_EVERY_S, lambda: self.open_doors(seeing))),
            asyncio.create_task(_again(IDLE_S, stopper.run)),
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
            await door.aclose()

    async def open_doors(self, database: DatabaseThread) -> None:
        """Have a door to every account that is, or lately was, traded, by the key that it has now. That of a paper
        account is its journal, where that is kept here, never its venue: the key that it has reads public data, and
        what rests at that venue is a person's own."""
        try:
            self._listings |= await database.call(_listings)
            for row in await database.call(traded_accounts):
                if row.mode != Mode.PAPER:
                    await self._keep_open(row, database)
                elif row.pk not in self._doors and journal_path(self._data_dir, row).exists():
                    self._doors[row.pk] = self._open_paper(row)
            await know_fences(self.doors, database)
        except AWAY as error:
            log.warning("guard_doors_not_opened", error=str(error))

    async def _keep_open(self, row: VenueAccount, database: DatabaseThread) -> None:
        """A door that its key still opens stays; one that cannot be opened anew stays too, and is told. A key that
        opened none is left alone for a while."""
        former, key, now_s = self._doors.get(row.pk), None, asyncio.get_running_loop().time()
        try:
            key = await database.call(credential_in_use, row, KIND_OF[Venue(row.venue)])
            if (former is not None and former.key == key) or self._patience.is_waiting(row.pk, key, now_s=now_s):
                return
            self._doors[row.pk] = self._open(row, await database.call(_secrets, row), key)
        except AWAY as error:
            log.warning("guard_door_not_opened", account=row.account_key, error=str(error))
        except Exception as error:  # the supervisor's seam: whatever a key comes to, the other accounts have theirs
            again_in_s = self._patience.refuse(row.pk, key, now_s=now_s)
            log.exception("guard_door_not_opened", account=row.account_key, again_in_s=again_in_s)
            await database.call(guard_alert_no_door, account=row, problem=f"{type(error).__name__}: {error}.")
        else:
            self._patience.accept(row.pk)
            if former is not None:
                await former.aclose()

    def _open(self, row: VenueAccount, secrets: Mapping[str, str], key: UUID | None) -> GuardDoor:
        assert key is not None, "its secrets were read"
        reader, gateway = open_account(
            Venue(row.venue),
            endpoints=self._endpoints,
            secrets=secrets,
            account=row.account_key,
            market_of=self._listings.get,
            clock_ms=self._clock.now_ms,
        )
        return GuardDoor(row, reader, gateway, key)

    def _open_paper(self, row: VenueAccount) -> GuardDoor:
        rest = PaperAtRest(journal_path(self._data_dir, row), venue=Venue(row.venue), account=row.account_key)
        return GuardDoor(row, rest, rest, key=None)

    async def look_blindly(self, database: DatabaseThread) -> None:
        """Only while a KILL file lies there and the database does not answer, or does not take its halt (it may only be
        read, its disk is full): with it, the receipt tells the rest."""
        now_s = asyncio.get_running_loop().time()
        self._killed_s = (self._killed_s or now_s) if self._kill_file.is_there else None
        is_due = self._killed_s is not None and now_s - self._killed_s >= WRITTEN_WITHIN_S
        has_database = await _says_yes(database, is_kill_written if is_due else _is_there)
        if has_database:
            await note_shut_fences(self.doors, database)
        if has_database or self._killed_s is None:
            for door in self._doors.values():
                door.is_clear = False
            return
        due = [door for door in self.doors if not door.is_clear or now_s - door.looked_s >= CLEAR_AGAIN_S]
        await asyncio.gather(*(self._clear(door) for door in due))

    async def _clear(self, door: GuardDoor) -> None:
        """The cancels first: the fence waits for nothing that rests, and what rests for no fence."""
        door.looked_s = asyncio.get_running_loop().time()
        try:
            await door.gateway.cancel_all()
            is_shut = await shut_known_fence(door)
            door.is_clear = not await door.reader.open_orders() and is_shut
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


def _is_paper(door: Door) -> bool:
    """What its journal lists is all there is: it can be read only when nobody trades the account."""
    return door.row.mode == Mode.PAPER


async def _says_yes(database: DatabaseThread, question: Callable[[], bool]) -> bool:
    """True where the database answers so within a second."""
    try:
        async with asyncio.timeout(1.0):
            return await database.call(question)
    except (TimeoutError, Error):
        return False


def _is_there() -> bool:
    traded_accounts()
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
