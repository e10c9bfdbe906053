"""Reading one's own account: orders, fills, positions, settlements, balances, limits and keys.

Rows come newest first, as captured. Orders and fills cover all subaccounts by default, positions only the primary; the
simulator has the primary only. Source: FACTS §3.7, §3.9, §4.
"""

from __future__ import annotations

from venues.simulator.asgi import Reply, Request, Router
from venues.simulator.exchange_types import OrderView, PositionView
from venues.simulator.kalshi_core import ROOT, KalshiCore
from venues.simulator.kalshi_json import balance, count, error, money, ok
from venues.simulator.kalshi_limits import BASIC, cost_of
from venues.simulator.kalshi_records import STATUS, fill_body, order_body, position_body, settlement_body
from venues.simulator.kalshi_requests import Page, paged, shard_of, within
from venues.types import MICRO, OrderState

Json = dict[str, object]
CENT_U = 10_000


class PortfolioEndpoints:
    def __init__(self, core: KalshiCore) -> None:
        self._core = core

    def add_routes(self, router: Router) -> None:
        for method, path, op, handler in (
            ("GET", "/portfolio/balance", "balance", self.balance),
            ("GET", "/portfolio/orders", "orders", self.orders),
            ("GET", "/portfolio/orders/queue_positions", "queue_positions", self.queue_positions),
            ("GET", "/portfolio/orders/{order_id}", "order", self.order),
            ("GET", "/portfolio/orders/{order_id}/queue_position", "queue_position", self.queue_position),
            ("GET", "/portfolio/fills", "fills", self.fills),
            ("GET", "/portfolio/positions", "positions", self.positions),
            ("GET", "/portfolio/settlements", "settlements", self.settlements),
            ("GET", "/portfolio/summary/total_resting_order_value", "resting_value", self.resting_value),
            ("GET", "/portfolio/subaccounts/balances", "subaccount_balances", self.subaccount_balances),
            ("GET", "/portfolio/subaccounts/netting", "netting", self.netting),
            ("GET", "/portfolio/deposits", "deposits", self.deposits),
            ("GET", "/portfolio/withdrawals", "withdrawals", self.withdrawals),
            ("GET", "/historical/orders", "historical_orders", self.historical_orders),
            ("GET", "/historical/fills", "historical_fills", self.historical_fills),
            ("GET", "/historical/positions", "historical_positions", self.historical_positions),
            ("GET", "/account/limits", "limits", self.limits),
            ("GET", "/api_keys", "api_keys", self.api_keys),
        ):
            router.route(method, ROOT + path, self._core.private(op, handler, cost=cost_of(method, path)))

    def orders(self, request: Request, account_id: str) -> Reply:
        wanted = request.one("status")
        if wanted and wanted not in STATUS.values():
            raise error(400, "bad_request", details="invalid status filter")
        rows = [
            order
            for order in reversed(self._core.reads.of(account_id).orders.values())
            if wanted in ("", STATUS[order.state])
            and self._is_asked_for(request, order.native_id)
            and within(request, order.created_ms)
        ]
        page: Page[OrderView] = paged(request, rows, operation="GetOrders", most=1000, default=100)
        bodies = [order_body(order, shard=self._core.shard_of(order.native_id)) for order in page.items]
        return ok({"orders": bodies, "cursor": page.cursor})

    def order(self, request: Request, account_id: str) -> Reply:
        """Reads by id look at every shard."""
        order = self._core.reads.of(account_id).orders.get(request.params["order_id"])
        if order is None:
            raise error(404, "not_found")
        return ok({"order": order_body(order, shard=self._core.shard_of(order.native_id))})

    def queue_position(self, request: Request, account_id: str) -> Reply:
        ahead_u = self._core.exchange.queue_ahead_u(account_id, request.params["order_id"])
        return ok({"queue_position_fp": count(ahead_u)})

    def queue_positions(self, request: Request, account_id: str) -> Reply:
        tickers, event = set(request.many("market_tickers")), request.one("event_ticker")
        rows = [
            {
                "order_id": order.order_id,
                "market_ticker": order.native_id,
                "queue_position_fp": count(self._core.exchange.queue_ahead_u(account_id, order.order_id)),
            }
            for order in self._core.exchange.orders(account_id, open_only=True)
            if order.native_id in tickers or (event and self._core.event_of(order.native_id) == event)
        ]
        return ok({"queue_positions": rows})

    def fills(self, request: Request, account_id: str) -> Reply:
        order_id = request.one("order_id")
        rows = [
            fill
            for fill in reversed(self._core.reads.of(account_id).fills)
            if order_id in ("", fill.order_id)
            and self._is_asked_for(request, fill.native_id)
            and within(request, fill.venue_ms)
        ]
        page = paged(request, rows, operation="GetFills", most=1000, default=100)
        bodies = [fill_body(fill, shard=self._core.shard_of(fill.native_id)) for fill in page.items]
        return ok({"fills": bodies, "cursor": page.cursor})

    def positions(self, request: Request, account_id: str) -> Reply:
        """`settlement_status` is unsettled by default; `count_filter` names what must not be 0."""
        wanted, filters = request.one("settlement_status", "unsettled"), request.many("count_filter")
        reads = self._core.reads.of(account_id)
        settled = {settlement.native_id for settlement in reads.settlements}
        rows = [
            position
            for position in reads.positions.values()
            if self._is_asked_for(request, position.native_id)
            and wanted in ("all", "settled" if position.native_id in settled else "unsettled")
            and (not filters or _counts_match(position, filters))
        ]
        page = paged(request, rows, operation="GetPositions", most=1000, default=100)
        resting = [order.native_id for order in reads.orders.values() if order.state is OrderState.RESTING]
        bodies = [
            position_body(each, shard=self._core.shard_of(each.native_id), resting_orders=resting.count(each.native_id))
            for each in page.items
        ]
        events = self._event_positions(page.items)
        return ok({"market_positions": bodies, "event_positions": events, "cursor": page.cursor})

    def settlements(self, request: Request, account_id: str) -> Reply:
        rows = [
            settlement
            for settlement in reversed(self._core.reads.of(account_id).settlements)
            if self._is_asked_for(request, settlement.native_id) and within(request, settlement.venue_ms)
        ]
        page = paged(request, rows, operation="GetSettlements", most=1000, default=100)
        bodies = [
            settlement_body(
                each, event_ticker=self._core.event_of(each.native_id), shard=self._core.shard_of(each.native_id)
            )
            for each in page.items
        ]
        return ok({"settlements": bodies, "cursor": page.cursor})

    def _event_positions(self, positions: list[PositionView]) -> list[Json]:
        sums: dict[str, list[int]] = {}
        for each in positions:
            row = sums.setdefault(self._core.event_of(each.native_id), [0, 0, 0, 0, 0])
            exposure_u = each.yes_cost_u + each.no_cost_u
            parts = (each.traded_usd_u, each.traded_qty_u, exposure_u, each.realized_u, each.fees_u)
            sums[self._core.event_of(each.native_id)] = [total + part for total, part in zip(row, parts, strict=True)]
        return [
            {
                "event_ticker": event,
                "total_cost_dollars": money(row[0]),
                "total_cost_shares_fp": count(row[1]),
                "event_exposure_dollars": money(row[2]),
                "realized_pnl_dollars": money(row[3]),
                "fees_paid_dollars": money(row[4]),
            }
            for event, row in sums.items()
        ]

    def balance(self, request: Request, account_id: str) -> Reply:
        """Free cash of one shard or of all; whole cents are cut off."""
        shard = shard_of(request)
        rows = [
            (index, cash_u - held_u)
            for index, cash_u, held_u in self._core.exchange.balance(account_id).by_shard
            if shard in (None, index)
        ]
        total_u = sum(free_u for _, free_u in rows)
        return ok(
            {
                "balance": total_u // CENT_U,
                "balance_dollars": balance(total_u),
                "portfolio_value": self._portfolio_value_u(account_id, shard) // CENT_U,
                "updated_ts": self._core.clock_ms() // 1000,
                "balance_breakdown": [{"exchange_index": index, "balance": balance(free_u)} for index, free_u in rows],
            }
        )

    def _portfolio_value_u(self, account_id: str, shard: int | None) -> int:
        """Positions at the last traded price."""
        total_u = 0
        for position in self._core.exchange.positions(account_id):
            market = self._core.exchange.find_market(position.native_id)
            if market is not None and shard in (None, market.spec.shard):
                last_u = market.last_price_u or 0
                total_u += (position.yes_qty_u * last_u + position.no_qty_u * (MICRO - last_u)) // MICRO
        return total_u

    def resting_value(self, request: Request, account_id: str) -> Reply:
        rows = self._core.exchange.balance(account_id).by_shard
        breakdown = [{"exchange_index": index, "balance": balance(held_u)} for index, _, held_u in rows]
        total_u = sum(held_u for _, _, held_u in rows)
        return ok({"total_resting_order_value": total_u // CENT_U, "resting_order_value_breakdown": breakdown})

    def subaccount_balances(self, request: Request, account_id: str) -> Reply:
        now_s = self._core.clock_ms() // 1000
        rows = [
            {"subaccount_number": 0, "exchange_index": index, "balance": balance(cash_u - held_u), "updated_ts": now_s}
            for index, cash_u, held_u in self._core.exchange.balance(account_id).by_shard
        ]
        return ok({"subaccount_balances": rows})

    def netting(self, request: Request, account_id: str) -> Reply:
        """Collateral is never returned across the markets of an event here: the setting is off."""
        shards = [row[0] for row in self._core.exchange.balance(account_id).by_shard]
        rows = [{"subaccount_number": 0, "exchange_index": index, "enabled": False} for index in shards]
        return ok({"netting_configs": rows})

    def deposits(self, request: Request, account_id: str) -> Reply:
        return ok({"deposits": [], "cursor": ""})

    def withdrawals(self, request: Request, account_id: str) -> Reply:
        return ok({"withdrawals": [], "cursor": ""})

    def historical_orders(self, request: Request, account_id: str) -> Reply:
        return ok({"orders": [], "cursor": ""})

    def historical_fills(self, request: Request, account_id: str) -> Reply:
        return ok({"fills": [], "cursor": ""})

    def historical_positions(self, request: Request, account_id: str) -> Reply:
        return ok({"market_positions": [], "event_positions": [], "cursor": ""})

    def limits(self, request: Request, account_id: str) -> Reply:
        tier = self._core.limits.tier or BASIC
        return ok(
            {
                "usage_tier": tier.name,
                "read": {"refill_rate": tier.read_per_s, "bucket_capacity": tier.read_capacity},
                "write": {"refill_rate": tier.write_per_s, "bucket_capacity": tier.write_capacity},
                "grants": [],
            }
        )

    def api_keys(self, request: Request, account_id: str) -> Reply:
        rows = [
            {"api_key_id": record.key_id, "name": record.name, "scopes": list(record.scopes)}
            for record in self._core.keys.of(account_id)
        ]
        return ok({"api_keys": rows})

    def _is_asked_for(self, request: Request, native_id: str) -> bool:
        """The `ticker`, `event_ticker` and `exchange_index` filters that most lists share."""
        tickers, events, shard = request.many("ticker"), request.many("event_ticker"), shard_of(request)
        return (
            (not tickers or native_id in tickers)
            and (not events or self._core.event_of(native_id) in events)
            and shard in (None, self._core.shard_of(native_id))
        )


def _counts_match(position: PositionView, filters: list[str]) -> bool:
    return ("position" in filters and position.net_u != 0) or ("total_traded" in filters and position.traded_usd_u != 0)
