"""The market channel: books on subscription, then every change of them in frames like production's.

Frames of one exchange operation leave together, in the venue's order: `price_change` (both tokens, new totals), then
`last_trade_price`, then a fresh `book` after trades or a clear, then `best_bid_ask` for those who asked for custom
features. Invariant: a client that applies the changes to its snapshot recomputes the hash of every entry.
Source: polymarket/FACTS §6.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from venues.simulator.exchange_types import (
    BookChanged,
    BookCleared,
    ExchangeEvent,
    MarketChange,
    MarketChanged,
    Traded,
)
from venues.simulator.polymarket_book import WireBook
from venues.simulator.polymarket_books import BookReader
from venues.simulator.polymarket_listing import Catalogue, Listed
from venues.simulator.polymarket_market_frames import (
    best_bid_ask,
    last_trade_price,
    market_resolved,
    new_market,
    price_change,
    tick_size_change,
)
from venues.types import MarketState, Outcome

Frame = dict[str, Any]


class Outlet(Protocol):
    """One connection's way out; never blocks."""

    def send(self, text: str) -> None: ...


class MarketSubscriber(msgspec.Struct, eq=False):
    """One connection of the market channel."""

    outlet: Outlet
    assets: set[str] = msgspec.field(default_factory=set)
    wants_custom: bool = False

    def send(self, frame: Frame | Sequence[Frame | WireBook]) -> None:
        self.outlet.send(msgspec.json.encode(frame).decode())


class _Batch(msgspec.Struct):
    """What happened to one market in the operation under way."""

    levels: dict[tuple[bool, int], int] = msgspec.field(default_factory=dict)
    trades: list[Traded] = msgspec.field(default_factory=list)
    changes: list[MarketChanged] = msgspec.field(default_factory=list)
    is_cleared: bool = False
    venue_ms: int = 0


class MarketFeed:
    """Feed it every exchange event, and call `flush` when an operation is complete."""

    def __init__(self, books: BookReader, catalogue: Catalogue) -> None:
        self._books = books
        self._catalogue = catalogue
        self._subscribers: list[MarketSubscriber] = []
        self._batches: dict[str, _Batch] = {}
        self._last_price_u: dict[str, int | None] = {}
        self._best: dict[str, tuple[int | None, int | None]] = {}
        self._tick_u: dict[str, int] = {}

    def open(self, outlet: Outlet) -> MarketSubscriber:
        subscriber = MarketSubscriber(outlet)
        self._subscribers.append(subscriber)
        return subscriber

    def close(self, subscriber: MarketSubscriber) -> None:
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def subscribe(
        self, subscriber: MarketSubscriber, asset_ids: Iterable[str], venue_ms: int, *, with_dump: bool
    ) -> None:
        """Add tokens. Those that are new get their books as one array; an id already active gets nothing."""
        fresh = [asset_id for asset_id in dict.fromkeys(asset_ids) if asset_id not in subscriber.assets]
        subscriber.assets.update(fresh)
        if with_dump and fresh:
            subscriber.send([_tagged(book) for book in self._dump(fresh, venue_ms)])

    def _dump(self, asset_ids: Iterable[str], venue_ms: int) -> Iterable[WireBook]:
        for asset_id in asset_ids:
            known = self._catalogue.by_asset(asset_id)
            if known is not None and self._books.has_book(known[0]):
                yield self._books.book(*known, venue_ms)

    def on_event(self, event: ExchangeEvent) -> None:
        match event:
            case BookChanged():
                self._batch(event).levels[event.is_bid, event.price_u] = event.qty_u
            case Traded():
                self._batch(event).trades.append(event)
            case BookCleared():
                self._batch(event).is_cleared = True
            case MarketChanged():
                self._batch(event).changes.append(event)
            case _:
                return

    def _batch(self, event: BookChanged | Traded | BookCleared | MarketChanged) -> _Batch:
        batch = self._batches.get(event.native_id)
        if batch is None:
            batch = self._batches[event.native_id] = _Batch()
        batch.venue_ms = event.venue_ms
        return batch

    def flush(self) -> None:
        batches, self._batches = self._batches, {}
        for native_id, batch in batches.items():
            listed = self._catalogue.by_condition(native_id)
            if listed is not None:
                self._publish(listed, batch)

    def _publish(self, listed: Listed, batch: _Batch) -> None:
        watchers = [each for each in self._subscribers if not each.assets.isdisjoint(listed.market.asset_ids)]
        if watchers:
            self._publish_levels(listed, batch, watchers)
            self._publish_trades(listed, batch, watchers)
            self._publish_best(listed, batch, watchers)
        self._last_price_u[listed.market.condition_id] = self._books.market(listed).last_price_u
        for change in batch.changes:
            self._publish_change(listed, change, watchers)

    def _publish_levels(self, listed: Listed, batch: _Batch, watchers: list[MarketSubscriber]) -> None:
        if not batch.levels:
            return
        # The trade of this very operation is not known to a reader yet: its price joins the hash with the next frame.
        last_u = self._last_price_u.get(listed.market.condition_id)
        pair = [self._books.book_with_last(listed, outcome, batch.venue_ms, last_u) for outcome in Outcome]
        _send_all(watchers, price_change(listed, batch.levels, pair, batch.venue_ms))

    def _publish_trades(self, listed: Listed, batch: _Batch, watchers: list[MarketSubscriber]) -> None:
        for frame in last_trade_price(listed, batch.trades):
            _send_all(watchers, frame)
        if not batch.trades and not batch.is_cleared:
            return
        for outcome in Outcome:
            asset_id = listed.market.asset_id(outcome)
            readers = [each for each in watchers if asset_id in each.assets]
            if readers and self._books.has_book(listed):
                _send_all(readers, _tagged(self._books.book(listed, outcome, batch.venue_ms)))

    def _publish_best(self, listed: Listed, batch: _Batch, watchers: list[MarketSubscriber]) -> None:
        market = self._books.market(listed)
        best = (market.best_bid_u, market.best_ask_u)
        if best == self._best.get(market.native_id):
            return
        self._best[market.native_id] = best
        for outcome in Outcome:
            asset_id = listed.market.asset_id(outcome)
            readers = [each for each in watchers if each.wants_custom and asset_id in each.assets]
            _send_all(readers, best_bid_ask(listed, outcome, best, batch.venue_ms))

    def _publish_change(self, listed: Listed, change: MarketChanged, watchers: list[MarketSubscriber]) -> None:
        custom = [each for each in self._subscribers if each.wants_custom]
        tick_u = self._books.tick_u(listed)
        before_u = self._tick_u.setdefault(change.native_id, tick_u)
        self._tick_u[change.native_id] = tick_u
        if change.change is MarketChange.LISTED:
            _send_all(custom, new_market(listed, change.venue_ms))
        elif change.change is MarketChange.TERMS and tick_u != before_u:
            for frame in tick_size_change(listed, before_u, tick_u, change.venue_ms):
                _send_all(watchers, frame)
        elif change.state is MarketState.SETTLED and change.previous is not MarketState.SETTLED:
            _send_all(custom, market_resolved(listed, change.value_u or 0, change.venue_ms))


def _tagged(book: WireBook) -> Frame:
    return {"event_type": "book"} | msgspec.structs.asdict(book)


def _send_all(subscribers: Iterable[MarketSubscriber], frame: Frame) -> None:
    text = msgspec.json.encode(frame).decode()
    for subscriber in subscribers:
        subscriber.outlet.send(text)
