"""A paper account on a scripted feed: the test is the venue's stream, and time moves when the test says so."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from venues.kalshi.capabilities import CAPABILITIES as KALSHI
from venues.paper.account import open_paper_account
from venues.paper.hub import PaperFeed
from venues.paper.journal import Journal, MemoryJournal
from venues.paper.state import PaperState
from venues.polymarket.constants import CAPABILITIES as POLYMARKET
from venues.ports import OrderAck, OrderRef, OrderRequest, Sink
from venues.types import (
    MICRO,
    BookSnapshot,
    FeeSchedule,
    FillReport,
    MarketKind,
    MarketListed,
    Message,
    OrderReport,
    Outcome,
    PublicTrade,
    Side,
    TimeInForce,
    Venue,
    VenueMarket,
)

NOON_MS = 1_767_960_000_000
OPENED_U = 1_000 * MICRO
ACCOUNT = "paper-1"
CENT_U = 10_000
T = TypeVar("T")
_numbers = itertools.count(1)

KALSHI_MARKET = VenueMarket(
    market_id="kalshi:KXNBAGAME-HOME",
    venue=Venue.KALSHI,
    native_id="KXNBAGAME-HOME",
    event_id="KXNBAGAME",
    kind=MarketKind.MONEYLINE,
    league="nba",
    title="Home wins?",
    yes_label="Home",
    no_label="Away",
    fees=FeeSchedule(taker_rate_u=70_000, maker_rate_u=17_500, quantum_u=100),
)
POLYMARKET_MARKET = VenueMarket(
    market_id="polymarket:0x" + "ab" * 32,
    venue=Venue.POLYMARKET,
    native_id="0x" + "ab" * 32,
    event_id="E",
    kind=MarketKind.MONEYLINE,
    league="nba",
    title="Home wins?",
    yes_label="Home",
    no_label="Away",
    min_qty_u=5 * MICRO,
    min_taker_usd_u=MICRO,
    fees=FeeSchedule(taker_rate_u=30_000, exponent=1, quantum_u=10),
    taker_delay_ms=3_000,
    clears_book_at_start=True,
    game_start_ms=NOON_MS + 3_600_000,
    routing='{"yes":"1","no":"2","version":"v2","neg_risk":false}',
)
MARKETS = {Venue.KALSHI: KALSHI_MARKET, Venue.POLYMARKET: POLYMARKET_MARKET}


class ScriptedFeed:
    """The venue's public feed; what `market` answers is set by the test."""

    is_stepped = False
    sockets: tuple[Any, ...] = ()

    def __init__(self, venue: Venue) -> None:
        self.capabilities = KALSHI if venue is Venue.KALSHI else POLYMARKET
        self.reread: dict[str, VenueMarket] = {}

    async def list_markets(self, league: str) -> list[VenueMarket]:
        return []

    async def market(self, market: VenueMarket) -> VenueMarket:
        return self.reread.get(market.market_id, market)

    async def watch(self, markets: Iterable[VenueMarket]) -> None:
        return None

    async def run(self, sink: Sink) -> None:
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        return None


class PaperStand:
    """One account; `told` is everything its stream would have told."""

    def __init__(
        self, venue: Venue = Venue.KALSHI, *, journal: Journal | None = None, opening_u: int = OPENED_U
    ) -> None:
        self.now_ms = NOON_MS
        self.market = MARKETS[venue]
        self.scripted = ScriptedFeed(venue)
        self.feed = PaperFeed(self.scripted, clock_ms=lambda: self.now_ms)
        self.journal = journal or MemoryJournal()
        self.told: list[Message] = []
        self.reader, self.gateway = open_paper_account(
            self.feed,
            account=ACCOUNT,
            journal=self.journal,
            opening_u=opening_u,
            clock_ms=lambda: self.now_ms,
            latency_ms=0,
        )
        self.state: PaperState = self.reader._exchange.state
        self.reader._exchange.listeners.append(self.reader._teller(self.told.append))
        self.feed.take(MarketListed(self.market))

    # --- the venue --------------------------------------------------------------------------------------------------

    def hear(self, *messages: Message, after_ms: int = 0) -> None:
        self.now_ms += after_ms
        for message in messages:
            self.feed.take(message)

    def book(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        """Cents to whole contracts."""
        sides = [tuple((price * CENT_U, qty * MICRO) for price, qty in side.items()) for side in (bids, asks)]
        self.hear(BookSnapshot(self.market.market_id, sides[0], sides[1], self.now_ms))

    def prints(self, cents: int, qty: int, taker: Side, *, after_ms: int = 10) -> None:
        self.now_ms += after_ms
        trade = PublicTrade(
            self.market.market_id, f"p{next(_numbers)}", cents * CENT_U, qty * MICRO, taker, self.now_ms
        )
        self.feed.take(trade)

    def list(self, **changes: Any) -> None:
        values = {name: getattr(self.market, name) for name in VenueMarket.__struct_fields__}
        self.market = VenueMarket(**{**values, **changes})
        self.feed.take(MarketListed(self.market))

    # --- orders -----------------------------------------------------------------------------------------------------

    def request(self, **terms: Any) -> OrderRequest:
        """Buy ten YES at fifty cents, resting, unless `terms` say otherwise."""
        values: dict[str, Any] = {
            "client_order_id": f"paper-{next(_numbers)}",
            "market": self.market,
            "side": Side.BUY,
            "outcome": Outcome.YES,
            "price_u": 50 * CENT_U,
            "qty_u": 10 * MICRO,
            "time_in_force": TimeInForce.GTC,
            "created_ms": self.now_ms,
        }
        return OrderRequest(**{**values, **terms})

    def place(self, **terms: Any) -> OrderAck:
        return now(self.gateway.place(self.gateway.prepare(self.request(**terms))))

    def ref(self, ack: OrderAck) -> OrderRef:
        return OrderRef(client_order_id="", venue_order_id=ack.venue_order_id, market=self.market, placed_ms=0)

    # --- what it tells ----------------------------------------------------------------------------------------------

    @property
    def fills(self) -> list[tuple[int, int, int]]:
        """(cents, whole contracts, fee µUSD) of each fill."""
        return [(one.price_u // CENT_U, one.qty_u // MICRO, one.fee_u) for one in self.read_fills()]

    def read_fills(self) -> list[FillReport]:
        return now(self.reader.fills_since(0))

    def report(self, ack: OrderAck) -> OrderReport:
        found = now(self.reader.order(self.ref(ack)))
        assert found is not None
        return found

    def restart(self) -> PaperStand:
        """Another process on the same journal."""
        again = PaperStand(self.market.venue, journal=self.journal)
        again.now_ms = self.now_ms
        return again


def now(work: Coroutine[Any, Any, T]) -> T:
    """Doors of a paper account without latency never wait."""
    return asyncio.run(work)
