"""What an account may read and take off: cancels, open orders, trades, balances.

A query pages with cursors (`MA==` first, `LTE=` after the last page), newest first. Only active orders can be read by
id: a finished one is null, so its fate is in the trades. Source: polymarket/FACTS §2.8.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from venues.simulator.asgi import Request
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import ExchangeReject, FillView, OrderView, RejectCode
from venues.simulator.polymarket_approvals import Approvals
from venues.simulator.polymarket_errors import BAD_PAYLOAD, GONE, IN_DELAY, ClobError
from venues.simulator.polymarket_listing import Catalogue
from venues.simulator.polymarket_records import Identities, open_order
from venues.simulator.polymarket_trades import TradeLog
from venues.simulator.polymarket_wallets import ApiKey, Wallet
from venues.types import OrderState, Outcome

FIRST_CURSOR = "MA=="
END_CURSOR = "LTE="
PAGE = 100
MAX_CANCELS = 1_000


class OrderIdBody(msgspec.Struct, frozen=True):
    orderID: str  # noqa: N815 - the wire's own word


class MarketBody(msgspec.Struct, frozen=True):
    market: str = ""
    asset_id: str = ""


class AccountDesk:
    def __init__(
        self,
        *,
        exchange: Exchange,
        catalogue: Catalogue,
        trades: TradeLog,
        names: Identities,
        approvals: Approvals,
        now_ms: Callable[[], int],
    ) -> None:
        self._exchange = exchange
        self._catalogue = catalogue
        self._trades = trades
        self._names = names
        self._approvals = approvals
        self._now_ms = now_ms

    def cancel(self, key: ApiKey, request: Request) -> dict[str, Any]:
        order_id = _body(request, OrderIdBody).orderID
        if not order_id.startswith("0x"):
            raise ClobError(400, "Invalid orderID")
        return self._cancel_ids(key, [order_id])

    def cancel_many(self, key: ApiKey, request: Request) -> dict[str, Any]:
        order_ids = cancel_ids(request.body)
        if len(order_ids) > MAX_CANCELS:
            raise ClobError(400, f"Too many orders in payload: {len(order_ids)}, max allowed: {MAX_CANCELS}")
        return self._cancel_ids(key, order_ids)

    def cancel_all(self, key: ApiKey, request: Request) -> dict[str, Any]:
        return self._cancel_ids(key, [each.order_id for each in self._open(key)])

    def cancel_market(self, key: ApiKey, request: Request) -> dict[str, Any]:
        wanted = _body(request, MarketBody)
        orders = [each for each in self._open(key) if self._is_of(each, wanted.market, wanted.asset_id)]
        return self._cancel_ids(key, [each.order_id for each in orders])

    def open_count(self, key: ApiKey) -> int:
        return len(self._open(key))

    def _cancel_ids(self, key: ApiKey, order_ids: Sequence[str]) -> dict[str, Any]:
        canceled: list[str] = []
        refused: dict[str, str] = {}
        for order_id in dict.fromkeys(order_ids):
            try:
                self._exchange.cancel(key.wallet.account_id, order_id, self._now_ms())
                canceled.append(order_id)
            except ExchangeReject as reject:
                if reject.code is RejectCode.EXCHANGE_PAUSED:
                    raise
                refused[order_id] = IN_DELAY if reject.code is RejectCode.ORDER_DELAYED else GONE
        return {"canceled": canceled, "not_canceled": refused}

    def order(self, key: ApiKey, request: Request) -> dict[str, Any] | None:
        try:
            order = self._exchange.order(key.wallet.account_id, request.params["id"])
        except ExchangeReject:
            return None
        return self._record(order) if order.is_open else None

    def orders(self, key: ApiKey, request: Request) -> dict[str, Any]:
        market, asset_id, order_id = request.one("market"), request.one("asset_id"), request.one("id")
        found = [
            self._record(each)
            for each in reversed(self._open(key))
            if self._is_of(each, market, asset_id) and order_id in ("", each.order_id)
        ]
        return page(found, request.one("next_cursor"))

    def trades(self, key: ApiKey, request: Request) -> dict[str, Any]:
        """Trades of every market that is still listed: those of games long over may be forgotten after a restart."""
        fills = self._exchange.fills(key.wallet.account_id) if self._has_account(key.wallet) else []
        records = [self._trades.record(each) for each in reversed(fills) if self._is_wanted(each, request)]
        return page(records, request.one("next_cursor"))

    def balance(self, key: ApiKey, request: Request) -> dict[str, Any]:
        """On-chain balances in 1e6 units: cash whatever open orders promise, tokens once they are mined."""
        kind = request.one("asset_type", "COLLATERAL")
        if kind not in ("COLLATERAL", "CONDITIONAL", "CONDITIONAL-V2"):
            raise ClobError(400, "Invalid asset type")
        held_u = self._cash_u(key) if kind == "COLLATERAL" else self._tokens_u(key, request.one("token_id"))
        return {"balance": str(held_u), "allowances": self._approvals.told()}

    def _cash_u(self, key: ApiKey) -> int:
        return self._exchange.balance(key.wallet.account_id).cash_u if self._has_account(key.wallet) else 0

    def _tokens_u(self, key: ApiKey, asset_id: str) -> int:
        known = self._catalogue.by_asset(asset_id)
        if known is None:
            raise ClobError(400, "Invalid asset type")
        if not self._has_account(key.wallet):
            return 0
        position = self._exchange.position(key.wallet.account_id, known[0].market.condition_id)
        if known[1] is Outcome.YES:
            return position.yes_qty_u - position.unmined_yes_u
        return position.no_qty_u - position.unmined_no_u

    def _open(self, key: ApiKey) -> list[OrderView]:
        account_id = key.wallet.account_id
        return self._exchange.orders(account_id, open_only=True) if self._has_account(key.wallet) else []

    def _has_account(self, wallet: Wallet) -> bool:
        return self._exchange.has_account(wallet.account_id)

    def _is_of(self, order: OrderView, market: str, asset_id: str) -> bool:
        return market in ("", order.native_id) and asset_id in ("", self._asset_id(order.native_id, order.outcome))

    def _is_wanted(self, fill: FillView, request: Request) -> bool:
        if self._catalogue.by_condition(fill.native_id) is None:
            return False
        if request.one("id") not in ("", fill.trade_id) or request.one("market") not in ("", fill.native_id):
            return False
        if request.one("asset_id") not in ("", self._asset_id(fill.native_id, fill.outcome)):
            return False
        after_s, before_s = _seconds(request, "after", -1), _seconds(request, "before", 1 << 62)
        return after_s < fill.venue_ms // 1000 < before_s

    def _asset_id(self, native_id: str, outcome: Outcome) -> str:
        listed = self._catalogue.by_condition(native_id)
        return listed.market.asset_id(outcome) if listed else ""

    def _record(self, order: OrderView) -> dict[str, Any]:
        listed = self._catalogue.by_condition(order.native_id)
        if listed is None:
            raise ClobError(404, "market not found")
        record = open_order(order, listed, self._names, self._trades.trade_ids(order.order_id))
        return record if order.state is not OrderState.DELAYED else record | {"status": "DELAYED"}


def cancel_ids(body: bytes) -> list[str]:
    """The ids of DELETE /orders. Raises ClobError."""
    try:
        return msgspec.json.decode(body, type=list[str])
    except msgspec.DecodeError as problem:
        raise ClobError(400, BAD_PAYLOAD) from problem


def page(rows: Sequence[Any], cursor: str) -> dict[str, Any]:
    """One page of `rows` at a cursor. Raises ClobError for a cursor that nobody gave out."""
    start = _offset(cursor or FIRST_CURSOR)
    found = list(rows[start : start + PAGE]) if start >= 0 else []
    more = start >= 0 and start + PAGE < len(rows)
    following = base64.b64encode(str(start + PAGE).encode()).decode() if more else END_CURSOR
    return {"data": found, "next_cursor": following, "limit": PAGE, "count": len(found)}


def _seconds(request: Request, name: str, default: int) -> int:
    text = request.one(name, str(default))
    if not text.removeprefix("-").isdecimal():
        raise ClobError(400, "Invalid trade params payload")
    return int(text)


def _offset(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError) as problem:
        raise ClobError(400, "invalid next_cursor") from problem


def _body(request: Request, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(request.body or b"{}", type=kind)
    except msgspec.DecodeError as problem:
        raise ClobError(400, BAD_PAYLOAD) from problem
