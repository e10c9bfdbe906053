"""One venue as an adapter sees it: the simulator behind real sockets, a funded account, a market, the venue's truth."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from venues.book import Book
from venues.ports import AccountReader, Capabilities, MarketDataFeed, OrderAck, OrderGateway, OrderRef, OrderRequest
from venues.registry import open_account, open_market_data, simulated_endpoints
from venues.simulator.asgi import Router
from venues.simulator.config import SimulatorConfig
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_terms import NewOrder
from venues.simulator.fault_plan import FaultRule, ScheduledFaults
from venues.simulator.faults import FaultPlan
from venues.simulator.flow.quoted import TAKER
from venues.simulator.remote import SimulatorControl
from venues.simulator.simulator import Simulator
from venues.types import (
    MICRO,
    BookDelta,
    BookGap,
    BookLevel,
    BookSnapshot,
    FillReport,
    MarketKind,
    Message,
    OrderReport,
    Outcome,
    Side,
    TimeInForce,
    Venue,
    VenueMarket,
)

OPENED_USD = "1000000"
PATIENCE_S = 60.0
FIRST_QUOTES_MS = 2_000
_numbers = itertools.count(1)


class Bench:
    """The venues' time stands still but for `wait_ms`; the game has not begun."""

    def __init__(
        self,
        simulator: Simulator,
        control: SimulatorControl,
        feed: MarketDataFeed,
        reader: AccountReader,
        gateway: OrderGateway,
        account_id: str,
    ) -> None:
        self.feed, self.reader, self.gateway = feed, reader, gateway
        self.capabilities: Capabilities = gateway.capabilities
        self.account_id = account_id
        self.markets: dict[str, VenueMarket] = {}
        self.doors: Callable[[], tuple[AccountReader, OrderGateway]]
        """Another reader and gateway of the same account, which remember no refusal and no throttling."""
        self.faults: FaultPlan
        self._simulator, self._control = simulator, control

    # --- orders -----------------------------------------------------------------------------------------------------

    @property
    def market(self) -> VenueMarket:
        return next(iter(self.markets.values()))

    def request(self, **terms: Any) -> OrderRequest:
        """Buy ten YES at five cents, resting, unless `terms` say otherwise."""
        values: dict[str, Any] = {
            "client_order_id": f"card-{next(_numbers)}",
            "market": self.market,
            "side": Side.BUY,
            "outcome": Outcome.YES,
            "price_u": 50_000,
            "qty_u": 10 * MICRO,
            "time_in_force": TimeInForce.GTC,
            "created_ms": self.now_ms,
        }
        return OrderRequest(**{**values, **terms})

    async def place(self, request: OrderRequest) -> tuple[OrderAck, OrderRef]:
        prepared = self.gateway.prepare(request)
        ack = await self.gateway.place(prepared)
        return ack, self.ref(request, ack.venue_order_id)

    async def take(self, *, qty_u: int = 10 * MICRO, **terms: Any) -> OrderRef:
        """An immediate order at whatever the other side asks for, matched."""
        terms = {"price_u": self.taking_u(**terms), "time_in_force": TimeInForce.IOC, **terms}
        _, ref = await self.place(self.request(qty_u=qty_u, **terms))
        await self.wait_ms(5_000)
        return ref

    def ref(self, request: OrderRequest, venue_order_id: str) -> OrderRef:
        return OrderRef(
            client_order_id=request.client_order_id,
            venue_order_id=venue_order_id,
            market=request.market,
            placed_ms=request.created_ms,
        )

    def taking_u(self, *, side: Side = Side.BUY, outcome: Outcome = Outcome.YES, **_: Any) -> int:
        """A price that takes at least the best level of the other side."""
        market = self.exchange.market(self.market.native_id)
        assert market.best_bid_u is not None and market.best_ask_u is not None
        if (side is Side.BUY) == (outcome is Outcome.YES):
            yes_u = min(market.best_ask_u + 20_000, 990_000)
        else:
            yes_u = max(market.best_bid_u - 20_000, 10_000)
        price_u = yes_u if outcome is Outcome.YES else MICRO - yes_u
        return price_u - price_u % 10_000

    async def open_ids(self) -> set[str]:
        return {report.venue_order_id for report in await self.reader.open_orders()}

    async def fills(self) -> list[FillReport]:
        return await self.reader.fills_since(0)

    # --- the venue's truth ------------------------------------------------------------------------------------------

    @property
    def exchange(self) -> Exchange:
        return self._simulator.assembly.builder.exchanges[self.capabilities.venue]

    @property
    def face(self) -> Router:
        """The application that takes this venue's orders."""
        parts = self._simulator.assembly
        return parts.kalshi_face.app if self.capabilities.venue is Venue.KALSHI else parts.polymarket_face.clob_app

    @property
    def control_url(self) -> str:
        return self._simulator.endpoints.control

    @property
    def now_ms(self) -> int:
        return self._simulator.assembly.now_ms()

    async def ledger(self) -> dict[str, Any]:
        account: dict[str, Any] = (await self._control.ledger(self.account_id))["accounts"][0]
        return account

    async def wait_ms(self, step_ms: int) -> None:
        """Let virtual time go on; everything the venue then wrote has been read when this returns."""
        reading = await self._control.step(step_ms)
        sockets = [*self.feed.sockets, *self.reader.sockets]  # type: ignore[attr-defined]
        written = {stream.peer: stream.sent for stream in reading.streams}
        await until(lambda: all(one.frames_received >= written.get(one.local_port or 0, 0) for one in sockets))

    def somebody_sells(self, price_u: int, qty_u: int) -> None:
        """A stranger takes the bids of YES down to this price."""
        order = NewOrder(
            native_id=self.market.native_id,
            side=Side.SELL,
            outcome=Outcome.YES,
            price_u=price_u,
            qty_u=qty_u,
            tif=TimeInForce.IOC,
        )
        self.exchange.submit(TAKER, order, self.now_ms)

    def suffer(self, *rules: FaultRule) -> None:
        """From now on these faults, and no others."""
        assert isinstance(self.faults, ScheduledFaults)
        self.faults.clear()
        for rule in rules:
            self.faults.add(rule)

    async def stop_venue(self) -> None:
        await self._simulator.stop()

    # --- streams ----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def heard(self, door: MarketDataFeed | AccountReader) -> AsyncIterator[list[Message]]:
        """Everything that a door streams, from its first message on."""
        messages: list[Message] = []
        running = asyncio.create_task(door.run(messages.append))
        try:
            await until(lambda: all(one.is_up for one in door.sockets) and bool(messages))  # type: ignore[attr-defined]
            yield messages
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


class Books:
    """Books kept from streamed messages, as the trader keeps them."""

    def __init__(self) -> None:
        self.by_market: dict[str, Book] = {}
        self.gaps = 0

    def take(self, messages: list[Message]) -> None:
        for message in messages:
            match message:
                case BookSnapshot():
                    self._book(message.market_id).apply_snapshot(message.bids, message.asks)
                case BookDelta():
                    self._book(message.market_id).apply_delta(message.is_bid, message.price_u, message.delta_u)
                case BookLevel():
                    self._book(message.market_id).set_level(message.is_bid, message.price_u, message.qty_u)
                case BookGap():
                    self._book(message.market_id).clear()
                    self.gaps += 1
        messages.clear()

    def _book(self, market_id: str) -> Book:
        return self.by_market.setdefault(market_id, Book())


def reports(messages: list[Message], ref: OrderRef) -> list[OrderReport]:
    return [one for one in messages if isinstance(one, OrderReport) and one.venue_order_id == ref.venue_order_id]


@asynccontextmanager
async def bench(
    venue: Venue, *, balance_usd: str = OPENED_USD, faults: FaultPlan | None = None
) -> AsyncIterator[Bench]:
    plan = faults or ScheduledFaults()
    simulator = Simulator(SimulatorConfig(port=0, seed=7, games=1, is_paused=True), faults=plan)
    await simulator.start()
    control = SimulatorControl(port=simulator.ports.control)
    made = await control.open_account(venue, balance_usd=balance_usd)
    endpoints = simulated_endpoints(simulator.ports.kalshi)
    secrets = {name: str(value) for name, value in made.credentials.items()}
    clock_ms = simulator.assembly.now_ms
    markets: dict[str, VenueMarket] = {}
    feed = open_market_data(venue, endpoints=endpoints, secrets=secrets, clock_ms=clock_ms)

    def doors() -> tuple[AccountReader, OrderGateway]:
        return open_account(
            venue, endpoints=endpoints, secrets=secrets, account="mine", market_of=markets.get, clock_ms=clock_ms
        )

    reader, gateway = doors()
    on = Bench(simulator, control, feed, reader, gateway, made.account_id)
    on.doors, on.faults = doors, plan
    await control.step(FIRST_QUOTES_MS)
    listed = await feed.list_markets("nba")
    on.markets = markets
    markets |= {one.market_id: one for one in listed if one.kind is MarketKind.MONEYLINE}
    try:
        yield on
    finally:
        for door in (feed, reader, gateway, control):
            await door.aclose()
        await simulator.stop()


async def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


def encoded(value: Any) -> bytes:
    return msgspec.json.encode(value)
