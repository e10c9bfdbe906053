"""What the venue knows and we do not: read at start, after a stream was lost, and again and again while running.

Streams are for speed, reads for truth. A read that fails changes nothing here: it raises, and the next one comes.
Invariants: an order that was written down but provably never prepared for sending is closed as not sent; one that may
have been sent stays working until the venue shows it, or until its absence proves its end: a venue that forgets ended
orders was read twice, healthily, after the order could no longer be active, and no trade names it. One whose sender
died before an answer is unknown from the first moment of the next run, as if the answer had been lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Set
from datetime import datetime

import msgspec
import structlog
from django.db.models import Q

from accounts.models import VenueAccount
from core.clock import from_ms, to_ms
from core.kill_points import kill_point
from trading.domain.lifecycle import OrderStatus
from trading.engine.clock import Clock
from trading.engine.database import DatabaseThread
from trading.engine.desk import DeskAccount, order_ref
from trading.engine.ledger import LedgerKeeper
from trading.engine.proof import YOUNG_MS, ProofOfDeath, Reads
from trading.models import Order, Settlement
from trading.selectors.our_books import fills_known_to, pending_since
from trading.services.orders import order_mark_not_sent, order_mark_unknown
from venues.errors import AuthFailed, VenueError
from venues.types import OrderReport, OrderState

log = structlog.get_logger(__name__)

LOOK_BACK_MS = 10 * 60 * 1_000
FEW = 5
"""More missing orders than this are read as lists, not one by one."""
NOBODY_WAITS = "The program stopped between the send and its answer."


class CatchUp:
    """Reads one account and hands everything it finds to the ledger, which books what is new."""

    def __init__(
        self,
        *,
        account: DeskAccount,
        database: DatabaseThread,
        ledger: LedgerKeeper,
        clock: Clock,
        in_flight: Set[str],
    ) -> None:
        """`in_flight`: the decisions whose orders the executor is busy with."""
        self._account = account
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._in_flight = in_flight
        self.proof = ProofOfDeath(account=account, database=database, clock=clock)
        self._fills_read_ms: int | None = None
        self._working: set[int] = set()

    async def at_start(self) -> None:
        """All four reads, then the orders nobody reported. Raises what a failed read raises: do not trade then."""
        await self._unanswered()
        await self.orders()
        await self.fills()
        await self.settlements()
        await self.money()
        await self._ledger.settled()
        kill_point("P14.caught_up")

    async def orders(self) -> None:
        """What is open at the venue, and what became of those that only we still think are working."""
        await self._close_never_sent()
        await self._tell_ended()
        reports = await self._account.reader.open_orders()
        kill_point("P14.orders_read")
        seen = {report.venue_order_id for report in reports} | {report.client_order_id for report in reports}
        self._put(reports)
        working = await self._database.call(_working_orders, self._account.row.pk)
        await self._look_for_all([one for one in working if not seen & {one.client_order_id, one.venue_order_id}])

    async def unknown(self) -> None:
        """The orders whose send has no answer; asked for every second, until they are found or proven never to come."""
        await self._look_for_all(await self._unanswered())

    async def fills(self) -> None:
        """From a while before the last read that succeeded, at start before the last fill that is booked; and always
        before the oldest that is not final."""
        now_ms = self._clock.now_ms()
        since_ms = await self._database.call(_fills_since_ms, self._account.row, self._fills_read_ms)
        for report in await self._account.reader.fills_since(max(0, since_ms - LOOK_BACK_MS)):
            self._ledger.put(report)
        kill_point("P14.fills_read")
        self._fills_read_ms = now_ms

    async def fills_again(self, since_ms: int) -> None:
        """Everything from `since_ms` on, once more: something that was told is not booked."""
        for report in await self._account.reader.fills_since(since_ms):
            self._ledger.put(report)

    async def settlements(self) -> None:
        since_ms = await self._database.call(_last_settlement_ms, self._account.row.pk)
        for report in await self._account.reader.settlements_since(max(0, since_ms - LOOK_BACK_MS)):
            self._ledger.put(report)
        kill_point("P14.settlements_read")

    async def money(self) -> None:
        self._ledger.put(await self._account.reader.balance())

    def _put(self, reports: list[OrderReport]) -> None:
        for report in reports:
            self._ledger.put(report)

    async def _look_for_all(self, missing: list[Order]) -> None:
        """Unless they are on their way this moment. Many at once, as after a crash, are read as lists."""
        orders = [order for order in missing if order.decision_id not in self._in_flight]
        if not orders:
            return
        if len(orders) <= FEW:
            await self._look_for_few(orders)
            return
        now_ms, reads = self._clock.now_ms(), self._reads(orders)
        reports = await self._account.reader.orders_named([order_ref(order) for order in orders])
        named = {name: one for one in reports for name in (one.client_order_id, one.venue_order_id) if name}
        for order in orders:
            report = named.get(order.client_order_id) or named.get(order.venue_order_id)
            await self._judge(order, report, asked_ms=now_ms, reads=reads)

    async def _look_for_few(self, orders: list[Order]) -> None:
        """Each by its ids; then those that were not found, by reads that they share. One that cannot be read keeps no
        other waiting: what the first of them raised is raised at the end."""
        now_ms, reads = self._clock.now_ms(), self._reads(orders)
        absent: list[Order] = []
        problems: list[VenueError] = []
        for order in orders:
            try:
                report = await self._account.reader.order(order_ref(order))
            except AuthFailed:
                raise
            except VenueError as error:
                problems.append(error)
                continue
            if report is None:
                absent.append(order)
            else:
                await self._judge(order, report, asked_ms=now_ms, reads=reads)
        for order in absent:
            await self._judge(order, None, asked_ms=now_ms, reads=reads)
        if problems:
            raise problems[0]

    def _reads(self, orders: list[Order]) -> Reads:
        return Reads(self._account.reader, since_ms=min(to_ms(order.claimed_at) for order in orders))

    async def _judge(self, order: Order, report: OrderReport | None, *, asked_ms: int, reads: Reads) -> None:
        """What the venue said of it at `asked_ms`; finding nothing proves little."""
        is_young = asked_ms - to_ms(order.sent_at or order.claimed_at) < YOUNG_MS
        if report is None:
            ended = await self.proof.absent(order, reads)
            if ended is not None:
                kill_point("P12.proven")
                self._ledger.tell_end(ended)
            return
        self.proof.found(order)
        report = _as_filled(report, order)
        if not (is_young and self._forgets and report.state is OrderState.CANCELED):
            self._ledger.put(report)

    @property
    def _forgets(self) -> bool:
        return self._account.reader.capabilities.forgets_ended_orders

    async def _unanswered(self) -> list[Order]:
        """Those that were sent and that nobody here waits for, each of them unknown by its row too: asked on the thread
        that claims and keeps answers, so what is not busy now has either its answer or nobody who could write it."""
        busy = frozenset(self._in_flight)
        return await self._database.call(_unknown_orders, self._account.row.pk, busy, from_ms(self._clock.now_ms()))

    async def _close_never_sent(self) -> None:
        """The executor claims and prepares on the same database thread, so what is asked now is before or after it."""
        busy = frozenset(self._in_flight)
        for order in await self._database.call(_close_never_prepared, self._account.row.pk, busy):
            self._ledger.tell_end(order)
            kill_point("P12.never_prepared")

    async def _tell_ended(self) -> None:
        """Those that worked when this was last asked and are over by now. Who else writes (a person, a comparison
        beside us) tells the rows only, and the session would wait for them for ever."""
        over, self._working = await self._database.call(_over_since, self._account.row.pk, self._working)
        for order in over:
            self._ledger.tell_end(order)


async def every_account(catch_ups: list[CatchUp], read: Callable[[CatchUp], Awaitable[None]]) -> None:
    """The same read for all accounts, one after the other."""
    for catch_up in catch_ups:
        await read(catch_up)


def _as_filled(report: OrderReport, order: Order) -> OrderReport:
    """A venue that forgets closed orders cannot say how one ended; filled whole, it was not canceled."""
    if report.state is OrderState.CANCELED and report.filled_u >= order.qty_u:
        return msgspec.structs.replace(report, state=OrderState.FILLED)
    return report


def _working_orders(account_pk: int) -> list[Order]:
    """What may be at the venue: sent by us, or a person's own order that was adopted and that nobody here sent."""
    working = Order.objects.filter(venue_account_id=account_pk, status__in=[OrderStatus.CLAIMED, OrderStatus.OPEN])
    return list(working.filter(Q(sent_at__isnull=False) | Q(is_external=True)).select_related("market"))


def _over_since(account_pk: int, worked: set[int]) -> tuple[list[Order], set[int]]:
    """Those of `worked` that do not work any more, and those that work now."""
    rows = Order.objects.filter(venue_account_id=account_pk, status__in=[OrderStatus.CLAIMED, OrderStatus.OPEN])
    working = set(rows.values_list("pk", flat=True))
    return list(Order.objects.filter(pk__in=worked - working)), working


def _unknown_orders(account_pk: int, busy: Set[str], at: datetime) -> list[Order]:
    claimed = Order.objects.filter(venue_account_id=account_pk, status=OrderStatus.CLAIMED).exclude(sent_at=None)
    orders = claimed.exclude(decision_id__in=busy).select_related("market")
    for order in orders:
        if order.unknown_at is None:
            order_mark_unknown(order=order, code="answer_lost", reason=NOBODY_WAITS, at=at)
    return list(orders)


def _close_never_prepared(account_pk: int, busy: Set[str]) -> list[Order]:
    claimed = Order.objects.filter(venue_account_id=account_pk, status=OrderStatus.CLAIMED, sent_at=None)
    return [
        order_mark_not_sent(
            order=order,
            code="never_prepared",
            reason="The program stopped between the claim and the send: no byte of this order was made.",
        )
        for order in claimed.exclude(decision_id__in=busy)
    ]


def _fills_since_ms(account: VenueAccount, read_ms: int | None) -> int:
    """Venue milliseconds; 0 where nothing was ever read or booked."""
    since = fills_known_to(account) if read_ms is None else pending_since(account)
    told = [read_ms] if read_ms is not None else []
    return min([*told, *([to_ms(since)] if since is not None else [])], default=0)


def _last_settlement_ms(account_pk: int) -> int:
    rows = Settlement.objects.filter(venue_account_id=account_pk)
    last = rows.order_by("-venue_at").values_list("venue_at", flat=True)[:1]
    return to_ms(last[0]) if last else 0
