"""Whether the venue would take an order: its own checks, in its own words, against its live book and our play money.

Order of checks as at the venues: duplicate → fence → market open → price and size → expiry → reduce-only → balance →
post-only → can it match. A refused order leaves no trace.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from venues.errors import Fenced, NotSent, OutcomeUnknown, Rejected
from venues.paper.dialect import Dialect, Refusal, is_immediate
from venues.paper.hub import PaperFeed
from venues.paper.records import PaperOrder, Placed, as_yes_u
from venues.paper.state import PaperState
from venues.ports import OrderRequest, PreparedOrder
from venues.types import MICRO, MarketState, Side, TimeInForce, VenueMarket


class Entry(NamedTuple):
    """An order that may enter; `at_most_u`: a reduce-only order takes no more than closes the position."""

    placed: Placed
    at_most_u: int | None


class Floor(Protocol):
    """What is looked at."""

    dialect: Dialect
    feed: PaperFeed
    state: PaperState

    def market(self, known: VenueMarket) -> VenueMarket: ...

    def takes_u(self, order: PaperOrder, now_ms: int) -> int: ...


def admit(floor: Floor, prepared: PreparedOrder, now_ms: int) -> Entry:
    """Raises Rejected with the venue's code, OutcomeUnknown for an order that is there already, NotSent without a live
    book."""
    request, market = prepared.request, floor.market(prepared.request.market)
    order_id = floor.dialect.order_id(prepared)
    _check_new(floor, request, order_id)
    _check_market(floor, market)
    _check_terms(floor, request, market)
    request = _with_expiry(floor, request, now_ms)
    at_most_u = _reducible_u(floor, request)
    placed = _placed(order_id, request, market, floor.dialect, now_ms)
    order = PaperOrder(placed, floor.dialect.meter(market.fees))
    takes_u = floor.takes_u(order, now_ms)
    _check_balance(floor, order, takes_u, now_ms)
    if request.post_only and takes_u:
        raise _refused(floor, Refusal.POST_ONLY, "It would take, and is post-only.")
    _check_matches(floor, order, takes_u, market)
    if takes_u and market.taker_delay_ms:
        placed = msgspec.structs.replace(placed, due_ms=now_ms + market.taker_delay_ms)
    return Entry(placed, at_most_u)


def _refused(floor: Floor, why: Refusal, message: str) -> Rejected:
    kind = Fenced if why is Refusal.FENCED else Rejected
    return kind(message, code=floor.dialect.codes[why], status=400)


def _check_new(floor: Floor, request: OrderRequest, order_id: str) -> None:
    if order_id in floor.state.orders or request.client_order_id in floor.state.by_client_id:
        code = floor.dialect.codes[Refusal.DUPLICATE]
        raise OutcomeUnknown("The venue has this order already: read it.", code=code, status=409)
    is_fenced = floor.dialect.capabilities.fences and request.fence_token
    if is_fenced and not floor.state.fences.get(request.fence_token):
        raise _refused(floor, Refusal.FENCED, "The fence of this order is cut off or unknown.")


def _check_market(floor: Floor, market: VenueMarket) -> None:
    if market.state is MarketState.PAUSED:
        raise _refused(floor, Refusal.PAUSED, "Trading in this market is paused.")
    if market.state is not MarketState.OPEN:
        raise _refused(floor, Refusal.CLOSED, f"The market is {market.state}.")
    if not floor.feed.book(market.market_id).is_valid:
        raise NotSent("There is no live book to fill against; wait for the feed.", code="no_live_book")


def _check_terms(floor: Floor, request: OrderRequest, market: VenueMarket) -> None:
    """Once more, on the terms as they are now: a tick may have changed since the order was prepared."""
    if not market.is_on_grid(as_yes_u(request.outcome, request.price_u)):
        raise _refused(floor, Refusal.PRICE, f"{request.price_u} µUSD is off the grid.")
    if not is_immediate(request.time_in_force) and request.qty_u < market.min_qty_u:
        raise _refused(floor, Refusal.QUANTITY, "The size is below the market's minimum.")
    is_short = request.price_u * request.qty_u // MICRO < market.min_taker_usd_u
    if request.side is Side.BUY and is_immediate(request.time_in_force) and is_short:
        raise _refused(floor, Refusal.QUANTITY, "An immediate buy must be worth the venue's minimum.")


def _with_expiry(floor: Floor, request: OrderRequest, now_ms: int) -> OrderRequest:
    """A date in the past makes an order immediate, or refuses it, as the venue does."""
    if request.expires_ms is None:
        return request
    expires_ms = request.expires_ms // floor.dialect.expiry_step_ms * floor.dialect.expiry_step_ms
    if expires_ms > now_ms:
        return msgspec.structs.replace(request, expires_ms=expires_ms)
    if Refusal.EXPIRED in floor.dialect.codes:
        raise _refused(floor, Refusal.EXPIRED, "The order's time is over.")
    return msgspec.structs.replace(request, time_in_force=TimeInForce.IOC, expires_ms=None)


def _reducible_u(floor: Floor, request: OrderRequest) -> int | None:
    if not (request.reduce_only and floor.dialect.caps_reduce_only and is_immediate(request.time_in_force)):
        return None
    market_id = request.market.market_id
    closing_u = floor.state.closing_u(market_id, request.side, request.outcome, request.qty_u)
    if not closing_u:
        raise _refused(floor, Refusal.REDUCE_ONLY, "There is nothing to reduce.")
    return closing_u


def _check_balance(floor: Floor, order: PaperOrder, takes_u: int, now_ms: int) -> None:
    state, placed = floor.state, order.placed
    market_id = placed.market.market_id
    beside = [one for one in state.open.values() if one.placed.market.market_id == market_id]
    if not floor.dialect.nets and placed.side is Side.SELL:
        promised_u = sum(
            one.remaining_u for one in beside if one.placed.side is Side.SELL and one.placed.outcome is placed.outcome
        )
        if state.of(market_id, placed.outcome) - _unripe_u(floor, placed, now_ms) < promised_u + placed.qty_u:
            raise _refused(floor, Refusal.BALANCE, "The contracts to sell are not there.")
        return
    elsewhere_u = state.reserved_u() - state.reserved_u(market_id=market_id)
    if state.need_u(market_id, [*beside, order]) > state.cash_u - elsewhere_u:
        raise _refused(floor, Refusal.BALANCE, "The money is not there.")


def _unripe_u(floor: Floor, placed: Placed, now_ms: int) -> int:
    """µcontracts bought so lately that the venue cannot sell them yet."""
    unripe_u = 0
    for fill in reversed(floor.state.fills):
        if fill.at_ms <= now_ms - floor.dialect.sellable_after_ms:
            break
        other = floor.state.orders[fill.order_id].placed
        is_same = other.market.market_id == placed.market.market_id and other.outcome is placed.outcome
        unripe_u += fill.qty_u if is_same and other.side is Side.BUY else 0
    return unripe_u


def _check_matches(floor: Floor, order: PaperOrder, takes_u: int, market: VenueMarket) -> None:
    """A taker delay moves the question to its end, as long as there is something to match now."""
    kind = order.placed.time_in_force
    if not is_immediate(kind) or (market.taker_delay_ms and takes_u):
        return
    if kind is TimeInForce.FOK and takes_u < order.remaining_u:
        raise _refused(floor, Refusal.FOK, "It cannot be filled whole now.")
    if kind is TimeInForce.IOC and not takes_u and floor.dialect.ioc_needs_match:
        raise _refused(floor, Refusal.NO_MATCH, "There is nothing to match it with.")


def _placed(order_id: str, request: OrderRequest, market: VenueMarket, dialect: Dialect, now_ms: int) -> Placed:
    return Placed(
        order_id=order_id,
        client_order_id=request.client_order_id,
        market=msgspec.structs.replace(market, rules=""),
        side=request.side,
        outcome=request.outcome,
        price_u=request.price_u,
        qty_u=request.qty_u,
        time_in_force=request.time_in_force,
        at_ms=now_ms,
        expires_ms=request.expires_ms,
        cancel_on_pause=request.cancel_on_pause and dialect.pauses_cancel,
        fence_token=request.fence_token,
    )
