"""Reports from the venues become rows first and reach the session only then.

Reports come from private streams (fast) and from catch-up reads (complete); the services book each once, in whatever
order. Invariant: one report at a time, none dropped: while the database is away the queue waits, and what a full queue
could not take is read again from the venue. The session is told of every report, known or new: it counts each once by
its own key, and a row that it never heard of (written by a trader before us, voided since) reaches it all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec
import structlog

from core.errors import DomainError
from core.kill_points import kill_point
from trading.domain.lifecycle import ENDED, OrderStatus
from trading.domain.messages import IntentUpdate
from trading.engine.database import AWAY, RETRY_S, DatabaseThread
from trading.engine.desk import DeskAccount
from trading.models import Order
from trading.services.fills import fill_book
from trading.services.orders import order_apply_report
from trading.services.reports import market_ensure_listed
from trading.services.settlement import settlement_book
from venues.types import (
    AccountMessage,
    BalanceReport,
    FillReport,
    OrderReport,
    PositionReport,
    SettlementReport,
)

log = structlog.get_logger(__name__)

QUEUE_MAX = 10_000

Tell = Callable[[AccountMessage | IntentUpdate], None]


class LedgerKeeper:
    """Books account messages in order. `rows_changed` counts what pages may want to show again."""

    def __init__(self, *, accounts: Mapping[str, DeskAccount], database: DatabaseThread, tell: Tell) -> None:
        self._accounts = accounts
        self._database = database
        self._tell = tell
        self._queue: asyncio.Queue[AccountMessage] = asyncio.Queue(QUEUE_MAX)
        self._listed: set[str] = set()
        self.rows_changed = 0
        self.fills_booked = 0

    def put(self, report: AccountMessage) -> None:
        """Never blocks. A full queue means that the database has been away long: catch-up will read it again."""
        try:
            self._queue.put_nowait(report)
        except asyncio.QueueFull:
            log.error("report_not_queued", kind=type(report).__name__)

    def mute(self) -> None:
        """Tell the session nothing more: it is stopping, and must decide nothing. Rows are kept all the same."""
        self._tell = lambda _: None

    async def run(self) -> None:
        """Book for ever; cancel to stop."""
        while True:
            report = await self._queue.get()
            kill_point("P8.report_taken")
            try:
                await self._keep(report)
            except Exception:  # the supervisor's seam: a report that cannot be booked must not hold up the others
                log.exception("report_failed", kind=type(report).__name__)
            finally:
                self._queue.task_done()

    async def settled(self) -> None:
        """Return when everything put so far is booked."""
        await self._queue.join()

    @property
    def is_idle(self) -> bool:
        return self._queue.empty()

    async def _keep(self, report: AccountMessage) -> None:
        while True:
            try:
                await self._book(report)
                return
            except AWAY as error:
                log.error("report_waits_for_database", kind=type(report).__name__, error=str(error))
                await asyncio.sleep(RETRY_S)
            except DomainError as error:
                log.error("report_refused", kind=type(report).__name__, code=error.code, error=error.message)
                return

    async def _book(self, report: AccountMessage) -> None:
        account = self._accounts[report.account].row
        if isinstance(report, (FillReport, OrderReport, SettlementReport)) and report.market_id not in self._listed:
            await self._database.call(market_ensure_listed, report)
            self._listed.add(report.market_id)
        match report:
            case FillReport():
                fill = await self._database.call(fill_book, venue_account=account, report=report)
                kill_point("P9.after_commit")
                self._tell(_with_ids_of(fill.order if fill is not None else None, report))
                if fill is not None:
                    self.fills_booked += 1
                    self.rows_changed += 1
                    self._tell_of_fill(fill.order)
            case OrderReport():
                order = await self._database.call(order_apply_report, venue_account=account, report=report)
                kill_point("P8.report_after_commit")
                if order is not None:
                    self.rows_changed += 1
                    self._tell(_intent_update(order, report))
            case SettlementReport():
                if await self._database.call(settlement_book, venue_account=account, report=report) is not None:
                    self.rows_changed += 1
                kill_point("P13.after_commit")
                self._tell(report)
            case BalanceReport() | PositionReport():
                self._tell(report)

    def tell_end(self, order: Order) -> None:
        """Tell the session how an order stands that no report of the venue tells it of."""
        self.rows_changed += 1
        self._tell(
            IntentUpdate(
                decision_id=order.decision_id,
                status=OrderStatus(order.status),
                filled_u=order.filled_u,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                reason=order.reason_code,
            )
        )

    def _tell_of_fill(self, order: Order | None) -> None:
        """A fill may be the only evidence of an order's end that ever comes."""
        if order is not None and order.status in ENDED:
            self.tell_end(order)


def _with_ids_of(order: Order | None, fill: FillReport) -> FillReport:
    """A read may know a fill by one of its order's two ids only; the session finds the intent by either."""
    if order is None:
        return fill
    return msgspec.structs.replace(fill, client_order_id=order.client_order_id, venue_order_id=order.venue_order_id)


def _intent_update(order: Order, report: OrderReport) -> IntentUpdate:
    return IntentUpdate(
        decision_id=order.decision_id,
        status=OrderStatus(order.status),
        filled_u=report.filled_u,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        reason=report.reason,
    )
