"""One funded user of the simulated Kalshi: the three doors on a real port, and what they told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tests.venues.simulator.kalshi_stand import OKC, Stand, kalshi_stand
from venues.kalshi.client import KalshiAccount, KalshiEndpoints, KalshiKey, KalshiMarketData, KalshiOrders
from venues.ports import OrderRef, OrderRequest
from venues.simulator.kalshi_auth import KeyType
from venues.types import (
    MICRO,
    Message,
    Outcome,
    Side,
    TimeInForce,
    VenueMarket,
)

MessageT = Any


async def until(condition: Callable[[], object], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + 60
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"never: {what}"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def running(job: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(job)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def endpoints_of(stand: Stand) -> KalshiEndpoints:
    base = f"127.0.0.1:{stand.port}"
    return KalshiEndpoints(f"http://{base}/trade-api/v2", f"ws://{base}/trade-api/ws/v2")


class Doors:
    """Market data, account and orders of one funded user, with everything they told."""

    def __init__(self, stand: Stand, *, key_type: KeyType, shard: int) -> None:
        endpoints = endpoints_of(stand)
        opened = stand.face.open_account(
            key_type=key_type, balance_u=1_000 * MICRO, shards=(shard,), now_ms=stand.clock.ms
        )
        key = KalshiKey(opened.record.key_id, opened.private_key)
        self.stand = stand
        self.told: list[Message] = []
        self.known: dict[str, VenueMarket] = {}
        self.market_data = KalshiMarketData(endpoints, key, clock_ms=stand.clock)
        self.account = KalshiAccount(endpoints, key, account="main", market_of=self.known.get, clock_ms=stand.clock)
        self.orders = KalshiOrders(endpoints, key, account="main", clock_ms=stand.clock)

    async def list(self) -> VenueMarket:
        """List the league and return the market on Oklahoma City."""
        markets = await self.market_data.list_markets("nba")
        self.known.update({market.native_id: market for market in markets})
        return self.known[OKC]

    def of(self, kind: type[MessageT]) -> list[MessageT]:
        return [message for message in self.told if isinstance(message, kind)]

    def request(self, side: Side, outcome: Outcome, price_u: int, contracts: int, **options: Any) -> OrderRequest:
        values: dict[str, Any] = {"time_in_force": TimeInForce.GTC, "client_order_id": str(uuid.uuid4()), **options}
        market = self.known[OKC]
        return OrderRequest(
            market=market, side=side, outcome=outcome, price_u=price_u, qty_u=contracts * MICRO, created_ms=0, **values
        )

    async def place(self, side: Side, outcome: Outcome, price_u: int, contracts: int, **options: Any) -> OrderRef:
        request = self.request(side, outcome, price_u, contracts, **options)
        ack = await self.orders.place(self.orders.prepare(request))
        return ref_of(request, ack.venue_order_id, self.stand)

    async def aclose(self) -> None:
        for door in (self.market_data, self.account, self.orders):
            await door.aclose()


def ref_of(request: OrderRequest, venue_order_id: str, stand: Stand) -> OrderRef:
    return OrderRef(
        client_order_id=request.client_order_id,
        venue_order_id=venue_order_id,
        market=request.market,
        placed_ms=stand.clock.ms,
    )


@asynccontextmanager
async def doors(*, key_type: KeyType = KeyType.ED25519, shard: int = 0, **options: Any) -> AsyncIterator[Doors]:
    async with kalshi_stand(shard=shard, **options) as stand:
        stand.quote([(54, 100)], [(56, 100)])
        opened = Doors(stand, key_type=key_type, shard=shard)
        await opened.list()
        try:
            yield opened
        finally:
            await opened.aclose()
