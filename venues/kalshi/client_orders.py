"""The order door: place, cancel, amend, decrease, cancel all. One call is one request; nothing is sent twice.

A create answers 201 without a status: counts tell what happened. A cancel's 404 is no proof of anything but "not
resting now": the order may have filled. Source: docs.kalshi.com, orders V2, and recorded replies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from venues.errors import NotSent, OutcomeUnknown, Rejected, VenueError
from venues.kalshi.budget import Budget
from venues.kalshi.capabilities import CAPABILITIES
from venues.kalshi.constants import CANCEL_CANNOT_NOW, NO_SUCH_ORDER, ORDERS, KalshiEndpoints, KalshiKey
from venues.kalshi.numbers import amount_u, count_text, price_text
from venues.kalshi.order_groups import LARGEST_LIMIT_U, LIMIT_STEP_U, OrderGroups
from venues.kalshi.orders import check_price, check_quantity, prepare_order, shard_of, wire_side, yes_price_u
from venues.kalshi.pauses import PauseGate
from venues.kalshi.refusals import refusal_of
from venues.kalshi.rest import KalshiRest, Params
from venues.kalshi.schemas import WireExchangeStatus
from venues.kalshi.schemas_portfolio import AmendReply, BalanceReply, CancelReply, CreateReply, DecreaseReply
from venues.kalshi.shard_cash import ShardCash
from venues.kalshi.sign import wall_clock_ms
from venues.kalshi.values import OrderChange
from venues.ports import CancelAck, OrderAck, OrderRef, OrderRequest, PreparedOrder
from venues.transport.http import HttpReply
from venues.transport.socket import ReconnectingSocket
from venues.types import MICRO, OrderState, Outcome, Side


class KalshiOrders:
    """`OrderGateway` of one account, with amends, decreases, order groups and shard cash beside it."""

    capabilities = CAPABILITIES
    sockets: tuple[ReconnectingSocket, ...] = ()

    def __init__(
        self,
        endpoints: KalshiEndpoints,
        key: KalshiKey,
        *,
        account: str,
        clock_ms: Callable[[], int],
        budget: Budget | None = None,
    ) -> None:
        """`clock_ms` is the time of the data (virtual in a simulation); requests are signed by the real clock.

        Doors of one user share a `budget`: the venue counts their tokens together.
        """
        self.account = account
        self.rest = KalshiRest(endpoints, key, name="kalshi.orders", wall_clock_ms=wall_clock_ms, budget=budget)
        self.calls = (self.rest.calls,)
        self.groups = OrderGroups(self.rest)
        self.cash = ShardCash(self.rest)
        self.pauses = PauseGate(lambda: self.rest.get("/exchange/status", WireExchangeStatus))
        self._clock_ms = clock_ms

    def prepare(self, request: OrderRequest) -> PreparedOrder:
        """The bytes of the create. Raises Rejected before any send."""
        return prepare_order(request, now_ms=self._clock_ms())

    async def place(self, prepared: PreparedOrder) -> OrderAck:
        """Raises NotSent, Rejected, OutcomeUnknown, Throttled, AuthFailed; `order_already_exists` is an unknown."""
        shard = shard_of(prepared.request.market)
        await self.pauses.check(shard=shard)
        reply = await self.rest.order_write("POST", prepared.path, shard=shard, body=prepared.body)
        if reply.status not in (200, 201):
            failure = self.rest.write_failure(reply)
            self.pauses.note(failure, shard=shard)
            raise failure
        return self._ack(prepared.request, reply)

    def _ack(self, request: OrderRequest, reply: HttpReply) -> OrderAck:
        created = self.rest.read_reply(reply, CreateReply)
        if created.client_order_id not in ("", request.client_order_id):
            raise OutcomeUnknown("The reply is about another order.", code="unreadable_reply", status=reply.status)
        filled_u, remaining_u = self._amount(created.fill_count, reply), self._amount(created.remaining_count, reply)
        if not created.order_id or filled_u + remaining_u > request.qty_u:
            raise OutcomeUnknown("The reply tells of another size.", code="unreadable_reply", status=reply.status)
        return OrderAck(
            venue_order_id=created.order_id,
            state=_state(request.qty_u, filled_u, remaining_u),
            filled_u=filled_u,
            remaining_u=remaining_u,
            venue_ms=created.ts_ms,
            raw=reply.body,
        )

    async def cancel(self, ref: OrderRef) -> CancelAck:
        """Raises NotSent, OutcomeUnknown, Throttled, AuthFailed."""
        shard = shard_of(ref.market)
        params: Params = {"exchange_index": shard, "market_ticker": ref.market.native_id}
        reply = await self.rest.cancel_write("DELETE", _order_path(ref), shard=shard, params=params)
        if reply.status == 200:
            canceled = self.rest.read_reply(reply, CancelReply)
            if canceled.order_id != ref.venue_order_id:
                raise OutcomeUnknown("The reply is about another order.", code="unreadable_reply", status=200)
            return _cancel_ack(ref, reply, canceled_u=self._amount(canceled.reduced_by, reply), reason="")
        refusal = refusal_of(reply)
        if reply.status == 404 and refusal.code == NO_SUCH_ORDER:
            return _cancel_ack(ref, reply, canceled_u=None, reason=NO_SUCH_ORDER)
        if reply.status in (400, 409) and refusal.code in CANCEL_CANNOT_NOW:
            return _cancel_ack(ref, reply, canceled_u=None, reason=refusal.code)
        raise self._cancel_failure(reply)

    async def cancel_all(self) -> None:
        """Take off every resting order on all shards; also catches orders placed within about the next minute."""
        reply = await self.rest.cancel_write("DELETE", ORDERS, shard=0)
        if reply.status not in (200, 204):
            raise self._cancel_failure(reply)

    async def open_fence(self, *, limit_u: int) -> str:
        """An order group on each shard that the account has money on, with the next lower limit that the venue takes.

        Raises the errors of a read or a write.
        """
        cash = await self.rest.get("/portfolio/balance", BalanceReply)
        shards = {0, *(shard.exchange_index for shard in cash.balance_breakdown)}
        taken_u = min(max(limit_u - limit_u % LIMIT_STEP_U, MICRO), LARGEST_LIMIT_U)
        return await self.groups.open_fence(shards, limit_u=taken_u)

    async def close_fence(self, token: str) -> None:
        await self.groups.close_fence(token)

    async def is_fence_closed(self, token: str) -> bool:
        return await self.groups.is_fence_closed(token)

    async def beat(self, *, takes_over: bool = False) -> None:
        """Kalshi has no dead-man switch."""

    async def amend(
        self,
        ref: OrderRef,
        *,
        side: Side,
        outcome: Outcome,
        price_u: int,
        total_qty_u: int,
        expires_ms: int | None = None,
    ) -> OrderChange:
        """New price and size; `total_qty_u` counts what is already filled. Side and outcome must be the order's own.

        `expires_ms` None keeps the expiry and 0 removes it. Raises as `place`; queue position is lost but for a pure
        decrease.
        """
        check_price(ref.market, outcome, price_u)
        check_quantity(ref.market, total_qty_u)
        body: dict[str, Any] = {
            "ticker": ref.market.native_id,
            "side": wire_side(side, outcome),
            "price": price_text(yes_price_u(outcome, price_u)),
            "count": count_text(total_qty_u),
            "client_order_id": ref.client_order_id,
            "exchange_index": shard_of(ref.market),
        }
        if expires_ms is not None:
            body["expiration_time"] = expires_ms // 1000
        reply = await self._change(ref, "amend", body)
        amended = self.rest.read_reply(reply, AmendReply)
        return OrderChange(
            venue_order_id=amended.order_id,
            filled_u=None if amended.fill_count is None else self._amount(amended.fill_count, reply),
            remaining_u=None if amended.remaining_count is None else self._amount(amended.remaining_count, reply),
            venue_ms=amended.ts_ms,
            raw=reply.body,
        )

    async def decrease(self, ref: OrderRef, *, remaining_u: int) -> OrderChange:
        """Leave `remaining_u` resting and keep the place in the queue. Raises as `place`."""
        check_quantity(ref.market, remaining_u)
        body = {
            "reduce_to": count_text(remaining_u),
            "exchange_index": shard_of(ref.market),
            "market_ticker": ref.market.native_id,
        }
        reply = await self._change(ref, "decrease", body)
        decreased = self.rest.read_reply(reply, DecreaseReply)
        return OrderChange(
            venue_order_id=decreased.order_id,
            filled_u=None,
            remaining_u=self._amount(decreased.remaining_count, reply),
            venue_ms=decreased.ts_ms,
            raw=reply.body,
        )

    async def aclose(self) -> None:
        await self.rest.aclose()

    async def _change(self, ref: OrderRef, action: str, body: dict[str, Any]) -> HttpReply:
        path, shard = f"{_order_path(ref)}/{action}", shard_of(ref.market)
        reply = await self.rest.order_write("POST", path, shard=shard, body=msgspec.json.encode(body))
        if reply.status != 200:
            raise self.rest.write_failure(reply)
        return reply

    def _cancel_failure(self, reply: HttpReply) -> VenueError:
        """A cancel is never rejected for good: a code that would end a create leaves a cancel open."""
        error = self.rest.write_failure(reply)
        if isinstance(error, Rejected):
            return OutcomeUnknown(error.message, code=error.code, status=error.status)
        return error

    def _amount(self, text: str, reply: HttpReply) -> int:
        """A count in a reply to a write that had its effect: unreadable means unknown."""
        try:
            return amount_u(text)
        except VenueError as error:
            raise OutcomeUnknown(error.message, code="unreadable_reply", status=reply.status) from error


def _state(qty_u: int, filled_u: int, remaining_u: int) -> OrderState:
    """There is no status: what neither filled nor rests was canceled."""
    if remaining_u:
        return OrderState.RESTING
    return OrderState.FILLED if filled_u >= qty_u else OrderState.CANCELED


def _order_path(ref: OrderRef) -> str:
    if not ref.venue_order_id:
        raise NotSent("The order has no venue id yet: find it by its client id first.", code="no_venue_order_id")
    return f"{ORDERS}/{quote(ref.venue_order_id, safe='')}"


def _cancel_ack(ref: OrderRef, reply: HttpReply, *, canceled_u: int | None, reason: str) -> CancelAck:
    return CancelAck(
        venue_order_id=ref.venue_order_id,
        is_canceled=canceled_u is not None,
        canceled_u=canceled_u,
        reason=reason,
        raw=reply.body,
    )
