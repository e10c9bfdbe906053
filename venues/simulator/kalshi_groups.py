"""Order groups: the venue's own throttle and switch for a set of orders. Source: FACTS §3.8."""

from __future__ import annotations

from venues.simulator.asgi import Reply, Request, Router
from venues.simulator.exchange_types import GroupView
from venues.simulator.kalshi_core import ROOT, KalshiCore
from venues.simulator.kalshi_json import count, error, ok
from venues.simulator.kalshi_limits import DEFAULT_COST
from venues.simulator.kalshi_requests import Body, raw_field, shard_of
from venues.types import MICRO

GROUPS = ROOT + "/portfolio/order_groups"
MOST_CONTRACTS_U = 1_000_000 * MICRO


class GroupEndpoints:
    def __init__(self, core: KalshiCore) -> None:
        self._core = core

    def add_routes(self, router: Router) -> None:
        one = GROUPS + "/{group_id}"
        for method, path, op, handler in (
            ("GET", GROUPS, "groups", self.groups),
            ("POST", GROUPS + "/create", "group_create", self.create),
            ("GET", one, "group", self.group),
            ("DELETE", one, "group_delete", self.delete),
            ("PUT", one + "/reset", "group_reset", self.reset),
            ("PUT", one + "/trigger", "group_trigger", self.trigger),
            ("PUT", one + "/limit", "group_limit", self.limit),
        ):
            router.route(method, path, self._core.private(op, handler, cost=DEFAULT_COST, body_cost=_buckets))

    def groups(self, request: Request, account_id: str) -> Reply:
        rows = []
        for view in self._core.exchange.groups(account_id):
            body = _body(view)
            del body["orders"]
            rows.append(body | {"id": view.group_id})
        return ok({"order_groups": rows})

    def group(self, request: Request, account_id: str) -> Reply:
        return ok(_body(self._core.exchange.group(account_id, request.params["group_id"])))

    def create(self, request: Request, account_id: str) -> Reply:
        body = Body.of(request, "CreateOrderGroupRequest")
        shard = body.integer("exchange_index") or 0
        view = self._core.exchange.create_group(account_id, _limit(body), self._core.clock_ms(), shard=shard)
        return ok({"order_group_id": view.group_id, "subaccount": 0, "exchange_index": view.shard}, 201)

    def delete(self, request: Request, account_id: str) -> Reply:
        self._core.exchange.delete_group(account_id, request.params["group_id"], self._core.clock_ms())
        return ok({})

    def reset(self, request: Request, account_id: str) -> Reply:
        self._core.exchange.reset_group(account_id, request.params["group_id"], self._core.clock_ms())
        return ok({})

    def trigger(self, request: Request, account_id: str) -> Reply:
        self._core.exchange.trigger_group(account_id, request.params["group_id"], self._core.clock_ms())
        return ok({})

    def limit(self, request: Request, account_id: str) -> Reply:
        limit_u = _limit(Body.of(request, "UpdateOrderGroupLimitRequest"))
        group_id = request.params["group_id"]
        self._core.exchange.limit_group(account_id, group_id, limit_u, self._core.clock_ms())
        return ok({})


def _buckets(request: Request) -> tuple[tuple[int, ...], int]:
    """A write that names a shard is paid there, as every single write is (FACTS §8)."""
    if request.method == "GET":
        return (0,), 1
    named = raw_field(request, "exchange_index") if request.method == "POST" else shard_of(request)
    return (named if isinstance(named, int) and named > 0 else 0,), 1


def _body(view: GroupView) -> dict[str, object]:
    return {
        "is_auto_cancel_enabled": True,
        "contracts_limit_fp": count(view.limit_u),
        "orders": list(view.order_ids),
        "exchange_index": view.shard,
    }


def _limit(body: Body) -> int:
    """Either whole contracts or a decimal string, in µcontracts."""
    whole, limit_u = body.integer("contracts_limit"), body.decimal("contracts_limit_fp", places=2)
    if whole is not None:
        limit_u = whole * MICRO
    if limit_u is None or not MICRO <= limit_u <= MOST_CONTRACTS_U:
        raise error(400, "invalid_parameters", details="contracts_limit")
    return limit_u
