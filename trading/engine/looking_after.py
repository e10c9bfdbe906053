"""What is looked after on each account while it trades: lost answers, cancels that are not proven, fills that are told
and not shown, keys that are refused.

Story: every second the orders without an answer are looked for, a fence that has to prove something is changed, and
cancels that were asked for are asked for again until the order has ended. Now and then what the venue says is filled
is held against the fills it shows, and the age of the last comparison with its books is looked at. Invariants: a cancel
is never given up and never repeated faster than its pause; an account is paused for what it cannot know, and goes on by
itself once the cause is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import NamedTuple

import structlog
from django.db.models import F

from core.clock import to_ms
from core.errors import Conflict
from core.sql import Statement, run
from trading.domain.lifecycle import OrderStatus
from trading.engine.catchup import LOOK_BACK_MS, CatchUp
from trading.engine.database import DatabaseThread
from trading.engine.desk import DeskAccount
from trading.engine.fencing import rotate
from trading.models import Order
from trading.services.pauses import AUTH, FILLS_MISSING, account_pause, account_unpause, unknown_orders_alert
from trading.services.reconciliation_halts import reconciliation_overdue_pause
from venues.errors import AuthFailed, VenueError

log = structlog.get_logger(__name__)

CANCEL_FIRST_S = 2.0
CANCEL_MAX_S = 30.0
FETCH_AFTER_S = 5.0
PAUSE_AFTER_S = 60.0
DUST_U = 10_000
"""µcontracts by which a venue's word and its fills may differ for good: a hundredth of a contract."""
KEY_WELL_FOR_S = 60.0
"""Seconds in which the venue refused our key not once, after which it counts as accepted again."""

_SENT = "FROM trading_order WHERE venue_account_id = %(account)s AND sent_at IS NOT NULL"
_WANTED = f"""
SELECT
  EXISTS (SELECT 1 {_SENT} AND status = 'claimed'),
  EXISTS (SELECT 1 {_SENT} AND status IN ('claimed', 'open') AND cancel_requested_at IS NOT NULL AND NOT is_external),
  EXISTS (SELECT 1 FROM trading_venuefence
    WHERE venue_account_id = %(account)s AND token = %(fence)s AND state = 'dead')
"""
"""The conditions of `catchup.unknown` and of `_cancels_wanted`; and whether somebody else shut our fence (the guard,
beside a KILL file): no order can be claimed under it."""


class AccountWatch:
    """Of one account. `each_second` and `now_and_then` are called by the engine's rhythm."""

    def __init__(
        self,
        *,
        account: DeskAccount,
        database: DatabaseThread,
        catch_up: CatchUp,
        cancel: Callable[[DeskAccount, Order], Awaitable[None]],
    ) -> None:
        self.account = account
        self.catch_up = catch_up
        self._database = database
        self._cancel = cancel
        self._cancel_due: dict[int, tuple[float, float]] = {}
        self._short_since: dict[int, float] = {}
        self._refused_s: float | None = None

    async def each_second(self) -> None:
        """Raises nothing of the venue's: what fails now is tried again in a second, and keeps nothing else waiting."""
        wanted = await self._database.call(_wanted, self.account.row.pk, self.account.fence_token)
        if wanted.cancels or self._cancel_due:
            await self._tried(self._cancel_again)
        if wanted.unknown:
            await self._tried(self.catch_up.unknown)
        if wanted.fence:
            self.catch_up.proof.wants_new_fence = True
        await self._tried(self._change_fence)

    async def now_and_then(self) -> None:
        """Alert on answers that stay away, hold told fills against shown ones, lift what is over. Raises nothing of
        the venue's."""
        await self._database.call(unknown_orders_alert, venue_account=self.account.row)
        if self.account.is_reconciled:
            await self._database.call(reconciliation_overdue_pause, venue_account=self.account.row)
        await self._check_fills()
        is_well = self._refused_s is None or _now_s() - self._refused_s > KEY_WELL_FOR_S
        if is_well and await self._lift(AUTH, "The venue accepts the key again."):
            self._refused_s = None

    async def _tried(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except VenueError as error:
            log.warning("watch_not_answered", account=self.account.name, code=error.code, error=error.message)
            await self.note(error)
        except Conflict as lost:
            log.error("watch_refused", account=self.account.name, code=lost.code)

    async def _change_fence(self) -> None:
        if self.account.is_reconciled and (self.catch_up.proof.wants_new_fence or not self.account.fence_token):
            await rotate(self.account, self._database)
            self.catch_up.proof.wants_new_fence = False

    async def note(self, error: VenueError) -> None:
        """A key that the venue refuses pauses the account at once."""
        if isinstance(error, AuthFailed):
            self._refused_s = _now_s()
            reason = f"The venue does not accept this account's key: check it. ({error.message})"
            await self._database.call(account_pause, venue_account=self.account.row, code=AUTH, reason=reason)

    async def _cancel_again(self) -> None:
        """A cancel that waited for the order's id goes out as soon as it is known; others after a growing pause."""
        rows = await self._database.call(_cancels_wanted, self.account.row.pk)
        now_s = _now_s()
        self._cancel_due = {order.pk: due for order in rows if (due := self._cancel_due.get(order.pk))}
        for order in rows:
            due_s, pause_s = self._cancel_due.setdefault(order.pk, (now_s + CANCEL_FIRST_S, CANCEL_FIRST_S))
            if not order.venue_order_id:
                self._cancel_due[order.pk] = (now_s, CANCEL_FIRST_S)
            elif now_s >= due_s:
                self._cancel_due[order.pk] = (now_s + pause_s, min(pause_s * 2, CANCEL_MAX_S))
                await self._cancel(self.account, order)

    async def _check_fills(self) -> None:
        """R3: what is told and not shown for 5 s is fetched; for a minute, it pauses the account, whether or not the
        venue answers when it is fetched once more."""
        rows = await self._database.call(_short_of_fills, self.account.row.pk)
        now_s = _now_s()
        self._short_since = {order.pk: self._short_since.get(order.pk, now_s) for order in rows}
        late = [order for order in rows if now_s - self._short_since[order.pk] >= FETCH_AFTER_S]
        lost = [order for order in late if now_s - self._short_since[order.pk] >= PAUSE_AFTER_S]
        if lost:
            reason = f"The venue says that order {lost[0].client_order_id} was filled and does not show its fills."
            await self._database.call(account_pause, venue_account=self.account.row, code=FILLS_MISSING, reason=reason)
        elif not rows:
            await self._lift(FILLS_MISSING, "Every fill that was told is booked.")
        if late:
            since_ms = min(to_ms(order.claimed_at) for order in late) - LOOK_BACK_MS
            await self._tried(partial(self.catch_up.fills_again, max(0, since_ms)))

    async def _lift(self, code: str, reason: str) -> bool:
        return await self._database.call(account_unpause, venue_account=self.account.row, code=code, reason=reason)


async def read_patiently(watches: Iterable[AccountWatch], read: Callable[[CatchUp], Awaitable[None]]) -> None:
    """The same read for all accounts at the same time; one account's trouble keeps nobody else waiting."""

    async def of_one(watch: AccountWatch) -> None:
        try:
            await read(watch.catch_up)
        except VenueError as error:
            log.warning("catch_up_failed", account=watch.account.name, code=error.code, error=error.message)
            await watch.note(error)

    for outcome in await asyncio.gather(*map(of_one, watches), return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def _now_s() -> float:
    return asyncio.get_running_loop().time()


class Wanted(NamedTuple):
    """Whether an account has orders without an answer, and cancels that are not proven; and needs another fence."""

    unknown: bool
    cancels: bool
    fence: bool


def _wanted(account_pk: int, fence_token: str) -> Wanted:
    """By one small statement each second; the orders themselves are read where there are any. An order that is missing
    here by a hair's breadth is there a second later."""
    (answer,) = run(Statement(_WANTED, {"account": account_pk, "fence": fence_token}))
    return Wanted(*map(bool, answer.rows[0]))


def _cancels_wanted(account_pk: int) -> list[Order]:
    working = Order.objects.filter(venue_account_id=account_pk, status__in=[OrderStatus.CLAIMED, OrderStatus.OPEN])
    asked = working.exclude(cancel_requested_at=None).exclude(sent_at=None).filter(is_external=False)
    return list(asked.select_related("market", "venue_account"))


def _short_of_fills(account_pk: int) -> list[Order]:
    """Our orders of which the venue says that more was filled than it ever showed."""
    rows = Order.objects.filter(venue_account_id=account_pk, is_external=False, venue_filled_u__gt=0)
    return list(rows.filter(venue_filled_u__gt=F("filled_u") + F("voided_u") + DUST_U))
