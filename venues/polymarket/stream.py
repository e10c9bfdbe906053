"""The market channel of one connection as a pure state machine: frames in, typed messages and texts to send out.

Both tokens of a condition collapse into one book in the YES frame: what is said of the NO token is the mirror image and
is ignored, unless the YES side is missing from a frame. A book is published only while it is proven: a crossed book, a
wrong hash or, twice in a row, other best prices than the venue states make a `BookGap`, and the market is subscribed
anew (an id that is still subscribed would send no snapshot). Source: FACTS §6.1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from venues.book import Book
from venues.errors import ProtocolError
from venues.polymarket.integrity import HashProof, has_all_hashed_fields, hashed_part, wire_of
from venues.polymarket.markets import bands, routing_of
from venues.polymarket.micro import MicroCache
from venues.polymarket.schemas import WireBook, WireLevel
from venues.polymarket.schemas_stream import (
    BookFrame,
    Change,
    LastTradeFrame,
    PriceChangeFrame,
    ResolvedFrame,
    TickSizeFrame,
)
from venues.polymarket.stream_decode import Damaged, MarketDecoder
from venues.types import (
    MICRO,
    BookGap,
    BookLevel,
    BookSnapshot,
    MarketListed,
    MarketMessage,
    MarketState,
    MarketStateChanged,
    Outcome,
    PublicTrade,
    Side,
    VenueMarket,
)
from venues.wire import UNREADABLE

_RESUBSCRIBE_AFTER_US = 1_000_000
_SUSPECT_FRAMES = 2
_SAMPLE_EVERY = 1_024


class _Tracked:
    """One watched market: its terms, its book, and how far the book is believed."""

    __slots__ = ("asked_us", "book", "market", "market_id", "no", "suspicion", "terms", "yes")

    def __init__(self, market: VenueMarket) -> None:
        routing = routing_of(market)
        self.market = market
        self.market_id = market.market_id
        self.yes = routing.yes
        self.no = routing.no
        self.book = Book()
        self.terms: WireBook | None = None
        self.suspicion = 0
        self.asked_us = 0


class MarketChannel:
    """Feed it frames; send what is in `outgoing`. Never raises on what the venue sends: it counts and gaps instead."""

    def __init__(self) -> None:
        self.outgoing: list[str] = []
        self.decoder = MarketDecoder()
        self.counts: Counter[str] = self.decoder.counts
        self._prices = MicroCache()
        self._sizes = MicroCache()
        self._tracked: dict[str, _Tracked] = {}
        self.book_proof = HashProof()
        self.change_proof = HashProof()
        self._decode_changes = self.decoder.decode_changes
        self._until_sample = 1
        self._is_open = False
        self._handlers: dict[type[object], Callable[[Any, list[MarketMessage], int], None]] = {
            PriceChangeFrame: self._on_price_change,
            BookFrame: self._on_book,
            LastTradeFrame: self._on_last_trade,
            TickSizeFrame: self._on_tick_size,
            ResolvedFrame: self._on_resolved,
            Damaged: self._on_damaged,
        }

    # --- what is watched --------------------------------------------------------------------------------------------

    def watched(self) -> list[VenueMarket]:
        return [tracked.market for tracked in self._tracked.values()]

    def watch(self, markets: Iterable[VenueMarket]) -> None:
        """Set what is watched; subscribes and unsubscribes the difference if the connection is open."""
        wanted = {market.native_id: market for market in markets}
        gone = [self._tracked.pop(native_id) for native_id in list(self._tracked) if native_id not in wanted]
        fresh = [_Tracked(market) for native_id, market in wanted.items() if native_id not in self._tracked]
        self._tracked.update((tracked.market.native_id, tracked) for tracked in fresh)
        if self._is_open and gone:
            self.outgoing.append(_operation("unsubscribe", gone))
        if self._is_open and fresh:
            self.outgoing.append(_operation("subscribe", fresh))

    def opened(self) -> str:
        """The connection is up: the first text to send, which subscribes everything."""
        self._is_open = True
        self.outgoing.clear()
        self.book_proof, self.change_proof = HashProof(), HashProof()
        assets = _assets(self._tracked.values())
        return _text({"type": "market", "assets_ids": assets, "custom_feature_enabled": True})

    def closed(self, reason: str) -> list[MarketMessage]:
        """The connection is gone: no book can be trusted until its next snapshot."""
        self._is_open = False
        self.outgoing.clear()
        out: list[MarketMessage] = []
        for tracked in self._tracked.values():
            tracked.asked_us = 0
            if tracked.book.is_valid:
                tracked.book.clear()
                out.append(BookGap(tracked.market_id, reason))
        return out

    def unproven(self, *, asked_before_us: int) -> list[VenueMarket]:
        """Markets still without a book although they were subscribed before the given time: to be read by REST."""
        return [
            tracked.market
            for tracked in self._tracked.values()
            if not tracked.book.is_valid and tracked.asked_us < asked_before_us
        ]

    # --- frames -----------------------------------------------------------------------------------------------------

    def feed(self, frame: str | bytes, received_us: int) -> list[MarketMessage]:
        """The messages of one frame, in its order."""
        out: list[MarketMessage] = []
        try:
            changes = self._decode_changes(frame)
        except UNREADABLE:
            self._on_others(frame, out, received_us)
            return out
        try:
            self._on_price_change(changes, out, received_us)
        except ProtocolError as error:
            self._on_unreadable(changes, error, out, received_us)
        self._until_sample -= 1
        if not self._until_sample:
            self._sample(frame, changes, out, received_us)
        return out

    def _sample(
        self, frame: str | bytes, changes: PriceChangeFrame, out: list[MarketMessage], received_us: int
    ) -> None:
        """Every so many frames: look for new fields, and hold the changed book against its hash."""
        self._until_sample = _SAMPLE_EVERY
        value, tracked = self.decoder.examine(frame), self._tracked.get(changes.market)
        if tracked is None or tracked.terms is None or not tracked.book.is_valid or tracked.suspicion:
            return
        stated = _stated_hash(value, tracked.yes)
        ours = wire_of(tracked.book, tracked.terms, str(changes.timestamp))
        if stated and self.change_proof.refutes(ours, stated):
            self._gap(tracked, "hash mismatch", out, received_us)

    def _on_others(self, frame: str | bytes, out: list[MarketMessage], received_us: int) -> None:
        """Whole books, trades, arrays, old captures, damage."""
        try:
            decoded: Any = self.decoder.decode(frame)
        except UNREADABLE:
            decoded = self.decoder.salvaged(frame)
        else:
            if self.decoder.census.is_due():
                self.decoder.examine(frame)
        for each in decoded if isinstance(decoded, list) else (decoded,):
            self._take(each, out, received_us)

    def rest_book(self, book: WireBook) -> list[MarketMessage]:
        """A snapshot read by REST for a market whose subscription brought none."""
        out: list[MarketMessage] = []
        tracked = self._tracked.get(book.market)
        if tracked is not None and not tracked.book.is_valid:
            self._apply_snapshot(tracked, book, out, 0)
        return out

    def _take(self, frame: Any, out: list[MarketMessage], received_us: int) -> None:
        handler = self._handlers.get(type(frame))
        if handler is None:
            self.counts[str(type(frame).__struct_config__.tag)] += 1
            return
        try:
            handler(frame, out, received_us)
        except (ProtocolError, ValueError) as error:
            self._on_unreadable(frame, error, out, received_us)

    def _on_unreadable(self, frame: Any, error: Exception, out: list[MarketMessage], received_us: int) -> None:
        self.counts["unreadable"] += 1
        if (tracked := self._tracked.get(frame.market)) is not None:
            self._gap(tracked, f"unreadable frame: {error}", out, received_us)

    def _on_price_change(self, frame: PriceChangeFrame, out: list[MarketMessage], received_us: int) -> None:
        """Set the levels that the frame names of YES, then hold our best prices against those it states.

        The hot path: bests that are stated, equal to ours and not crossed need no further look.
        """
        tracked = self._tracked.get(frame.market)
        if tracked is None or not tracked.book.is_valid:
            self.counts["price_change_without_book"] += 1
            return
        prices, book, yes = self._prices, tracked.book, tracked.yes
        last = None
        for change in frame.price_changes:
            if change.asset_id == yes:
                is_bid, price_u, qty_u = change.side == "BUY", prices[change.price], self._sizes[change.size]
                if not book.set_level(is_bid, price_u, qty_u):
                    raise _bad_level(change)
                out.append(BookLevel(tracked.market_id, is_bid, price_u, qty_u, frame.timestamp))
                last = change
        if last is None:
            self._apply_mirror(tracked, frame, out)
            return
        bid_u, ask_u = book.best_bid_u, book.best_ask_u
        if bid_u < ask_u and prices[last.best_bid or "0"] == bid_u and prices[last.best_ask or "0"] == ask_u:
            tracked.suspicion = 0
        else:
            self._weigh(tracked, last, out, received_us)

    def _apply_mirror(self, tracked: _Tracked, frame: PriceChangeFrame, out: list[MarketMessage]) -> None:
        """A frame without YES: the levels it names of NO, turned."""
        for change in frame.price_changes:
            if change.asset_id == tracked.no:
                is_bid = change.side == "SELL"
                price_u, qty_u = MICRO - self._prices[change.price], self._sizes[change.size]
                if not tracked.book.set_level(is_bid, price_u, qty_u):
                    raise _bad_level(change)
                out.append(BookLevel(tracked.market_id, is_bid, price_u, qty_u, frame.timestamp))

    def _weigh(self, tracked: _Tracked, last: Change, out: list[MarketMessage], received_us: int) -> None:
        """Our best prices are not plainly the stated ones: is the book still to be believed?"""
        if tracked.book.is_crossed:
            self._gap(tracked, "crossed", out, received_us)
        elif self._states_our_best(last, tracked.book):
            tracked.suspicion = 0
        else:
            tracked.suspicion += 1
            if tracked.suspicion >= _SUSPECT_FRAMES:
                self._gap(tracked, "other best prices than the venue's", out, received_us)

    def _states_our_best(self, change: Change, book: Book) -> bool:
        """An empty side is stated as 0 or 1 or not at all; older frames state nothing."""
        bid_u = self._prices[change.best_bid] if change.best_bid else book.best_bid_u
        ask_u = self._prices[change.best_ask] if change.best_ask else book.best_ask_u
        return bid_u == book.best_bid_u and (ask_u == book.best_ask_u or (not book.best_ask_u and ask_u == MICRO))

    def _on_book(self, frame: BookFrame, out: list[MarketMessage], received_us: int) -> None:
        tracked = self._tracked.get(frame.market)
        if tracked is None:
            self.counts["book_of_stranger"] += 1
            return
        if frame.asset_id != tracked.yes and tracked.book.is_valid:
            return
        book = hashed_part(frame)
        if has_all_hashed_fields(frame) and self.book_proof.refutes(book, frame.hash):
            self._gap(tracked, "hash mismatch", out, received_us)
            return
        self._apply_snapshot(tracked, book, out, received_us)

    def _apply_snapshot(self, tracked: _Tracked, wire: WireBook, out: list[MarketMessage], received_us: int) -> None:
        """Take over a whole book; says nothing when it is what we have, which it is after every trade."""
        bids, asks = self._levels(wire.bids), self._levels(wire.asks)
        if wire.asset_id == tracked.no:
            bids, asks = _mirrored(asks), _mirrored(bids)
        fresh = Book()
        if not fresh.apply_snapshot(bids, asks) or fresh.is_crossed:
            self._gap(tracked, "impossible snapshot", out, received_us)
            return
        is_news = fresh != tracked.book
        self.counts["books_healed"] += is_news and tracked.book.is_valid
        tracked.book, tracked.suspicion = fresh, 0
        tracked.terms = wire if wire.asset_id == tracked.yes else None
        if is_news:
            out.append(BookSnapshot(tracked.market_id, bids, asks, int(wire.timestamp)))

    def _levels(self, levels: list[WireLevel]) -> tuple[tuple[int, int], ...]:
        prices, sizes = self._prices, self._sizes
        return tuple((prices[level.price], sizes[level.size]) for level in levels)

    def _on_last_trade(self, frame: LastTradeFrame, out: list[MarketMessage], received_us: int) -> None:
        tracked = self._tracked.get(frame.market)
        if tracked is None:
            return
        price_u, is_buy = self._prices[frame.price], _is_bid(frame.side)
        if frame.asset_id != tracked.yes:
            price_u, is_buy = MICRO - price_u, not is_buy
        trade_id = frame.transaction_hash or f"{frame.asset_id[:12]}-{frame.timestamp}-{frame.price}-{frame.size}"
        side = Side.BUY if is_buy else Side.SELL
        qty_u = self._sizes[frame.size]
        out.append(PublicTrade(tracked.market_id, trade_id, price_u, qty_u, side, int(frame.timestamp)))

    def _on_tick_size(self, frame: TickSizeFrame, out: list[MarketMessage], received_us: int) -> None:
        """The books of the old and the new grid differ: start over on the new one."""
        tracked = self._tracked.get(frame.market)
        if tracked is None:
            return
        terms = msgspec.structs.replace(tracked.market, bands=bands(self._prices[frame.new_tick_size]))
        if terms == tracked.market:
            return
        tracked.market = terms
        out.append(MarketListed(terms))
        self._gap(tracked, "tick size changed", out, received_us)

    def _on_resolved(self, frame: ResolvedFrame, out: list[MarketMessage], received_us: int) -> None:
        """The result is on chain; it is paid when the contracts are redeemed. 50-50 names no winner, and a winner that
        is neither of our assets is no 50-50."""
        tracked = self._tracked.get(frame.market)
        if tracked is None:
            return
        result = {tracked.yes: Outcome.YES, tracked.no: Outcome.NO}.get(frame.winning_asset_id)
        if result is None and frame.winning_asset_id:
            raise ProtocolError(f"{frame.winning_asset_id[:12]}… won, which is no asset here", code="foreign_asset")
        value_u = {Outcome.YES: MICRO, Outcome.NO: 0}[result] if result is not None else MICRO // 2
        state = MarketState.DETERMINED
        out.append(MarketStateChanged(tracked.market_id, state, int(frame.timestamp), result, value_u))

    # --- distrust ---------------------------------------------------------------------------------------------------

    def _gap(self, tracked: _Tracked, reason: str, out: list[MarketMessage], received_us: int) -> None:
        """Stop trusting a book and subscribe it anew, at most once a second."""
        self.counts[f"gap: {reason.partition(':')[0]}"] += 1
        tracked.book.clear()
        tracked.suspicion = 0
        out.append(BookGap(tracked.market_id, reason))
        if self._is_open and received_us - tracked.asked_us >= _RESUBSCRIBE_AFTER_US:
            tracked.asked_us = received_us
            self.outgoing += [_operation("unsubscribe", [tracked]), _operation("subscribe", [tracked])]

    def _on_damaged(self, damaged: Damaged, out: list[MarketMessage], received_us: int) -> None:
        if (tracked := self._tracked.get(damaged.market)) is not None:
            self._gap(tracked, damaged.reason, out, received_us)


def _stated_hash(frame: Any, asset_id: str) -> str:
    """What an untyped `price_change` says the hash of a token's book is now; empty if nothing."""
    stated = [change.get("hash") for change in frame["price_changes"] if change["asset_id"] == asset_id]
    return str(stated[-1] or "") if stated else ""


def _bad_level(change: Change) -> ProtocolError:
    return ProtocolError(f"level {change.price} × {change.size}", code="bad_level")


def _is_bid(side: str) -> bool:
    if side == "BUY":
        return True
    if side == "SELL":
        return False
    raise ProtocolError(f"unknown side {side[:20]!r}", code="unknown_side")


def _mirrored(levels: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    return tuple((MICRO - price_u, qty_u) for price_u, qty_u in levels)


def _assets(tracked: Iterable[_Tracked]) -> list[str]:
    return [asset for each in tracked for asset in (each.yes, each.no)]


def _operation(name: str, tracked: Iterable[_Tracked]) -> str:
    operation: dict[str, object] = {"operation": name, "assets_ids": _assets(tracked)}
    if name == "subscribe":
        operation["custom_feature_enabled"] = True
    return _text(operation)


def _text(value: dict[str, object]) -> str:
    return msgspec.json.encode(value).decode()
