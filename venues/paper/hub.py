"""The live books that paper accounts fill against: the venue's own feed with an ear on it.

`PaperFeed` is the venue's `MarketDataFeed` for everybody else; on the way every message passes through its books and to
the paper accounts of that venue. Invariant: an account does what was due before a message on the book as it was before
that message. While the feed is down there are no books, so nothing fills.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from venues.book import Book
from venues.errors import VenueError
from venues.ports import MarketDataFeed, Sink
from venues.types import (
    MICRO,
    BookDelta,
    BookGap,
    BookLevel,
    BookSnapshot,
    FeedStatus,
    MarketListed,
    MarketState,
    MarketStateChanged,
    Message,
    Outcome,
    VenueMarket,
)


class Listener(Protocol):
    """A paper account."""

    def advance(self, now_ms: int) -> None: ...

    def hear(self, message: Message, now_ms: int) -> None: ...


class PaperFeed:
    """`feed` with books. Watch and run it as any other."""

    def __init__(self, feed: MarketDataFeed, *, clock_ms: Callable[[], int]) -> None:
        self.capabilities = feed.capabilities
        self.is_stepped = feed.is_stepped
        self.markets: dict[str, VenueMarket] = {}
        self.books: dict[str, Book] = {}
        self.listeners: list[Listener] = []
        self._feed = feed
        self._clock_ms = clock_ms

    @property
    def sockets(self) -> tuple[Any, ...]:
        return tuple(getattr(self._feed, "sockets", ()))

    async def list_markets(self, league: str) -> list[VenueMarket]:
        listed = await self._feed.list_markets(league)
        for market in listed:
            self.learn(market)
        return listed

    async def market(self, market: VenueMarket) -> VenueMarket:
        """As the venue's own; accounts hear of the answer, which may be a settlement that no stream told of."""
        told = await self._feed.market(market)
        self.take(MarketListed(told))
        return told

    async def watch(self, markets: Iterable[VenueMarket]) -> None:
        wanted = list(markets)
        for market in wanted:
            self.markets.setdefault(market.market_id, market)
        await self._feed.watch(wanted)

    async def run(self, sink: Sink) -> None:
        def heard(message: Message) -> None:
            self.take(message)
            sink(message)

        await self._feed.run(heard)

    async def aclose(self) -> None:
        await self._feed.aclose()

    def book(self, market_id: str) -> Book:
        return self.books.setdefault(market_id, Book())

    def learn(self, market: VenueMarket) -> None:
        """Terms and state of a market, from a listing; what changed is told to the accounts."""
        known = self.markets.get(market.market_id)
        if known != market:
            self.take(MarketListed(market))

    def take(self, message: Message) -> None:
        """One message from the venue, in its order."""
        now_ms = self._clock_ms()
        for listener in self.listeners:
            with contextlib.suppress(VenueError):  # an account that cannot be kept says so at its own doors
                listener.advance(now_ms)
        if not self._note(message):
            return
        for listener in self.listeners:
            with contextlib.suppress(VenueError):
                listener.hear(message, now_ms)

    def _note(self, message: Message) -> bool:
        """False: a whole book that is what we have. It gives back nothing that an account took of it."""
        match message:
            case BookDelta():
                self.book(message.market_id).apply_delta(message.is_bid, message.price_u, message.delta_u)
            case BookLevel():
                self.book(message.market_id).set_level(message.is_bid, message.price_u, message.qty_u)
            case BookSnapshot():
                book = self.book(message.market_id)
                before = _levels_of(book)
                book.apply_snapshot(message.bids, message.asks)
                return _levels_of(book) != before
            case BookGap():
                self.book(message.market_id).clear()
            case MarketListed():
                self.markets[message.market.market_id] = message.market
            case MarketStateChanged():
                self._change(message)
            case FeedStatus() if not message.is_up:
                for book in self.books.values():
                    book.clear()
        return True

    def _change(self, message: MarketStateChanged) -> None:
        known = self.markets.get(message.market_id)
        if known is None:
            return
        result = message.result if message.result is not None else known.result
        value_u = message.settlement_value_u if message.settlement_value_u is not None else known.settlement_value_u
        self.markets[message.market_id] = msgspec.structs.replace(
            known, state=message.state, result=result, settlement_value_u=value_u
        )


def _levels_of(book: Book) -> tuple[bool, list[tuple[int, int]], list[tuple[int, int]]]:
    return book.is_valid, book.levels(True), book.levels(False)


def paid_value_u(market: VenueMarket) -> int | None:
    """What one YES contract pays, once the market is settled and the venue has said at what."""
    if market.state is not MarketState.SETTLED:
        return None
    if market.settlement_value_u is not None:
        return market.settlement_value_u
    return None if market.result is None else MICRO * (market.result is Outcome.YES)
