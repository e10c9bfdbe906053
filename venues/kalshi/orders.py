"""Turns an order request into the exact bytes of a create, and refuses here what the venue would refuse.

Kalshi has one book per market, in YES prices: BUY YES and SELL NO are a `bid`, SELL YES and BUY NO an `ask`, and a
price of NO becomes 1 − price. The exchange shard is always named (cheaper, and by-id calls default to shard 0).
Source: docs.kalshi.com, create order V2.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import msgspec

from venues.errors import Rejected
from venues.kalshi.constants import MAX_CLIENT_ORDER_ID_LEN, ORDERS
from venues.kalshi.numbers import count_text, price_text
from venues.kalshi.values import Routing
from venues.ports import OrderRequest, PreparedOrder
from venues.types import MICRO, Outcome, Side, TimeInForce, VenueMarket

_CLIENT_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_CLIENT_ORDER_ID_LEN}}}")
_TIME_IN_FORCE: Final = {
    TimeInForce.GTC: "good_till_canceled",
    TimeInForce.GTD: "good_till_canceled",
    TimeInForce.IOC: "immediate_or_cancel",
    TimeInForce.FOK: "fill_or_kill",
}
_RESTING = (TimeInForce.GTC, TimeInForce.GTD)


def prepare_order(request: OrderRequest, *, now_ms: int) -> PreparedOrder:
    """The body of the create and its hash. Raises Rejected with a code of ours, before any byte is sent."""
    _check(request, now_ms)
    body = msgspec.json.encode(create_body(request))
    return PreparedOrder(
        request=request,
        venue_order_id="",
        path=ORDERS,
        body=body,
        body_sha256=hashlib.sha256(body).hexdigest(),
    )


def create_body(request: OrderRequest) -> dict[str, Any]:
    """The fields of a V2 create, in a fixed order; absent options are left out."""
    shard = shard_of(request.market)
    body: dict[str, Any] = {
        "ticker": request.market.native_id,
        "client_order_id": request.client_order_id,
        "side": wire_side(request.side, request.outcome),
        "count": count_text(request.qty_u),
        "price": price_text(yes_price_u(request.outcome, request.price_u)),
        "time_in_force": _TIME_IN_FORCE[request.time_in_force],
        "self_trade_prevention_type": "taker_at_cross",
        "cancel_order_on_pause": request.cancel_on_pause,
        "exchange_index": shard,
    }
    if request.time_in_force is TimeInForce.GTD and request.expires_ms is not None:
        body["expiration_time"] = request.expires_ms // 1000
    if request.post_only:
        body["post_only"] = True
    if request.reduce_only and request.time_in_force is TimeInForce.IOC:
        body["reduce_only"] = True
    if request.fence_token:
        body["order_group_id"] = group_for(request.fence_token, shard)
    return body


def wire_side(side: Side, outcome: Outcome) -> str:
    """`bid` or `ask`, on the YES leg."""
    return "bid" if (side is Side.BUY) == (outcome is Outcome.YES) else "ask"


def yes_price_u(outcome: Outcome, price_u: int) -> int:
    """The YES price of a price of `outcome`."""
    return price_u if outcome is Outcome.YES else MICRO - price_u


def shard_of(market: VenueMarket) -> int:
    """The exchange shard that holds a market's orders and cash."""
    return Routing.of(market.routing).shard


def fence_token(groups: dict[int, str]) -> str:
    """One token for an order group per shard: groups do not reach across shards."""
    return ",".join(f"{shard}:{group_id}" for shard, group_id in sorted(groups.items()))


def groups_of(token: str) -> dict[int, str]:
    """The group per shard in a fence token; a token without shards is one group on the common shard."""
    if token and ":" not in token:
        return {0: token}
    pairs = (part.partition(":") for part in token.split(",") if part)
    return {int(shard): group_id for shard, _, group_id in pairs}


def group_for(token: str, shard: int) -> str:
    """The group of a fence token on a shard; a token without shards is one group. Raises Rejected."""
    if ":" not in token:
        return token
    group_id = groups_of(token).get(shard)
    if group_id is None:
        raise Rejected(f"The fence has no order group on exchange shard {shard}.", code="no_fence_on_shard")
    return group_id


def check_price(market: VenueMarket, outcome: Outcome, price_u: int) -> None:
    """Raises Rejected for a price that the market's grid or the wire does not have."""
    if not market.is_on_grid(yes_price_u(outcome, price_u)) or price_u % 100:
        raise Rejected(f"A price of {price_u} µUSD is not on the grid of {market.native_id}.", code="off_grid")


def check_quantity(market: VenueMarket, qty_u: int) -> None:
    """Raises Rejected for a size below the minimum or finer than a lot."""
    if qty_u < market.min_qty_u or qty_u % market.lot_u:
        raise Rejected(f"{qty_u} µcontracts is below the minimum or not a whole lot.", code="bad_quantity")


def _check(request: OrderRequest, now_ms: int) -> None:
    market = request.market
    if not _CLIENT_ID.fullmatch(request.client_order_id):
        raise Rejected("A client order id has 1 to 36 letters, digits, '-' or '_'.", code="bad_client_order_id")
    check_price(market, request.outcome, request.price_u)
    check_quantity(market, request.qty_u)
    _check_time_in_force(request, now_ms)


def _check_time_in_force(request: OrderRequest, now_ms: int) -> None:
    if request.post_only and request.time_in_force not in _RESTING:
        raise Rejected("A post-only order must be allowed to rest.", code="post_only_needs_rest")
    if request.time_in_force is not TimeInForce.GTD:
        return
    if request.expires_ms is None or request.expires_ms // 1000 * 1000 <= now_ms:
        raise Rejected("A good-till-date order needs an end in the future, in whole seconds.", code="already_expired")
