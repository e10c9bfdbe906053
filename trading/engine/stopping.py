"""An emergency stop at the venues: take off what rests, list until nothing is left, then say so in the receipt.

Story: the engine follows every stop that concerns its accounts; the guard does the same by doors of its own where no
trader does. Both run the same round: cancel (all at once where whole accounts stop), list at the venue, cancel what is
still listed, and again, whatever the venue answered. Invariants: only the venue's own list, read some time after the
last send and the last cancel, proves an order gone; an order whose answer is missing is not gone; a cancel that is
refused (a pause) is asked again until it is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from accounts.models import VenueAccount
from core import clock
from core.money import plain_text
from markets.models import Market
from risk.models import KillSwitchEvent, KillSwitchPart
from risk.receipts import stop_part_cancels
from trading.engine.database import DatabaseThread
from trading.engine.desk import order_ref
from trading.models import Order, OrderStatus
from trading.selectors.stops import WIDE, orders_in, orders_over_in
from trading.services.claims import CLIENT_ID_PREFIX
from trading.services.orders import orders_cancel_requested
from trading.services.stopping import account_stop_begin, account_stop_note, stuck_order
from venues.errors import VenueError
from venues.ports import CancelAck, OrderRef
from venues.types import OrderReport

log = structlog.get_logger(__name__)

PROVES_AFTER_S = 0.4
"""A list read sooner after a send or a cancel may be older than that at the venue: it proves nothing."""
AT_ONCE = 10
"""Cancels on the way at the same time."""


class Lister(Protocol):
    """What a stop reads: the part of an `AccountReader` that tells what rests."""

    async def open_orders(self) -> list[OrderReport]: ...


class Canceller(Protocol):
    """What a stop may ask for: the part of an `OrderGateway` that only takes away."""

    async def cancel(self, ref: OrderRef) -> CancelAck: ...
    async def cancel_all(self) -> None: ...


class Door(Protocol):
    """One account as a trader's desk, or the guard, has it open."""

    @property
    def row(self) -> VenueAccount: ...
    @property
    def reader(self) -> Lister: ...
    @property
    def gateway(self) -> Canceller: ...


@dataclass
class Look:
    """What one listing at the venue came to, against our rows."""

    listed: list[Order] = field(default_factory=list)
    unanswered: list[Order] = field(default_factory=list)
    orphans: list[OrderReport] = field(default_factory=list)
    """Ours by their names, and not in our books."""
    strangers: int = 0
    began_s: float = 0.0

    @property
    def is_empty(self) -> bool:
        return not (self.listed or self.unanswered or self.orphans)


class AccountStop:
    """One account's part of one stop, round by round until it is proven (and flat, where that was asked for)."""

    def __init__(
        self, *, event: KillSwitchEvent, door: Door, database: DatabaseThread, by: str, lists_all: bool = False
    ) -> None:
        """`lists_all`: nothing of ours can be on its way to this account, so that its list alone tells what is left."""
        self._lists_all = lists_all
        self._event = event
        self._door = door
        self._database = database
        self._by = by
        self._part: KillSwitchPart | None = None
        self._acted_s = asyncio.get_running_loop().time()
        self._refusals: dict[str, str] = {}

    @property
    def door(self) -> Door:
        return self._door

    async def round(self) -> KillSwitchPart:
        """Cancel, list, write down. Raises VenueError where the venue cannot even be read: try again."""
        if self._part is None:
            await self._begin()
        look = await self._look()
        if look.orphans:
            await self._cancel_orphans(look.orphans)
        if look.listed:
            await self._cancel(look.listed)
        elif look.is_empty and look.began_s - self._acted_s < PROVES_AFTER_S:
            await asyncio.sleep(PROVES_AFTER_S - (look.began_s - self._acted_s))
            look = await self._look()
        return await self._write_down(look)

    async def _begin(self) -> None:
        """One request for everything where the whole account stops; what it does not reach is canceled one by one. What
        was there is written down while the cancels are on their way: they wait for no write."""
        orders = await self._database.call(_working, self._event, self._door.row)
        is_whole = self._event.scope in WIDE and not await self._has_strangers()
        named = [order for order in orders if order.venue_order_id]
        first_at = clock.now()
        asking = (
            (self._ask_all(orders) if is_whole else self._ask_each(map(order_ref, named))) if orders else _nothing()
        )
        writing = self._database.call(
            account_stop_begin, event=self._event, venue_account=self._door.row, orders=orders
        )
        self._part, sent = await asyncio.gather(writing, asking)
        if sent:
            await self._database.call(_note_cancels, self._part, orders if is_whole else named, first_at, sent)

    async def _cancel_orphans(self, reports: list[OrderReport]) -> None:
        """Each by its own id: beside them may rest what people placed by hand. Only with one in a market that no row
        tells of, everything is asked for."""
        refs = await self._database.call(_refs_of, reports)
        first_at = clock.now()
        sent = await (self._ask_each(refs) if len(refs) == len(reports) else self._ask_all([]))
        await self._database.call(_note_cancels, self._part, [], first_at, sent)

    async def _cancel(self, orders: list[Order]) -> None:
        """All of them, a few at a time; whatever is answered, only the next list tells."""
        first_at = clock.now()
        sent = await self._ask_each(map(order_ref, orders))
        await self._database.call(_note_cancels, self._part, orders, first_at, sent)

    async def _ask_all(self, orders: list[Order]) -> int:
        """How many requests that were."""
        try:
            await self._door.gateway.cancel_all()
        except VenueError as error:
            self._refusals |= {order.client_order_id: f"{error.code}: {error.message}" for order in orders}
        self._acted_s = asyncio.get_running_loop().time()
        return 1

    async def _ask_each(self, refs: Iterable[OrderRef]) -> int:
        """A few at a time. How many requests that were."""
        gate, named = asyncio.Semaphore(AT_ONCE), list(refs)

        async def one(ref: OrderRef) -> None:
            async with gate:
                try:
                    ack = await self._door.gateway.cancel(ref)
                    self._refusals[ref.client_order_id] = "" if ack.is_canceled else ack.reason
                except VenueError as error:
                    self._refusals[ref.client_order_id] = f"{error.code}: {error.message}"

        await asyncio.gather(*map(one, named))
        self._acted_s = asyncio.get_running_loop().time()
        return len(named)

    async def _has_strangers(self) -> bool:
        """Orders that people placed by hand stay: where the books know of any, ours are named one by one."""
        return await self._database.call(_has_strangers, self._door.row)

    async def _look(self) -> Look:
        """The venue's list first, our rows after it: an order that was sent meanwhile is in the rows, if not listed."""
        began_s = asyncio.get_running_loop().time()
        reports = await self._door.reader.open_orders()
        rows = await self._database.call(_in_scope, self._event, self._door.row, reports)
        look = _compared(reports, rows)
        look.began_s = began_s
        if self._lists_all:
            look.unanswered = []
        if self._event.scope not in WIDE:  # orders without a row may be anybody's and anywhere
            look.orphans = []
        return look

    async def _write_down(self, look: Look) -> KillSwitchPart:
        assert self._part is not None
        is_gone = look.is_empty and look.began_s - self._acted_s >= PROVES_AFTER_S
        stuck = [stuck_order(order, why=self._why(order)) for order in look.listed]
        stuck += [stuck_order(order, why="its send has no answer yet") for order in look.unanswered]
        self._part = await self._database.call(
            account_stop_note, part=self._part, stuck=stuck, left_alone=look.strangers, is_gone=is_gone, by=self._by
        )
        if is_gone:
            pnl = plain_text(self._part.pnl_u)
            log.warning("stop_proven", account=self._door.row.account_key, by=self._by, pnl_usd=pnl)
        return self._part

    def _why(self, order: Order) -> str:
        return self._refusals.get(order.client_order_id) or "the venue lists it still"


def is_over(part: KillSwitchPart) -> bool:
    """Nothing is left to do for this account: gone, and sold where that was asked for."""
    return part.proven_gone_at is not None and (part.flat_at is not None or not part.event.flatten)


def _compared(reports: Iterable[OrderReport], rows: list[Order]) -> Look:
    names = {name: order for order in rows for name in (order.client_order_id, order.venue_order_id) if name}
    listed: dict[int, Order] = {}
    orphans: list[OrderReport] = []
    strangers = 0
    for report in reports:
        order = names.get(report.client_order_id) or names.get(report.venue_order_id)
        if order is None and report.client_order_id.startswith(CLIENT_ID_PREFIX):
            orphans.append(report)
        elif order is None:
            strangers += 1
        else:
            order.venue_order_id = order.venue_order_id or report.venue_order_id
            listed[order.pk] = order
    unanswered = [
        order for order in rows if order.status == OrderStatus.CLAIMED and order.pk not in listed and order.sent_at
    ]
    return Look(list(listed.values()), unanswered, orphans, strangers)


def _working(event: KillSwitchEvent, account: VenueAccount) -> list[Order]:
    return list(orders_in(event, account))


def _in_scope(event: KillSwitchEvent, account: VenueAccount, reports: list[OrderReport]) -> list[Order]:
    """Our orders that work, and those that are over in our books and that the venue lists all the same."""
    names = {name for report in reports for name in (report.client_order_id, report.venue_order_id) if name}
    return [*orders_in(event, account), *(orders_over_in(event, account, names) if names else ())]


def _refs_of(reports: list[OrderReport]) -> list[OrderRef]:
    """Names of orders without a row, where the market has one."""
    markets = {row.market_id: row for row in Market.objects.filter(market_id__in={one.market_id for one in reports})}
    return [
        OrderRef(
            client_order_id=report.client_order_id,
            venue_order_id=report.venue_order_id,
            market=markets[report.market_id].venue_market,
            placed_ms=report.venue_ms,
        )
        for report in reports
        if report.market_id in markets
    ]


def _has_strangers(account: VenueAccount) -> bool:
    return Order.objects.filter(venue_account=account, is_external=True, status=OrderStatus.OPEN).exists()


async def _nothing() -> int:
    return 0


def _note_cancels(part: KillSwitchPart | None, orders: list[Order], first_at: datetime, sent: int) -> None:
    assert part is not None, "cancels are noted after the part is begun"
    stop_part_cancels(part=part, sent=sent, first_at=first_at)
    orders_cancel_requested(orders=orders, reason="emergency stop")
