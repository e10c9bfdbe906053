"""Proof that an order will never come to anything: the only way out of "sent, and no answer" but the venue's word.

Story (ORDERS §2.5): an order that the venue does not show is asked for every second. Where the venue has fences, its
absence counts from the moment its fence was proven shut; where orders expire for certain, from a while after that;
where the venue forgets ended orders, one that rested has ended. Two healthy reads at least two seconds apart, each with
a canary read of the account beside it, then end the order. Invariant: a read that failed, or that no canary vouched
for, proves nothing; nor does any absence before the order could no longer arrive.
"""

from __future__ import annotations

import asyncio

import msgspec
import structlog

from core.clock import from_ms, to_ms
from trading.domain.lifecycle import OrderStatus
from trading.engine.clock import Clock
from trading.engine.database import DatabaseThread
from trading.engine.desk import DeskAccount, order_ref
from trading.models import Order
from trading.selectors.fences import is_dead
from trading.services.orders import order_end_proven
from venues.ports import AccountReader
from venues.types import FillReport

log = structlog.get_logger(__name__)

YOUNG_MS = 10_000
"""Venue milliseconds after its send in which not being active proves nothing: the venue's reads lag behind."""
ABSENT_FOR_S = 2.0
"""Real seconds between the first and the last read that did not find an order that can no longer arrive."""
ROTATE_AFTER_S = 5.0
"""Real seconds an order of the current fence may be missing before the fence is given up for a proof."""


class Reads:
    """What the looks of one cycle share. Invariant: it is made before, and read after, the reads that did not find
    its orders: a fill that was matched in between is therefore seen."""

    def __init__(self, reader: AccountReader, *, since_ms: int) -> None:
        """`since_ms`: no order of the cycle was claimed before it."""
        self._reader = reader
        self._since_ms = since_ms - YOUNG_MS
        self._has_canary = False
        self._fills: list[FillReport] | None = None

    async def canary(self) -> None:
        """The venue shows us this account at this moment."""
        if not self._has_canary:
            await self._reader.balance()
            self._has_canary = True

    async def fills(self) -> list[FillReport]:
        if self._fills is None:
            self._fills = await self._reader.fills_since(self._since_ms)
        return self._fills


class ProofOfDeath:
    """Of one account. Ask `absent` for each order that a healthy read did not find, `found` for one that it did."""

    def __init__(self, *, account: DeskAccount, database: DatabaseThread, clock: Clock) -> None:
        self._account = account
        self._database = database
        self._clock = clock
        self._missing_since: dict[int, float] = {}
        self._counted_since: dict[int, float] = {}
        self.rotate_after_s = ROTATE_AFTER_S
        self.wants_new_fence = False
        """An order of the current fence is missing for long: only a shut fence can prove that it will not arrive."""

    @property
    def is_waiting(self) -> bool:
        """Some order was not found, and nothing is proven of it yet."""
        return bool(self._missing_since)

    def found(self, order: Order) -> None:
        self._missing_since.pop(order.pk, None)
        self._counted_since.pop(order.pk, None)

    async def absent(self, order: Order, reads: Reads) -> Order | None:
        """The order as it was ended now, if its absence is proof; else None. Raises VenueError: nothing is proven."""
        now_s = asyncio.get_running_loop().time()
        missing_s = now_s - self._missing_since.setdefault(order.pk, now_s)
        end = await self._provable_end(order)
        if end is None:
            self._counted_since.pop(order.pk, None)
            self._ask_for_fence(order, missing_s)
            log.warning("order_not_found_at_venue", order=order.client_order_id, status=order.status)
            return None
        await reads.canary()
        absent_s = now_s - self._counted_since.setdefault(order.pk, now_s)
        if absent_s < ABSENT_FOR_S or await self._has_unclaimed_fill(order, await reads.fills()):
            return None
        return await self._end(order, end, absent_s)

    async def _end(self, order: Order, end: OrderStatus, absent_s: float) -> Order:
        evidence = {
            "proof": "not at the venue and in no fill, read twice when it could no longer arrive",
            "absent_s": round(absent_s, 1),
            "fence": order.fence_token,
        }
        at = from_ms(self._clock.now_ms())
        kept = await self._database.call(order_end_proven, order=order, to=end, evidence=evidence, at=at)
        self.found(order)
        log.warning("order_ended_by_proof", order=order.client_order_id, status=kept.status)
        return kept

    async def _provable_end(self, order: Order) -> OrderStatus | None:
        """What the order must have come to if the venue does not know it; None: it may still arrive, or be ended."""
        capabilities = self._account.gateway.capabilities
        if not capabilities.forgets_ended_orders:
            is_shut_out = order.status == OrderStatus.CLAIMED and await self._database.call(
                is_dead, self._account.row, order.fence_token
            )
            return OrderStatus.VOID if capabilities.fences and is_shut_out else None
        now_ms = self._clock.now_ms()
        if now_ms - to_ms(order.sent_at or order.claimed_at) < YOUNG_MS:
            return None
        return _end_of_forgotten(order, now_ms, expiry_proves_end_ms=capabilities.expiry_proves_end_ms)

    def _ask_for_fence(self, order: Order, missing_s: float) -> None:
        is_current = bool(order.fence_token) and order.fence_token == self._account.fence_token
        if self._account.gateway.capabilities.fences and order.status == OrderStatus.CLAIMED and is_current:
            self.wants_new_fence = self.wants_new_fence or missing_s >= self.rotate_after_s

    async def _has_unclaimed_fill(self, order: Order, fills: list[FillReport]) -> bool:
        """A fill in the order's market that belongs to no order we know might be this one's."""
        since_ms = to_ms(order.claimed_at) - YOUNG_MS
        recent = (fill for fill in fills if fill.venue_ms >= since_ms // 1_000 * 1_000)
        here = {fill.venue_order_id for fill in recent if fill.market_id == order.market.market_id}
        if order.venue_order_id:
            return order.venue_order_id in here
        for venue_order_id in sorted(here - await self._database.call(_known_orders, self._account.row.pk, here)):
            ref = msgspec.structs.replace(order_ref(order), client_order_id="", venue_order_id=venue_order_id)
            report = await self._account.reader.order(ref)
            if report is None or report.client_order_id in ("", order.client_order_id):
                return True
        return False


def _end_of_forgotten(order: Order, now_ms: int, *, expiry_proves_end_ms: int | None) -> OrderStatus | None:
    """At a venue that forgets ended orders: one that rested has ended, one that was lost can no longer come."""
    is_open = order.status == OrderStatus.OPEN
    if is_open and order.cancel_requested_at is not None:
        return OrderStatus.CANCELED
    if order.expires_at is None or expiry_proves_end_ms is None:
        return OrderStatus.CANCELED if is_open else None
    return OrderStatus.EXPIRED if now_ms > to_ms(order.expires_at) + expiry_proves_end_ms else None


def _known_orders(account_pk: int, venue_order_ids: set[str]) -> set[str]:
    rows = Order.objects.filter(venue_account_id=account_pk, venue_order_id__in=venue_order_ids)
    return set(rows.values_list("venue_order_id", flat=True))
