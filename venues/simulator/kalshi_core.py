"""What all parts of the Kalshi face share, and the frame around every REST call.

A call goes: signature → tokens → faults → the handler → faults → the answer. Errors of the exchange become the venue's
own statuses and codes here, in one table. Source: FACTS §3.6.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from venues.simulator.asgi import Reply, Request
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import ExchangeReject, RejectCode
from venues.simulator.fault_wire import disturbed
from venues.simulator.faults import Call, FaultPlan
from venues.simulator.kalshi_auth import KeyRing
from venues.simulator.kalshi_catalog import KalshiCatalog
from venues.simulator.kalshi_json import TOO_MANY_REQUESTS, KalshiError, error
from venues.simulator.kalshi_limits import BASIC, BucketKind, Limits, Tier
from venues.simulator.kalshi_reads import ReadSide
from venues.simulator.kalshi_tape import PublicTape

VENUE = "kalshi"
ROOT = "/trade-api/v2"
WS_PATH = "/trade-api/ws/v2"

AccountHandler = Callable[[Request, str], Reply]
PublicHandler = Callable[[Request], Reply]
BodyCost = Callable[[Request], tuple[tuple[int, ...], int]]
"""Which shards' write buckets a request draws on, and how many times its cost."""


class KalshiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`stale_read_ms`: virtual time by which portfolio reads lag. `tier` None: no rate limits."""

    stale_read_ms: int = 0
    tier: Tier | None = BASIC


REJECTS: dict[RejectCode, tuple[int, str, str]] = {
    RejectCode.INSUFFICIENT_BALANCE: (400, "insufficient_balance", ""),
    RejectCode.INVALID_PRICE: (400, "invalid_price", ""),
    RejectCode.INVALID_QUANTITY: (400, "invalid_order", "invalid count"),
    RejectCode.BELOW_MIN_QUANTITY: (400, "invalid_order", "invalid count"),
    RejectCode.INVALID_ORDER: (400, "invalid_order", ""),
    RejectCode.INVALID_EXPIRATION: (400, "invalid_parameters", "expiration_time"),
    RejectCode.POST_ONLY_CROSS: (400, "invalid_order", "post only cross"),
    RejectCode.REDUCE_ONLY: (400, "invalid_order", "reduce only order would not reduce the position"),
    RejectCode.DUPLICATE_ORDER: (409, "order_already_exists", ""),
    RejectCode.FOK_UNFILLABLE: (409, "fill_or_kill_insufficient_resting_volume", ""),
    RejectCode.MARKET_NOT_FOUND: (404, "market_not_found", ""),
    RejectCode.MARKET_CLOSED: (409, "market_closed", ""),
    RejectCode.TRADING_PAUSED: (409, "trading_is_paused", ""),
    RejectCode.EXCHANGE_PAUSED: (409, "exchange_is_paused", ""),
    RejectCode.ORDER_NOT_FOUND: (404, "not_found", ""),
    RejectCode.ORDER_DELAYED: (404, "not_found", ""),
    RejectCode.GROUP_NOT_FOUND: (404, "order_group_not_found", ""),
    RejectCode.NO_SUCH_GROUP: (404, "not_found", ""),  # asked for by its own address, as any other record
    RejectCode.GROUP_TRIGGERED: (409, "exceeded_order_group_risk_limit", ""),
    RejectCode.ACCOUNT_NOT_FOUND: (404, "not_found", ""),
}


def reject_error(reject: ExchangeReject) -> KalshiError:
    status, code, details = REJECTS.get(reject.code, (400, str(reject.code), ""))
    if reject.code is RejectCode.MARKET_CLOSED and reject.detail == "paused":
        code = "trading_is_paused"
    if reject.code is RejectCode.INVALID_ORDER:
        details = reject.detail
    return error(status, code, details=details)


class KalshiCore:
    """The face's shared state, and `private`/`public`, which turn handlers into routes."""

    def __init__(
        self,
        exchange: Exchange,
        catalog: KalshiCatalog,
        keys: KeyRing,
        *,
        clock_ms: Callable[[], int],
        wall_ms: Callable[[], int],
        settings: KalshiSettings,
        faults: FaultPlan,
    ) -> None:
        self.exchange = exchange
        self.catalog = catalog
        self.keys = keys
        self.clock_ms = clock_ms
        self.wall_ms = wall_ms
        self.settings = settings
        self.faults = faults
        self.limits = Limits(settings.tier)
        self.reads = ReadSide(exchange, clock_ms, stale_ms=settings.stale_read_ms)
        self.tape = PublicTape(exchange, clock_ms)

    def shard_of(self, ticker: str) -> int:
        """Where a market trades; the default shard for one that is listed no longer."""
        market = self.exchange.find_market(ticker)
        return 0 if market is None else market.spec.shard

    def event_of(self, ticker: str) -> str:
        """The event of a market, by its ticker's grammar where it is listed no longer."""
        market = self.exchange.find_market(ticker)
        return ticker.rpartition("-")[0] if market is None else market.spec.event_id

    def private(
        self, op: str, handler: AccountHandler, *, cost: int, body_cost: BodyCost | None = None
    ) -> Callable[[Request], Awaitable[Reply]]:
        """A route that needs a signature and tokens."""

        async def answer(request: Request) -> Reply:
            try:
                account_id = self.keys.verify(
                    request.headers, method=request.method, path=request.path, wall_ms=self.wall_ms()
                )
            except KalshiError as refused:
                return refused.reply
            shards, times = body_cost(request) if body_cost is not None else ((0,), 1)
            kind = BucketKind.READ if request.method == "GET" else BucketKind.WRITE
            if not self.limits.take(account_id, kind, shards, cost * times, self.wall_ms()):
                return TOO_MANY_REQUESTS
            call = Call(VENUE, op, account_id, request.path)
            return await disturbed(self.faults, call, lambda: _answered(lambda: handler(request, account_id)))

        return answer

    def public(self, op: str, handler: PublicHandler) -> Callable[[Request], Awaitable[Reply]]:
        """A route that anyone may read, signed or not."""

        async def answer(request: Request) -> Reply:
            call = Call(VENUE, op, "", request.path)
            return await disturbed(self.faults, call, lambda: _answered(lambda: handler(request)))

        return answer


def _answered(effect: Callable[[], Reply]) -> Reply:
    try:
        return effect()
    except KalshiError as refused:
        return refused.reply
    except ExchangeReject as reject:
        return reject_error(reject).reply
