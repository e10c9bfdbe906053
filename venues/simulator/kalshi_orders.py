"""Placing and taking off: the V2 order endpoints, and the grave of the V1 ones.

Operations by order id look on exchange shard 0 unless told otherwise: an order of another shard is then "not found",
with the same body as one that was canceled, filled or never existed. Source: FACTS §3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from venues.simulator.asgi import Reply, Request, Router
from venues.simulator.exchange_types import ExchangeReject, OrderView
from venues.simulator.kalshi_core import ROOT, KalshiCore, reject_error
from venues.simulator.kalshi_json import KalshiError, count, error, no_content, ok, price
from venues.simulator.kalshi_limits import cost_of
from venues.simulator.kalshi_requests import CLIENT_ID, Body, new_order, raw_field, shard_of
from venues.types import MICRO, Outcome

Json = dict[str, object]
ORDERS = "/portfolio/events/orders"
KEEP_EXPIRY = -1


class OrderEndpoints:
    def __init__(self, core: KalshiCore) -> None:
        self._core = core

    def add_routes(self, router: Router) -> None:
        one, batch = ORDERS + "/{order_id}", ORDERS + "/batched"
        for method, path, op, handler, buckets in (
            ("POST", ORDERS, "create", self.create, self._create_buckets),
            ("POST", batch, "batch_create", self.batch_create, _batch_buckets),
            ("DELETE", one, "cancel", self.cancel, self._by_id_buckets),
            ("DELETE", batch, "batch_cancel", self.batch_cancel, _batch_buckets),
            ("DELETE", ORDERS, "cancel_all", self.cancel_all, None),
            ("POST", one + "/amend", "amend", self.amend, self._create_buckets),
            ("POST", one + "/decrease", "decrease", self.decrease, self._create_buckets),
        ):
            route = self._core.private(op, handler, cost=cost_of(method, path), body_cost=buckets)
            router.route(method, ROOT + path, route)
        gone = self._core.private("v1", self.gone, cost=cost_of("POST", ""))
        for path in ("/portfolio/orders", "/portfolio/orders/batched", "/portfolio/orders/{order_id}/{action}"):
            router.route("POST", ROOT + path, gone)
        router.route("DELETE", ROOT + "/portfolio/orders/{order_id}", gone)

    def gone(self, request: Request, account_id: str) -> Reply:
        raise error(410, "deprecated_v1_order_endpoint")

    def create(self, request: Request, account_id: str) -> Reply:
        body = Body.of(request, "CreateOrderV2Request")
        return ok(self._create(body, account_id), 201)

    def batch_create(self, request: Request, account_id: str) -> Reply:
        """Each item succeeds or fails by itself."""
        items = Body.of(request, "CreateOrderV2Request").items("orders")
        rows = [_item(lambda item=item: self._create(item, account_id)) for item in items]  # type: ignore[misc]
        return ok({"orders": rows}, 201)

    def _create(self, body: Body, account_id: str) -> Json:
        now_ms = self._core.clock_ms()
        order = new_order(body, now_ms)
        explicit = body.integer("exchange_index")
        if (
            explicit is not None
            and explicit >= 0
            and explicit != self._core.exchange.market(order.native_id).spec.shard
        ):
            raise error(404, "market_not_found")
        return created_body(self._core.exchange.submit(account_id, order, now_ms), now_ms)

    def cancel(self, request: Request, account_id: str) -> Reply:
        shard, ticker = shard_of(request), request.one("market_ticker")
        return ok(self._cancel(account_id, request.params["order_id"], shard, ticker))

    def batch_cancel(self, request: Request, account_id: str) -> Reply:
        rows = []
        for item in Body.of(request, "BatchCancelOrdersV2Request").items("orders"):
            order_id, shard, ticker = (
                item.required("order_id"),
                item.integer("exchange_index"),
                item.text("market_ticker"),
            )
            row = _item(lambda o=order_id, s=shard, t=ticker: self._cancel(account_id, o, s, t))  # type: ignore[misc]
            rows.append({"order_id": order_id, "reduced_by": "0.00"} | row)
        return ok({"orders": rows})

    def cancel_all(self, request: Request, account_id: str) -> Reply:
        self._core.exchange.cancel_all(account_id, self._core.clock_ms())
        return no_content()

    def _cancel(self, account_id: str, order_id: str, shard: int | None, ticker: str) -> Json:
        self._find(account_id, order_id, shard, ticker)
        now_ms = self._core.clock_ms()
        order, canceled_u = self._core.exchange.cancel(account_id, order_id, now_ms)
        return {"order_id": order.order_id, "reduced_by": count(canceled_u), "ts_ms": now_ms}

    def amend(self, request: Request, account_id: str) -> Reply:
        """`count` is what is filled already plus what shall rest."""
        body = Body.of(request, "AmendOrderV2Request")
        order = self._find(account_id, request.params["order_id"], body.integer("exchange_index"), body.text("ticker"))
        price_u, qty_u = body.decimal("price", places=6, code="invalid_price"), body.decimal("count", places=2)
        wrong_side = body.required("side") != ("bid" if order.is_bid else "ask")
        if body.required("ticker") != order.native_id or wrong_side or price_u is None or qty_u is None:
            raise error(400, "invalid_parameters")
        new_id = body.text("updated_client_order_id")
        if not CLIENT_ID.match(new_id):
            raise error(400, "invalid_parameters", details="updated_client_order_id")
        now_ms = self._core.clock_ms()
        amended = self._core.exchange.amend(
            account_id,
            order.order_id,
            now_ms,
            price_u=price_u if order.outcome is Outcome.YES else MICRO - price_u,
            qty_u=qty_u,
            client_order_id=new_id or None,
            expires_ms=_expiry(body.integer("expiration_time")),
        )
        return ok(_amended_body(order, amended, now_ms))

    def decrease(self, request: Request, account_id: str) -> Reply:
        body = Body.of(request, "DecreaseOrderV2Request")
        shard, ticker = body.integer("exchange_index"), body.text("market_ticker")
        order = self._find(account_id, request.params["order_id"], shard, ticker)
        by_u, to_u = body.decimal("reduce_by", places=2), body.decimal("reduce_to", places=2)
        if (by_u is None) == (to_u is None):
            raise error(400, "invalid_parameters", details="exactly one of reduce_by and reduce_to is required")
        target_u = to_u if to_u is not None else max(0, order.remaining_u - (by_u or 0))
        now_ms = self._core.clock_ms()
        decreased = self._core.exchange.decrease(account_id, order.order_id, now_ms, to_u=target_u)
        return ok(
            {
                "order_id": decreased.order_id,
                "client_order_id": decreased.client_order_id,
                "remaining_count": count(decreased.remaining_u),
                "ts_ms": now_ms,
            }
        )

    def _find(self, account_id: str, order_id: str, shard: int | None, ticker: str) -> OrderView:
        """The order, if it is where the request looks. Raises 404 `not_found`."""
        order = self._core.exchange.order(account_id, order_id)
        actual = self._core.exchange.market(order.native_id).spec.shard
        routed = ticker == order.native_id and shard in (None, -1)
        if not routed and actual != (shard or 0):
            raise error(404, "not_found")
        return order

    def _create_buckets(self, request: Request) -> tuple[tuple[int, ...], int]:
        return self._buckets(raw_field(request, "exchange_index"), has_ticker=raw_field(request, "ticker") is not None)

    def _by_id_buckets(self, request: Request) -> tuple[tuple[int, ...], int]:
        return self._buckets(shard_of(request), has_ticker=bool(request.one("market_ticker")))

    def _buckets(self, shard: object, *, has_ticker: bool) -> tuple[tuple[int, ...], int]:
        """An explicit shard pays there; a request to be routed by ticker pays everywhere (FACTS §8)."""
        if isinstance(shard, int) and shard >= 0:
            return (shard,), 1
        if not has_ticker:
            return (0,), 1
        shards = {market.spec.shard for market in self._core.exchange.markets()} | {0}
        return tuple(sorted(shards)), 1


def created_body(order: OrderView, now_ms: int) -> Json:
    """No status; averages only when something filled."""
    body: Json = {
        "order_id": order.order_id,
        "fill_count": count(order.filled_u),
        "remaining_count": count(order.remaining_u),
        "ts_ms": now_ms,
    }
    if order.client_order_id:
        body["client_order_id"] = order.client_order_id
    return body | _averages(order)


def _averages(order: OrderView) -> Json:
    if not order.filled_u:
        return {}
    cost_u = order.taker_cost_u + order.maker_cost_u
    own_price_u = cost_u * MICRO // order.filled_u
    yes_price_u = own_price_u if order.outcome is Outcome.YES else MICRO - own_price_u
    fees_u = order.taker_fees_u + order.maker_fees_u
    return {
        "average_fill_price": price(yes_price_u),
        "average_fee_paid": price(fees_u * MICRO // order.filled_u),
    }


def _amended_body(before: OrderView, after: OrderView, now_ms: int) -> Json:
    """Counts and averages only if the amendment filled or changed the size."""
    body: Json = {"order_id": after.order_id, "client_order_id": after.client_order_id, "ts_ms": now_ms}
    if (after.filled_u, after.remaining_u) != (before.filled_u, before.remaining_u):
        body |= {"remaining_count": count(after.remaining_u), "fill_count": count(after.filled_u)} | _averages(after)
    return body


def _item(effect: Callable[[], Json]) -> Json:
    """One item of a batch: its own success or its own error."""
    try:
        return effect()
    except ExchangeReject as reject:
        refused = reject_error(reject)
    except KalshiError as problem:
        refused = problem
    body: dict[str, Any] = msgspec.json.decode(refused.reply.body)
    return {"error": body.get("error", body)}


def _batch_buckets(request: Request) -> tuple[tuple[int, ...], int]:
    """A batch pays for every item out of the unscoped bucket."""
    orders = raw_field(request, "orders")
    return (0,), max(1, len(orders)) if isinstance(orders, list) else 1


def _expiry(seconds: int | None) -> int | None:
    """Omitted keeps, 0 removes, otherwise a new time."""
    if seconds is None:
        return KEEP_EXPIRY
    return seconds * 1000 if seconds else None
