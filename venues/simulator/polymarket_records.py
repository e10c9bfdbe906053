"""Orders and trades of an account as Polymarket writes them, on the REST API and on the user channel alike.

A trade is one match; its head is the taker's view for everybody, and `maker_orders` says what the maker gave, which
may be the other token (mint, merge). Invariant: what a client reads here can be added up to the exchange's ledger.
Source: polymarket/FACTS §2.8, §6.2.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from eth_hash.auto import keccak

from venues.simulator.exchange_types import FillView, OrderView, Reason, TradeLeg, TradeStatus
from venues.simulator.polymarket_errors import FAK_KILLED, FOK_KILLED
from venues.simulator.polymarket_listing import Listed
from venues.simulator.polymarket_numbers import decimal_text
from venues.types import OrderState, TimeInForce

GTD_THRESHOLD_MS = 60_000
"""A GTD order leaves the book this long before the expiration it names."""

ORDER_TYPES = {
    "GTC": TimeInForce.GTC,
    "GTD": TimeInForce.GTD,
    "FAK": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
}
_TYPE_NAMES = {tif: name for name, tif in ORDER_TYPES.items()}

_CANCEL_STATUSES = {
    Reason.EXPIRED: "CANCELED_EXPIRED_ORDER",
    Reason.GAME_STARTED: "INVALID",
    Reason.RESOLVED: "CANCELED_MARKET_RESOLVED",
    Reason.MARKET_CLOSED: "CANCELED_MARKET_RESOLVED",
    Reason.NO_BALANCE: "CANCELED_NOT_ENOUGH_BALANCE",
}


class Identities:
    """How accounts are named on the wire: the API key as owner, the funder as maker address.

    House accounts have neither; they get ones derived from their name, so that they look like any other trader.
    """

    def __init__(self, owner_of: Callable[[str], str]) -> None:
        """`owner_of`: account id → API key id, empty for an account without one."""
        self._owner_of = owner_of

    def owner(self, account_id: str) -> str:
        return self._owner_of(account_id) or str(uuid.UUID(bytes=_hash(account_id)[:16], version=4))

    def address(self, account_id: str) -> str:
        return account_id if account_id.startswith("0x") else "0x" + _hash(account_id)[12:].hex()

    def order_id(self, order_id: str) -> str:
        """House orders have no signed hash; theirs is made from the exchange's own id."""
        return order_id if order_id.startswith("0x") else "0x" + _hash(order_id).hex()


def open_order(order: OrderView, listed: Listed, names: Identities, trade_ids: Sequence[str]) -> dict[str, Any]:
    """An element of GET /data/orders. `created_at` and `expiration` are unix seconds."""
    return {
        "id": order.order_id,
        "status": order_status(order),
        "owner": names.owner(order.account_id),
        "maker_address": names.address(order.account_id),
        "market": order.native_id,
        "asset_id": listed.market.asset_id(order.outcome),
        "side": order.side.name,
        "original_size": decimal_text(order.qty_u),
        "size_matched": decimal_text(order.filled_u),
        "price": decimal_text(order.price_u),
        "outcome": listed.market.label(order.outcome),
        "expiration": str(expiration_s(order)),
        "order_type": _TYPE_NAMES[order.tif],
        "associate_trades": list(trade_ids),
        "created_at": order.created_ms // 1000,
    }


def order_status(order: OrderView) -> str:
    """LIVE, DELAYED, MATCHED, or the CANCELED status that tells the reason."""
    if order.state is OrderState.RESTING:
        return "LIVE"
    if order.state is OrderState.DELAYED:
        return "DELAYED"
    if order.state is OrderState.FILLED:
        return "MATCHED"
    if order.tif is TimeInForce.FOK:
        return f"CANCELED_{FOK_KILLED}"
    if order.tif is TimeInForce.IOC and not order.filled_u:
        return f"CANCELED_{FAK_KILLED}"
    return _CANCEL_STATUSES.get(order.reason, "CANCELED")


def order_frame(
    order: OrderView, listed: Listed, names: Identities, trade_ids: Sequence[str], venue_ms: int, kind: str
) -> dict[str, Any]:
    """An `order` event of the user channel; `kind` is PLACEMENT, UPDATE or CANCELLATION."""
    record = open_order(order, listed, names, trade_ids)
    return record | {
        "event_type": "order",
        "type": kind,
        "order_owner": record["owner"],
        "created_at": str(record["created_at"]),
        "timestamp": str(venue_ms),
    }


def killed_frame(
    *,
    order_id: str,
    owner: str,
    maker_address: str,
    market: str,
    asset_id: str,
    side: str,
    qty_u: int,
    price_u: int,
    is_fok: bool,
    venue_ms: int,
) -> dict[str, Any]:
    """The CANCELLATION of an order that was never at the exchange; production leaves these fields empty too."""
    return {
        "event_type": "order",
        "type": "CANCELLATION",
        "status": f"CANCELED_{FOK_KILLED if is_fok else FAK_KILLED}",
        "id": order_id,
        "owner": owner,
        "order_owner": owner,
        "maker_address": maker_address,
        "market": market,
        "asset_id": asset_id,
        "side": side,
        "original_size": decimal_text(qty_u),
        "size_matched": "",
        "price": decimal_text(price_u),
        "outcome": "",
        "order_type": "FOK" if is_fok else "FAK",
        "associate_trades": [],
        "created_at": "",
        "expiration": "0",
        "timestamp": str(venue_ms),
    }


def trade_record(
    fill: FillView, other: TradeLeg, listed: Listed, names: Identities, *, status: TradeStatus, updated_ms: int
) -> dict[str, Any]:
    """An element of GET /data/trades, seen by the account of `fill`; `other` is its counterparty."""
    mine = TradeLeg(fill.account_id, fill.order_id, fill.side, fill.outcome, fill.price_u, fill.fee_u)
    taker, maker = (mine, other) if fill.is_taker else (other, mine)
    return {
        "id": fill.trade_id,
        "taker_order_id": names.order_id(taker.order_id),
        "market": fill.native_id,
        "asset_id": listed.market.asset_id(taker.outcome),
        "side": taker.side.name,
        "size": decimal_text(fill.qty_u),
        "fee_rate_bps": "0",
        "price": decimal_text(taker.price_u),
        "status": status.name,
        "match_time": str(fill.venue_ms // 1000),
        "match_time_nano": str(fill.venue_ms * 1_000_000),
        "last_update": str(updated_ms // 1000),
        "outcome": listed.market.label(taker.outcome),
        "bucket_index": 0,
        "owner": names.owner(taker.account_id),
        "maker_address": names.address(taker.account_id),
        "transaction_hash": transaction_hash(fill.trade_id),
        "maker_orders": [_maker_order(maker, fill.qty_u, listed, names)],
        "trader_side": "TAKER" if fill.is_taker else "MAKER",
    }


def trade_frame(record: dict[str, Any], *, trade_owner: str, venue_ms: int) -> dict[str, Any]:
    """A `trade` event of the user channel."""
    return record | {"event_type": "trade", "type": "TRADE", "trade_owner": trade_owner, "timestamp": str(venue_ms)}


def transaction_hash(trade_id: str) -> str:
    return "0x" + keccak(trade_id.encode()).hex()


def expiration_s(order: OrderView) -> int:
    """The expiration the client named, 0 for none."""
    return (order.expires_ms + GTD_THRESHOLD_MS) // 1000 if order.expires_ms is not None else 0


def _maker_order(maker: TradeLeg, qty_u: int, listed: Listed, names: Identities) -> dict[str, Any]:
    return {
        "order_id": names.order_id(maker.order_id),
        "owner": names.owner(maker.account_id),
        "maker_address": names.address(maker.account_id),
        "matched_amount": decimal_text(qty_u),
        "price": decimal_text(maker.price_u),
        "fee_rate_bps": "0",
        "asset_id": listed.market.asset_id(maker.outcome),
        "outcome": listed.market.label(maker.outcome),
        "side": maker.side.name,
    }


def _hash(text: str) -> bytes:
    return keccak(b"courtside house " + text.encode())
