"""The simulated venue on loopback ports, and our adapters pointed at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.venues.simulator.polymarket_stand import Stand, Trader, standing
from venues.polymarket.account import PolymarketAccount
from venues.polymarket.allowances import Allowances
from venues.polymarket.constants import PolymarketEndpoints
from venues.polymarket.gateway import PolymarketOrders
from venues.polymarket.market_data import PolymarketMarketData
from venues.polymarket.sign import PolymarketWallet
from venues.ports import OrderRef, OrderRequest, PreparedOrder
from venues.types import Outcome, Side, TimeInForce, VenueMarket


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing(Stand()) as running:
        yield running


def endpoints_of(stand: Stand) -> PolymarketEndpoints:
    return PolymarketEndpoints(
        clob_url=stand.clob_url,
        gamma_url=stand.gamma_url,
        data_url=stand.data_url,
        ws_url=stand.ws_url,
        sports_ws_url=stand.ws_url + "/sports",
    )


def wallet_of(trader: Trader) -> PolymarketWallet:
    return PolymarketWallet(
        private_key=trader.private_key,
        signature_type=trader.wallet.signature_type,
        funder=trader.wallet.funder,
        api_key=trader.credentials.api_key,
        secret=trader.credentials.secret,
        passphrase=trader.credentials.passphrase,
    )


class Desk:
    """One trader's three doors to the stand, and the markets it knows."""

    def __init__(self, stand: Stand, *, usd: int = 1_000, signature_type: int = 0) -> None:
        self.stand = stand
        self.trader = stand.new_trader(usd=usd, signature_type=signature_type)
        self.wallet = wallet_of(self.trader)
        self.known: dict[str, VenueMarket] = {}
        endpoints = endpoints_of(stand)
        self.data = PolymarketMarketData(endpoints, clock_ms=self.now_ms)
        allowances = Allowances()
        self.orders = PolymarketOrders(
            endpoints, self.wallet, account="main", clock_ms=self.now_ms, allowances=allowances
        )
        self.account = PolymarketAccount(
            endpoints,
            self.wallet,
            account="main",
            market_of=self.known.get,
            clock_ms=self.now_ms,
            allowances=allowances,
        )
        self._ids = 0

    def now_ms(self) -> int:
        return self.stand.now_ms

    async def list_markets(self, league: str = "nba") -> list[VenueMarket]:
        markets = await self.data.list_markets(league)
        self.known.update({market.native_id: market for market in markets})
        return markets

    def request(self, market: VenueMarket, side: Side, price_u: int, qty: int, **changes: Any) -> OrderRequest:
        """An order for YES at a limit, resting, unless `changes` say otherwise; `qty` in whole contracts."""
        self._ids += 1
        terms: dict[str, Any] = {
            "client_order_id": f"sx1-{self._ids}",
            "outcome": Outcome.YES,
            "time_in_force": TimeInForce.GTC,
            "created_ms": self.now_ms(),
        } | changes
        return OrderRequest(market=market, side=side, price_u=price_u, qty_u=qty * 1_000_000, **terms)

    async def aclose(self) -> None:
        await self.data.aclose()
        await self.orders.aclose()
        await self.account.aclose()


@asynccontextmanager
async def running(door: PolymarketAccount | PolymarketMarketData, sink: Callable[[Any], None]) -> AsyncIterator[None]:
    """Run a door's stream while the block runs."""
    task = asyncio.create_task(door.run(sink))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def desk(stand: Stand) -> AsyncIterator[Desk]:
    made = Desk(stand)
    yield made
    await made.aclose()


def ref_of(prepared: PreparedOrder) -> OrderRef:
    request = prepared.request
    return OrderRef(
        client_order_id=request.client_order_id,
        venue_order_id=prepared.venue_order_id,
        market=request.market,
        placed_ms=request.created_ms,
    )


async def eventually(condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
    """Poll until it holds; fails with the deadline."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  (what is waited for has no event)
            await asyncio.sleep(0.005)


@pytest.fixture
async def market(desk: Desk) -> VenueMarket:
    """The winner market of an NBA game (no taker delay), 0.40 bid and 0.45 asked."""
    listed = desk.stand.list_game("nba").markets[0]
    desk.stand.quote(listed, {"0.4": 100, "0.39": 500}, {"0.45": 60, "0.46": 1_000})
    (found,) = await desk.list_markets("nba")
    return found
