"""An engine's accounts from the moment it may trade them to the moment it may not: taken over, watched, given up.

Story: `take_over` shuts out whoever traded before us and reads everything; then each account is watched and, where the
venue wants it, kept alive. Invariants: an account trades only once all of its takeover has ended well; an engine that
the venue shuts out (L5), or whose lease is gone, trades nothing more and ends: it comes back as a follower.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial

import structlog

from core.clock import from_ms
from trading.engine.catchup import CatchUp
from trading.engine.clock import Clock
from trading.engine.database import DatabaseThread
from trading.engine.desk import Desk, DeskAccount
from trading.engine.fencing import take_over
from trading.engine.heart import keep_beating
from trading.engine.looking_after import AccountWatch
from trading.engine.supervised import TaskGroup, every
from trading.models import Order
from trading.services.lease import lease_bind
from trading.services.oddities import answer_tell
from trading.services.pauses import fence_lost
from trading.services.standstill import BROKEN, broken_halt
from venues.errors import AuthFailed, OutcomeUnknown, Throttled, VenueError

log = structlog.get_logger(__name__)

HEART_PAUSE_S = 2.0


class Custody:
    """Owns `DeskAccount.fence_token` and `is_reconciled` of every account of a desk."""

    def __init__(
        self,
        *,
        desk: Desk,
        database: DatabaseThread,
        writers: Iterable[DatabaseThread],
        clock: Clock,
        tasks: TaskGroup,
        catch_ups: list[CatchUp],
        cancel: Callable[[DeskAccount, Order], Awaitable[None]],
        ended: Callable[[str], None],
    ) -> None:
        """`writers`: all threads that write for this trader; `cancel` asks for one cancel; `ended` is told, with a
        word, that nothing may be traded any more."""
        self._desk = desk
        self._database = database
        self._writers = tuple(writers)
        self._clock = clock
        self._tasks = tasks
        self._ended = ended
        self.broken_by: tuple[str, str] | None = None
        """The task in which our own code was found to be wrong, and what was found."""
        self.shut_out: list[tuple[DeskAccount, str]] = []
        """The accounts whose fence the venue shut, and what it said."""
        self.watches = {
            account.name: AccountWatch(account=account, database=database, catch_up=catch_up, cancel=cancel)
            for account, catch_up in zip(desk.accounts.values(), catch_ups, strict=True)
        }

    async def take_over(self) -> None:
        """Raises where the venue does not confirm, or an account cannot be read: nothing is traded then."""
        accounts = list(self._desk.accounts.values())
        for writer in self._writers:
            await writer.call(lease_bind, {account.row.pk: account.epoch for account in accounts})
        at = from_ms(self._clock.now_ms())
        await _all(self._with_key(one, take_over(one, self._database, at=at)) for one in accounts)
        await _all(self._with_key(watch.account, watch.catch_up.at_start()) for watch in self.watches.values())

    async def _with_key(self, account: DeskAccount, work: Awaitable[None]) -> None:
        """A key that is refused here pauses the account too, so that its owner hears of it once."""
        try:
            await work
        except AuthFailed as error:
            await self.watches[account.name].note(error)
            raise

    def open(self) -> None:
        """All of the takeover has ended well: the accounts may be traded, unless they were lost meanwhile."""
        for account in self._desk.accounts.values():
            account.is_reconciled = bool(account.fence_token)

    def keep(self) -> None:
        """Watch the accounts in the background, in real time; with a dead-man switch nothing is sent before it has
        heard from us."""
        for name, watch in self.watches.items():
            self._tasks.supervise(f"watch.{name}", every(1.0, watch.each_second))
            self._tasks.supervise(f"look.{name}", every(5.0, watch.now_and_then))
            if watch.account.gateway.capabilities.dead_man:
                watch.account.alive_until_s = 0.0
                beating = partial(keep_beating, watch.account, self.fenced)
                self._tasks.supervise(f"heart.{name}", beating, pause_max_s=HEART_PAUSE_S)

    def fenced(self, account: DeskAccount, why: str) -> None:
        """The venue refuses our own fence, so that we are not the one who trades."""
        log.critical("trader_fenced", account=account.name, why=why)
        self.shut_out.append((account, why))
        self.give_up("fenced")
        telling = self._database.persist(fence_lost, venue_account=account.row, epoch=account.epoch, reason=why)
        self._tasks.spawn("fenced", telling)

    def broken(self, task: str, problem: AssertionError) -> None:
        """Our own code is not as it says it is (ORDERS K08): nothing more is sent, and a person has to look."""
        if self.broken_by is not None:
            return
        self.broken_by = task, str(problem)
        log.critical("trader_broken", task=task, problem=str(problem))
        halting = self._database.persist(broken_halt, user=self._desk.user, task=task, problem=str(problem))
        self._tasks.spawn("broken", halting)
        with suppress(AssertionError):  # telling the session may find the same again
            self.give_up(BROKEN)

    def give_up(self, reason: str) -> None:
        for account in self._desk.accounts.values():
            account.is_reconciled, account.fence_token = False, ""
        self._ended(reason)

    def trouble(self, account: DeskAccount, error: VenueError) -> None:
        """An order or a cancel was not answered plainly; a key that is refused pauses the account, and its owner hears
        of an answer that nobody knows (a redirect, a code of no list)."""
        if isinstance(error, AuthFailed):
            self._tasks.spawn("pause", self.watches[account.name].note(error))
        elif (
            isinstance(error, OutcomeUnknown) and not isinstance(error, Throttled) and 300 <= (error.status or 0) < 500
        ):
            telling = self._database.persist(answer_tell, venue_account=account.row, error=error)
            self._tasks.spawn("tell", telling)


async def _all(works: Iterable[Awaitable[None]]) -> None:
    """At the same time, each to its end. Raises what the first that failed raised."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
