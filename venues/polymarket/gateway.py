"""Places and cancels orders: the `OrderGateway` of this venue.

`prepare` makes the exact bytes and, from them, the order's id; `place` sends them once. An acceptance is a 200 with our
own hash in it and no error text; a refusal is a text on the definitive list; everything else is unknown and is
resolved by reading the hash. There is no amend, no batch and no retry. Source: FACTS §2.6 to §2.11.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import msgspec

from venues.errors import NotSent, OutcomeUnknown, ProtocolError, Rejected
from venues.polymarket.allowances import Allowances
from venues.polymarket.amounts import OrderAmounts, immediate_amounts, limit_amounts
from venues.polymarket.constants import CAPABILITIES, GTD_SECURITY_MS, MAX_CANCEL_IDS, PolymarketEndpoints
from venues.polymarket.heartbeat import DeadManSwitch
from venues.polymarket.http import CANCELS_BUCKET, ORDERS_BUCKET, VenueHost, unreadable
from venues.polymarket.markets import routing_of
from venues.polymarket.micro import parse_micro_or_zero
from venues.polymarket.modes import ModeGate
from venues.polymarket.parse import is_whole
from venues.polymarket.rejects import ModeRefused, error_of, mode_of, order_refusal, read_failure, refusal_of_text
from venues.polymarket.schemas import CancelReply, PostOrderReply
from venues.polymarket.sign import (
    OrderStruct,
    PolymarketWallet,
    exchange_for,
    order_hash,
    salt_of,
    sign_order,
)
from venues.ports import CancelAck, OrderAck, OrderRef, OrderRequest, PreparedOrder
from venues.transport.http import MAX_WRITE_REPLY_BYTES, HttpReply
from venues.transport.limiter import RateLimiter
from venues.types import OrderState, Side, TimeInForce, VenueMarket

_ORDER_TYPES = {
    TimeInForce.GTC: "GTC",
    TimeInForce.GTD: "GTD",
    TimeInForce.IOC: "FAK",
    TimeInForce.FOK: "FOK",
}
_IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
_ORDER_DEADLINE_S = 3.0
_ORDER_WAIT_S = 0.25
"""An order that cannot leave at once is stale: better not sent than late."""
_CANCEL_WAIT_S = 5.0


class PolymarketOrders:
    """One wallet's order entry. `clock_ms` is the clock of the data (virtual in a simulation).

    `allowances`: what the account reader of the same wallet was told; without one the venue alone judges.
    Raises AuthFailed for a wallet that cannot work.
    """

    capabilities = CAPABILITIES

    def __init__(
        self,
        endpoints: PolymarketEndpoints,
        wallet: PolymarketWallet,
        *,
        account: str,
        clock_ms: Callable[[], int],
        limiter: RateLimiter | None = None,
        allowances: Allowances | None = None,
    ) -> None:
        wallet.check()
        self.account = account
        self.modes = ModeGate()
        self._wallet = wallet
        self._allowances = allowances if allowances is not None else Allowances()
        self._clock_ms = clock_ms
        self._host = VenueHost(name="polymarket.clob", base_url=endpoints.clob_url, limiter=limiter, wallet=wallet)
        self.calls = (self._host.calls,)
        self.dead_man_switch = DeadManSwitch(self._host)

    async def aclose(self) -> None:
        await self._host.aclose()

    def prepare(self, request: OrderRequest) -> PreparedOrder:
        """Sign the order. Raises Rejected (off grid, below a minimum, contradictory terms, more than the wallet has
        approved) before any send.

        The same request gives the same bytes and the same id for ever: salt and timestamp come from the request. Where
        the venue's grid of amounts allows fewer contracts than asked for, the prepared request says how many.
        """
        amounts = _amounts(request)
        _check_minimum(request, amounts)
        routing = routing_of(request.market)
        exchange = exchange_for(version=routing.version, neg_risk=routing.neg_risk)
        if request.side is Side.BUY:
            self._allowances.check(exchange.contract, cost_u=amounts.maker_u)
        order = self._struct(request, amounts, token_id=int(routing.asset(request.outcome)))
        body = self._body(request, order, sign_order(order, exchange, self._wallet.private_key))
        return PreparedOrder(
            request=msgspec.structs.replace(request, qty_u=amounts.contracts_u(request.side)),
            venue_order_id=order_hash(order, exchange),
            path="/order",
            body=body,
            body_sha256=hashlib.sha256(body).hexdigest(),
        )

    def _struct(self, request: OrderRequest, amounts: OrderAmounts, *, token_id: int) -> OrderStruct:
        return OrderStruct(
            salt=salt_of(request.client_order_id),
            maker=self._wallet.funder,
            signer=self._wallet.order_signer,
            token_id=token_id,
            maker_amount=amounts.maker_u,
            taker_amount=amounts.taker_u,
            side=0 if request.side is Side.BUY else 1,
            signature_type=self._wallet.signature_type,
            timestamp_ms=request.created_ms,
        )

    def _body(self, request: OrderRequest, order: OrderStruct, signature: str) -> bytes:
        """Compact JSON; these very bytes are signed again by the L2 header."""
        signed = {
            "builder": order.builder,
            "expiration": _expiration(request),
            "maker": order.maker,
            "makerAmount": str(order.maker_amount),
            "metadata": order.metadata,
            "salt": order.salt,
            "side": "BUY" if request.side is Side.BUY else "SELL",
            "signature": signature,
            "signatureType": order.signature_type,
            "signer": order.signer,
            "takerAmount": str(order.taker_amount),
            "timestamp": str(order.timestamp_ms),
            "tokenId": str(order.token_id),
        }
        posted: dict[str, object] = {
            "deferExec": False,
            "order": signed,
            "orderType": _ORDER_TYPES[request.time_in_force],
            "owner": self._wallet.api_key,
        }
        return msgspec.json.encode(posted | ({"postOnly": True} if request.post_only else {}))

    async def place(self, prepared: PreparedOrder) -> OrderAck:
        """Send it, once. Raises NotSent, Rejected (ModeRefused too), OutcomeUnknown, Throttled, AuthFailed."""
        self._check_still_wanted(prepared.request)
        self.modes.check(is_post_only=prepared.request.post_only)
        try:
            return await self._place(prepared)
        except Rejected as refusal:
            self._note_refusal(prepared.request, refusal)
            raise

    async def _place(self, prepared: PreparedOrder) -> OrderAck:
        reply = await self._host.call(
            "POST",
            prepared.path,
            bucket=ORDERS_BUCKET,
            body=prepared.body,
            is_private=True,
            max_wait_s=_ORDER_WAIT_S,
            deadline_s=_ORDER_DEADLINE_S,
            max_bytes=MAX_WRITE_REPLY_BYTES,
        )
        if reply.status != 200:
            refusal = order_refusal(reply)
            if isinstance(refusal, ModeRefused):
                self.modes.note(refusal)
            raise refusal
        ack = self._acceptance(prepared, reply)
        self.modes.note_taken(is_post_only=prepared.request.post_only)
        return ack

    def _note_refusal(self, request: OrderRequest, refusal: Rejected) -> None:
        """Of what the venue says is missing it may have an old picture: the reader asks it to look again."""
        if refusal.code != "insufficient_funds":
            return
        if request.side is Side.BUY:
            self._allowances.is_doubted = True
        else:
            routing = routing_of(request.market)
            self._allowances.doubted_assets[routing.asset(request.outcome)] = routing.version == "v2"

    def _check_still_wanted(self, request: OrderRequest) -> None:
        """A good-till order whose time is over would only be refused or, worse, rest for its minute of grace."""
        if request.expires_ms is not None and request.expires_ms <= self._clock_ms():
            raise NotSent("Not sent: the order's time is over.", code="expired")

    def _acceptance(self, prepared: PreparedOrder, reply: HttpReply) -> OrderAck:
        """`success` is true even for refusals: only an empty error text and our own hash prove an acceptance."""
        try:
            posted = self._host.answer(reply, PostOrderReply)
            if posted.errorMsg:
                raise refusal_of_text(posted.errorMsg, status=reply.status)
            if (posted.orderID or "").lower() != prepared.venue_order_id:
                raise OutcomeUnknown("The venue answered with another order id.", code="id_mismatch", status=200)
            state, filled_u = _state_and_fill(prepared.request, posted)
        except ProtocolError as error:
            raise unreadable(reply, error) from error
        qty_u = prepared.request.qty_u
        return OrderAck(
            venue_order_id=prepared.venue_order_id,
            state=state,
            filled_u=filled_u,
            remaining_u=max(0, qty_u - filled_u) if state in (OrderState.RESTING, OrderState.DELAYED) else 0,
            venue_ms=None,
            raw=reply.body,
        )

    async def cancel(self, ref: OrderRef) -> CancelAck:
        """Take one order off. Raises NotSent, OutcomeUnknown, Throttled, AuthFailed; a refusal is an answer."""
        body = msgspec.json.encode({"orderID": ref.venue_order_id})
        reply = await self._delete("/order", body)
        if reply.status == 200:
            return self._cancel_ack(ref.venue_order_id, self._canceled(reply), reply.body)
        return CancelAck(
            venue_order_id=ref.venue_order_id,
            is_canceled=False,
            canceled_u=None,
            reason=_cancel_refusal(reply),
            raw=reply.body,
        )

    async def cancel_many(self, refs: Sequence[OrderRef]) -> list[CancelAck]:
        """Up to 1000 orders in one request, each with its own answer. Raises as `cancel`."""
        if len(refs) > MAX_CANCEL_IDS:
            raise ValueError(f"at most {MAX_CANCEL_IDS} cancels at once")
        body = msgspec.json.encode([ref.venue_order_id for ref in refs])
        reply = await self._delete("/orders", body, cost=len(refs))
        answer = self._canceled_or_raise(reply)
        return [self._cancel_ack(ref.venue_order_id, answer, reply.body) for ref in refs]

    async def cancel_all(self) -> None:
        """Every resting order of this wallet's key. An order in its taker delay is not resting and survives."""
        self._canceled_or_raise(await self._delete("/cancel-all", None))

    async def open_fence(self, *, limit_u: int) -> str:
        raise ValueError("this venue has no fence: ask its capabilities first")

    async def close_fence(self, token: str) -> None:
        """Nothing here can be shut out by a token; orders end by their expiration."""

    async def is_fence_closed(self, token: str) -> bool:
        return False

    async def beat(self, *, takes_over: bool = False) -> None:
        """One heartbeat of the dead-man switch."""
        await self.dead_man_switch.beat(takes_over=takes_over)

    async def cancel_market(self, market: VenueMarket) -> None:
        """Every resting order in one market, both outcomes."""
        body = msgspec.json.encode({"market": market.native_id})
        self._canceled_or_raise(await self._delete("/cancel-market-orders", body))

    async def _delete(self, path: str, body: bytes | None, *, cost: float = 1.0) -> HttpReply:
        return await self._host.call(
            "DELETE",
            path,
            bucket=CANCELS_BUCKET,
            body=body,
            is_private=True,
            cost=cost,
            max_wait_s=_CANCEL_WAIT_S,
            deadline_s=_ORDER_DEADLINE_S,
            max_bytes=MAX_WRITE_REPLY_BYTES,
        )

    def _canceled_or_raise(self, reply: HttpReply) -> CancelReply:
        if reply.status != 200:
            raise read_failure(reply)
        return self._canceled(reply)

    def _canceled(self, reply: HttpReply) -> CancelReply:
        try:
            return self._host.answer(reply, CancelReply)
        except ProtocolError as error:
            raise unreadable(reply, error) from error

    def _cancel_ack(self, order_id: str, answer: CancelReply, raw: bytes) -> CancelAck:
        is_canceled = order_id in answer.canceled
        reason = "" if is_canceled else answer.not_canceled.get(order_id, "")
        if not is_canceled and not reason:
            raise OutcomeUnknown("The answer does not mention this order.", code="unreadable_reply", status=200)
        return CancelAck(venue_order_id=order_id, is_canceled=is_canceled, canceled_u=None, reason=reason, raw=raw)


def _amounts(request: OrderRequest) -> OrderAmounts:
    if request.post_only and request.time_in_force in _IMMEDIATE:
        raise Rejected("A post-only order cannot be immediate.", code="invalid_payload")
    if request.qty_u % request.market.lot_u:
        raise Rejected("The size is not in hundredths of a contract.", code="invalid_size")
    compute = immediate_amounts if request.time_in_force in _IMMEDIATE else limit_amounts
    return compute(
        side=request.side,
        price_u=request.price_u,
        qty_u=request.qty_u,
        tick_u=request.market.tick_u(request.price_u),
    )


def _check_minimum(request: OrderRequest, amounts: OrderAmounts) -> None:
    """A resting order has a minimum size; an immediate buy must be worth a dollar instead."""
    if request.time_in_force not in _IMMEDIATE:
        if amounts.contracts_u(request.side) < request.market.min_qty_u:
            raise Rejected("The size is below the market's minimum.", code="below_minimum")
    elif request.side is Side.BUY and amounts.maker_u < request.market.min_taker_usd_u:
        raise Rejected("An immediate buy must be worth at least one dollar.", code="below_minimum")


def _expiration(request: OrderRequest) -> str:
    """Unix seconds, "0" but for GTD. The venue takes a GTD order off a minute before, so a minute is added.

    The official SDK refuses expirations less than 180 s ahead; what the server wants is not documented.
    """
    if request.time_in_force is not TimeInForce.GTD:
        return "0"
    if request.expires_ms is None or request.expires_ms <= request.created_ms:
        raise Rejected("A GTD order needs an expiration in the future.", code="invalid_expiration")
    return str(-(-(request.expires_ms + GTD_SECURITY_MS) // 1000))


def _state_and_fill(request: OrderRequest, posted: PostOrderReply) -> tuple[OrderState, int]:
    """What the reply says happened. Raises ProtocolError for a status nobody documented.

    Amounts are in human units, what we give and what we get, and may be empty even for a match. An immediate order
    then filled who knows how much: its end is left to the fills, but for one that is filled whole or not at all.
    """
    is_immediate = request.time_in_force in _IMMEDIATE
    left = OrderState.CANCELED if is_immediate else OrderState.RESTING
    match posted.status:
        case "live":
            return OrderState.RESTING, 0
        case "delayed":
            return OrderState.DELAYED, 0
        case "unmatched":
            return left, 0
        case "matched":
            contracts = posted.takingAmount if request.side is Side.BUY else posted.makingAmount
            is_all_or_none = request.time_in_force is TimeInForce.FOK
            if is_immediate and not contracts:
                return (OrderState.FILLED, request.qty_u) if is_all_or_none else (OrderState.DELAYED, 0)
            filled_u = parse_micro_or_zero(contracts)
            is_over = is_whole(request.qty_u, filled_u) or is_all_or_none
            return (OrderState.FILLED if is_over else left), filled_u
    raise ProtocolError(f"unknown order status {posted.status[:40]!r}", code="unknown_status")


def _cancel_refusal(reply: HttpReply) -> str:
    """Why a cancel was refused, in a word or a sentence. Raises for what leaves its outcome unknown."""
    error = error_of(reply)
    mode = mode_of(reply, error)
    if mode is not None:
        return mode.value
    if reply.status in (400, 404):
        return error.text[:200] or f"HTTP {reply.status}"
    raise read_failure(reply)
