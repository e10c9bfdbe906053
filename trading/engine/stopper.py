"""Follows every stop that concerns some accounts, until each is proven and for as long as it holds.

The engine has one for the accounts of its desk, and looks within 20 ms of a halt on its host; the guard has one for
what no trader stops. A stop that is proven is looked after more slowly: an order that was long on its way may still
turn up, and is taken off too. A key that the venue refuses is tried less often, another one at once. Invariant:
whatever one round at one account comes to, and however long it takes, the others go on, and so does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

import structlog

from accounts.models import VenueAccount
from risk.models import KillSwitchEvent
from trading.engine.database import AWAY, DatabaseThread
from trading.engine.patience import KeyPatience
from trading.engine.stopping import AccountStop, Door, is_over
from trading.models import OrderStatus
from trading.selectors.stops import accounts_in, open_stops, orders_in
from venues.errors import AuthFailed, VenueError

log = structlog.get_logger(__name__)

BUSY_S, IDLE_S, OVER_S = 0.3, 0.5, 5.0
WATCH_S = 0.02
REFUSED_S = 30.0
"""The longest pause after a refused key."""

Follows = Callable[[KillSwitchEvent, VenueAccount], bool]


class Stopper:
    """`doors` are the accounts it can act on now; `follows` says which stops at which accounts are its business."""

    def __init__(
        self,
        *,
        doors: Callable[[], Iterable[Door]],
        database: DatabaseThread,
        by: str,
        follows: Follows | None = None,
        lists_all: Callable[[Door], bool] = lambda door: False,
        generation: Callable[[], int] = lambda: 0,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`lists_all`: nothing of ours can be on its way to this account; `generation` changes with every halt of this
        host; `on_change` is called then."""
        self._doors = doors
        self._database = database
        self._by = by
        self._follows = follows
        self._lists_all = lists_all
        self._generation = generation
        self._on_change = on_change
        self._seen = 0
        self._stops: dict[tuple[int, int], AccountStop] = {}
        self._over_until: dict[tuple[int, int], float] = {}
        self._patience = KeyPatience(most_s=REFUSED_S)
        self._rounds: dict[tuple[int, int], asyncio.Task[None]] = {}
        self._is_done: dict[tuple[int, int], bool] = {}
        """By the last round that has ended."""
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look now. Call it on the event loop."""
        self._woken.set()

    async def run(self) -> None:
        """For ever; cancel to stop."""
        self._seen = self._generation()
        try:
            while True:
                await self._begin_rounds()
                if await self._is_early(IDLE_S if all(self._is_done.values()) else BUSY_S):
                    self._on_change()
        finally:
            for task in self._rounds.values():
                task.cancel()
            await asyncio.gather(*self._rounds.values(), return_exceptions=True)

    async def look(self) -> bool:
        """One round of everything that is not over, to its end. True while something is not."""
        await self._begin_rounds()
        await asyncio.gather(*self._rounds.values())
        return not all(self._is_done.values())

    async def _begin_rounds(self) -> None:
        """Of everything that is not over and has no round under way: an account that takes long keeps no other
        waiting."""
        try:
            work = await self._database.call(_work, [door.row for door in self._doors()])
        except AWAY as error:
            log.error("stops_not_read", error=str(error))
            return
        doors = {door.row.pk: door for door in self._doors()}
        found = {(event.pk, account.pk): event for event, account in work if account.pk in doors}
        self._forget_all_but({event.pk for event, _ in work}, set(found))
        for key, event in found.items():
            if key not in self._rounds:
                self._rounds[key] = asyncio.create_task(self._round(event, doors[key[1]]))
                self._rounds[key].add_done_callback(partial(self._rounds.pop, key))

    async def _round(self, event: KillSwitchEvent, door: Door) -> None:
        key, is_done = (event.pk, door.row.pk), False
        try:
            is_done = not await self._round_of(event, door)
        except (VenueError, *AWAY) as error:
            log.warning("stop_round_failed", account=door.row.account_key, error=str(error))
        except Exception:  # the supervisor's seam: no account's trouble ends the stops of the others
            log.exception("stop_round_failed", account=door.row.account_key)
        if key in self._is_done:  # it may have ended meanwhile
            self._is_done[key] = is_done

    async def _round_of(self, event: KillSwitchEvent, door: Door) -> bool:
        """True while there is something left to do. Raises VenueError, and what a database that is away raises."""
        key = (event.pk, door.row.pk)
        now_s = asyncio.get_running_loop().time()
        if now_s < self._over_until.get(key, 0.0):
            return False
        if key in self._over_until and not await self._database.call(_rests_again, event, door.row):
            self._over_until[key] = now_s + OVER_S
            return False
        if self._follows is not None and not await self._database.call(self._follows, event, door.row):
            return False
        stop = self._stop_at(event, door)
        if self._patience.is_waiting(key, stop, now_s=now_s):
            return True
        try:
            part = await stop.round()
        except AuthFailed:
            again_in_s = self._patience.refuse(key, stop, now_s=asyncio.get_running_loop().time())
            log.warning("stop_key_refused", account=door.row.account_key, again_in_s=again_in_s)
            raise
        self._patience.accept(key)
        if is_over(part):
            self._over_until[key] = asyncio.get_running_loop().time() + OVER_S
            return False
        return part.proven_gone_at is None

    def _stop_at(self, event: KillSwitchEvent, door: Door) -> AccountStop:
        """By the door as it is now: one that was opened anew has a key that the former had not."""
        key = (event.pk, door.row.pk)
        stop = self._stops.get(key)
        if stop is None or stop.door is not door:
            lists_all = self._lists_all(door)
            stop = AccountStop(event=event, door=door, database=self._database, by=self._by, lists_all=lists_all)
            self._stops[key] = stop
        return stop

    async def _is_early(self, pause_s: float) -> bool:
        """Wait for the next look; True when a halt cut the wait short."""
        deadline = asyncio.get_running_loop().time() + pause_s
        while asyncio.get_running_loop().time() < deadline:
            if self._woken.is_set() or self._generation() != self._seen:
                self._woken.clear()
                self._seen = self._generation()
                return True
            await asyncio.sleep(WATCH_S)
        return False

    def _forget_all_but(self, open_events: set[int], work: set[tuple[int, int]]) -> None:
        for key in [key for key in self._stops if key[0] not in open_events]:
            del self._stops[key]
            self._patience.accept(key)
        self._over_until = {key: until for key, until in self._over_until.items() if key[0] in open_events}
        self._is_done = {key: self._is_done.get(key, False) for key in work}


def _work(accounts: list[VenueAccount]) -> list[tuple[KillSwitchEvent, VenueAccount]]:
    """Every open stop with each of these accounts that it concerns; one query while nothing is stopped."""
    mine = {account.pk for account in accounts}
    return [(event, row) for event in open_stops() for row in accounts_in(event) if row.pk in mine]


def _rests_again(event: KillSwitchEvent, account: VenueAccount) -> bool:
    return orders_in(event, account).filter(status=OrderStatus.OPEN).exists()
