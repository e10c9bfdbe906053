"""Places and cancels paper orders: the `OrderGateway` of a paper account. What it answers, the venue would answer.

A request takes `latency_ms` of the data's time to arrive, as it does on a real line; until then nothing has happened,
and a process that dies meanwhile has sent nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from venues.errors import NotSent
from venues.paper.entry import admit
from venues.paper.exchange import PaperExchange
from venues.paper.records import Fenced, PaperOrder
from venues.ports import CancelAck, FenceKind, OrderAck, OrderRef, OrderRequest, PreparedOrder
from venues.types import MarketState, OrderState

LATENCY_MS = 50
_LOOK_EVERY_S = 0.005


class PaperOrders:
    """`OrderGateway` of one paper account."""

    def __init__(
        self, exchange: PaperExchange, *, account: str, clock_ms: Callable[[], int], latency_ms: int = LATENCY_MS
    ) -> None:
        self.account = account
        self.capabilities = exchange.dialect.capabilities
        self._exchange = exchange
        self._clock_ms = clock_ms
        self._latency_ms = latency_ms

    def prepare(self, request: OrderRequest) -> PreparedOrder:
        """The adapter's own bytes. Raises Rejected before any send."""
        return self._exchange.dialect.prepare(request)

    async def place(self, prepared: PreparedOrder) -> OrderAck:
        """Raises Rejected (Fenced too) with the venue's code, NotSent without a live book, OutcomeUnknown for an order
        that is there already or an account that could not be kept."""
        request = prepared.request
        if request.expires_ms is not None and request.expires_ms <= self._clock_ms():
            raise NotSent("Not sent: the order's time is over.", code="expired")
        now_ms = await self._arrive()
        entry = admit(self._exchange, prepared, now_ms)
        order = self._exchange.place(entry, now_ms)
        return _ack(order, now_ms)

    async def cancel(self, ref: OrderRef) -> CancelAck:
        """Raises OutcomeUnknown when the account could not be kept."""
        now_ms = await self._arrive()
        order = find(self._exchange, ref)
        reason = _why_not(self._exchange, order)
        if order is None or reason:
            return _cancel_ack(ref, None, reason)
        left_u = order.remaining_u
        self._exchange.cancel(order, now_ms)
        return _cancel_ack(ref, left_u, "")

    async def cancel_all(self) -> None:
        """Every resting order; one in its taker delay is not resting and survives."""
        now_ms = await self._arrive()
        for order in list(self._exchange.state.open.values()):
            if not _why_not(self._exchange, order):
                self._exchange.cancel(order, now_ms)

    async def open_fence(self, *, limit_u: int) -> str:
        """A new token; more than `limit_u` µcontracts matched in 15 s under it shut it. ValueError where the venue has
        no fence."""
        if self.capabilities.fence is not FenceKind.ORDER_GROUP:
            raise ValueError("this venue has no fence: ask its capabilities first")
        now_ms = await self._arrive()
        token = f"paper-{now_ms}-{len(self._exchange.state.fences) + 1}"
        self._exchange.fence(Fenced(token=token, is_open=True, limit_u=limit_u, at_ms=now_ms))
        return token

    async def close_fence(self, token: str) -> None:
        now_ms = await self._arrive()
        if not await self.is_fence_closed(token):
            self._exchange.fence(Fenced(token=token, is_open=False, limit_u=0, at_ms=now_ms))

    async def is_fence_closed(self, token: str) -> bool:
        self._exchange.check()
        return not self._exchange.state.fences.get(token)

    async def beat(self, *, takes_over: bool = False) -> None:
        """A paper account stops with the process that trades it: there is no dead man to guard against."""

    async def aclose(self) -> None:
        self._exchange.close()
        await self._exchange.dialect.aclose()

    async def _arrive(self) -> int:
        """The moment of the data's time at which the request is at the venue."""
        due_ms = self._clock_ms() + self._latency_ms
        while self._clock_ms() < due_ms:  # noqa: ASYNC110  the clock of the data may be virtual: nothing wakes us
            await asyncio.sleep(_LOOK_EVERY_S)
        self._exchange.check()
        now_ms = self._clock_ms()
        self._exchange.advance(now_ms)
        return now_ms


def find(exchange: PaperExchange, ref: OrderRef) -> PaperOrder | None:
    """By the venue's id, else by ours."""
    found = exchange.state.orders.get(ref.venue_order_id) if ref.venue_order_id else None
    return found or exchange.state.by_client_id.get(ref.client_order_id)


def _why_not(exchange: PaperExchange, order: PaperOrder | None) -> str:
    """Why an order cannot be canceled now; empty if it can."""
    if order is None:
        return "not_found"
    if order.state is OrderState.DELAYED:
        return "delayed"
    if not order.is_open:
        return f"already {order.state}"
    closed = (MarketState.CLOSED, MarketState.DETERMINED, MarketState.SETTLED)
    return "market_closed" if exchange.market(order.placed.market).state in closed else ""


def _ack(order: PaperOrder, now_ms: int) -> OrderAck:
    told = {"order_id": order.placed.order_id, "state": order.state, "filled_u": order.filled_u, "at_ms": now_ms}
    return OrderAck(
        venue_order_id=order.placed.order_id,
        state=order.state,
        filled_u=order.filled_u,
        remaining_u=order.remaining_u if order.is_open else 0,
        venue_ms=now_ms,
        raw=msgspec.json.encode(told),
    )


def _cancel_ack(ref: OrderRef, canceled_u: int | None, reason: str) -> CancelAck:
    return CancelAck(
        venue_order_id=ref.venue_order_id,
        is_canceled=canceled_u is not None,
        canceled_u=canceled_u,
        reason=reason,
        raw=msgspec.json.encode({"canceled_u": canceled_u, "reason": reason}),
    )
