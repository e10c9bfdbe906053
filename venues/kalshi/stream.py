"""The market stream as a pure state machine: frames and time in, typed messages and commands out.

A book is live from its snapshot on. It stops being live with a gap in its subscription's `seq`, with the death of the
subscription and with the connection; each time the trader hears a `BookGap` before anything else can reach it, and a
new snapshot is asked for, again and again while none comes. Deltas for a book that is not live are dropped: they are
part of the snapshot to come. A live book is asked for as a whole once a minute, too: a change that cannot be (a level
below zero) makes it useless to whoever keeps it, though no frame is missing. Books are asked for in YES prices
explicitly, because the venue will change its default.
Source: docs.kalshi.com, AsyncAPI of October 2026.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from venues.errors import ProtocolError
from venues.kalshi.channels import Channel, Seq
from venues.kalshi.constants import CHANNEL_BOOK, CHANNEL_LIFECYCLE, CHANNEL_TRADE
from venues.kalshi.frames import EXAMINE_EVERY, UNREADABLE, FrameReader, lines_of
from venues.kalshi.numbers import NumberCache, price_u, signed_u
from venues.kalshi.parse import book_side, parse_levels
from venues.kalshi.schemas_stream import (
    DeltaFrame,
    ErrorFrame,
    EventFeeFrame,
    EventLifecycleFrame,
    Frame,
    FrameType,
    LifecycleFrame,
    OkFrame,
    SnapshotFrame,
    SubscribedFrame,
    TradeFrame,
    UnsubscribedFrame,
)
from venues.kalshi.subscriptions import Subscriptions
from venues.kalshi.watched import Watched
from venues.types import (
    MICRO,
    BookDelta,
    BookGap,
    BookSnapshot,
    MarketMessage,
    PublicTrade,
)
from venues.wire import Census

AUDITED_AT_ONCE = 20
_TRIES_IN_VAIN = 2
"""Where no book at all is live, a snapshot asked for more often than this is asked for by a new subscription."""


class KalshiStream:
    """Feed it frames and ticks; send what `take_commands` gives; re-read what `take_stale` names.

    `counts` tells what was dropped and why; `unreadable` holds the errors of frames that could not be read, each of
    which counts as a gap. `use_yes_price=False` asks for and reads the venue's older form, where the NO side is told
    in NO prices; old tapes are in it.
    """

    def __init__(self, *, census: Census | None = None, use_yes_price: bool = True) -> None:
        self.reader = FrameReader(census)
        self._decode = self.reader.decode
        self._examine_from = 0
        self.counts: Counter[str] = Counter()
        self.unreadable: list[ProtocolError] = []
        self._books = Channel(CHANNEL_BOOK, takes_markets=True, extra={"use_yes_price": use_yes_price})
        trades = Channel(CHANNEL_TRADE, takes_markets=True)
        lifecycle = Channel(CHANNEL_LIFECYCLE, takes_markets=False)
        self._subscriptions = Subscriptions((self._books, trades, lifecycle))
        self._watched: dict[str, Watched] = {}
        self._stale: set[str] = set()
        self._stale_events: set[str] = set()
        self._use_yes_price = use_yes_price
        self._bid_prices = NumberCache(_level_price_u)
        self._ask_prices = self._bid_prices if use_yes_price else NumberCache(_flipped_price_u)
        self._amounts = NumberCache(signed_u)

    # --- the owner's side -------------------------------------------------------------------------------------------

    def watch(self, tickers: Iterable[str], now_us: int) -> None:
        """Set which markets are streamed."""
        wanted = set(tickers)
        self._watched = {ticker: self._watched.get(ticker) or Watched(ticker) for ticker in sorted(wanted)}
        for ticker in wanted - self._books.asked.keys():
            self._watched[ticker].lose(now_us)
        self._subscriptions.want(wanted, now_us)

    def open(self, now_us: int) -> None:
        """The socket is connected."""
        for watched in self._watched.values():
            watched.lose(now_us)
        self._stale.update(self._watched)
        self._subscriptions.open(now_us)

    def close(self, now_us: int) -> list[MarketMessage]:
        """The socket is gone, and with it every book."""
        self._subscriptions.close()
        return self._lose_all("the connection was lost", now_us)

    def tick(self, now_us: int) -> list[MarketMessage]:
        """Call a few times a second: retries what got no answer."""
        messages = self._bury(self._subscriptions.tick(now_us), now_us)
        overdue = [
            ticker
            for ticker, asked_us in self._books.asked.items()
            if (watched := self._watched.get(ticker)) and watched.is_overdue(now_us, subscribed_us=asked_us)
        ]
        for ticker in overdue:
            watched = self._watched[ticker]
            if watched.tries == 0:
                messages.append(BookGap(watched.id, "no snapshot has come"))
            watched.asked_us, watched.tries = now_us, watched.tries + 1
        if not self.live_count and any(self._watched[ticker].tries > _TRIES_IN_VAIN for ticker in overdue):
            return messages + self._bury(self._subscriptions.end(self._books, now_us), now_us)
        self._subscriptions.request_snapshots(self._books, overdue, now_us)
        self._audit(now_us)
        return messages

    def _audit(self, now_us: int) -> None:
        """Ask for the whole of live books that have not been seen whole for a minute, a few at a time."""
        aged = (ticker for ticker, watched in self._watched.items() if watched.is_to_be_audited(now_us))
        due = list(islice(aged, AUDITED_AT_ONCE))
        for ticker in due:
            self._watched[ticker].whole_us = now_us
        self._subscriptions.request_snapshots(self._books, due, now_us)

    @property
    def has_commands(self) -> bool:
        return self._subscriptions.has_commands

    def take_commands(self) -> list[str]:
        """The frames to send now, in order."""
        return self._subscriptions.take_commands()

    def take_stale(self) -> set[str]:
        """Tickers whose terms or state may have changed: read them again by REST."""
        stale, self._stale = self._stale, set()
        return stale

    def take_stale_events(self) -> set[str]:
        """Event tickers whose own terms changed (fees above all): forget what was read of them."""
        stale, self._stale_events = self._stale_events, set()
        return stale

    @property
    def live_count(self) -> int:
        """How many watched books are live."""
        return sum(watched.is_live for watched in self._watched.values())

    # --- frames -----------------------------------------------------------------------------------------------------

    def feed(self, frame: str | bytes, received_us: int) -> list[MarketMessage]:
        """Everything one frame tells. Never raises: what cannot be read becomes a gap.

        The next change of a live book is told right here, for it is nearly every frame; the rest goes further.
        """
        try:
            document = self._decode(frame)
        except UNREADABLE:
            return self._on_lines(frame, received_us)
        try:
            if type(document) is not DeltaFrame:
                self.reader.examine(frame, document)
                return self._on_other(document, received_us)
            seq, books = document.seq, self._books
            if seq != books.last_seq + 1 or document.sid != books.sid:
                return self._on_odd_delta(document, received_us)
            delta = document.msg
            is_bid = delta.side == "yes"
            price = (self._bid_prices if is_bid else self._ask_prices)[delta.price_dollars]
            change = self._amounts[delta.delta_fp]
            books.last_seq = seq
            if seq >= self._examine_from:
                self._examine_from = seq + EXAMINE_EVERY
                self.reader.examine(frame, document)
            watched = self._watched.get(delta.market_ticker)
            if watched is not None and watched.is_live:
                return [BookDelta(watched.id, is_bid, price, change, delta.ts_ms)]
            self.counts["delta_without_book"] += 1
            return []
        except ProtocolError as error:
            return self._on_unreadable(error, received_us)

    def _on_lines(self, frame: str | bytes, received_us: int) -> list[MarketMessage]:
        """A frame that is not one document of a known type: several, one of a type we do not know, or damage."""
        lines = lines_of(frame)
        if len(lines) != 1 or lines[0] != frame:
            return [message for line in lines for message in self.feed(line, received_us)]
        try:
            return self._on_other(self.reader.read(frame), received_us)
        except ProtocolError as error:
            return self._on_unreadable(error, received_us)

    def _on_unreadable(self, error: ProtocolError, received_us: int) -> list[MarketMessage]:
        self.unreadable.append(error)
        return self._on_gap(received_us)

    def _on_other(self, frame: Frame | FrameType, received_us: int) -> list[MarketMessage]:
        if isinstance(frame, SnapshotFrame):
            return self._on_snapshot(frame, received_us)
        if isinstance(frame, TradeFrame):
            return self._on_trade(frame)
        return self._on_rare(frame, received_us)

    def _on_odd_delta(self, frame: DeltaFrame, received_us: int) -> list[MarketMessage]:
        """A change of a subscription that is not ours, or out of its turn."""
        channel = self._books
        if frame.sid != channel.sid:
            self.counts["unknown_sid"] += 1
            return []
        return self._on_count(channel, channel.advance(frame.seq), received_us)

    def _on_snapshot(self, frame: SnapshotFrame, received_us: int) -> list[MarketMessage]:
        """A snapshot is whole in itself: it stands even when frames before it were lost."""
        if frame.sid != self._books.sid:
            self.counts["unknown_sid"] += 1
            return []
        msg = frame.msg
        bids, asks = parse_levels(msg.yes_dollars_fp or ()), parse_levels(msg.no_dollars_fp or ())
        if not self._use_yes_price:
            asks = tuple((MICRO - price, qty) for price, qty in asks)
        verdict = self._books.advance(frame.seq)
        messages = self._on_count(self._books, verdict, received_us)
        watched = self._watched.get(msg.market_ticker)
        if verdict is Seq.OLD or watched is None:
            return messages
        watched.is_live, watched.whole_us = True, received_us
        return [*messages, BookSnapshot(watched.id, bids, asks, received_us // 1000)]

    def _on_trade(self, frame: TradeFrame) -> list[MarketMessage]:
        _, verdict = self._subscriptions.count(frame.sid, frame.seq)
        trade, watched = frame.msg, self._watched.get(frame.msg.market_ticker)
        if verdict is Seq.GAP:
            self.counts["trade_gap"] += 1
        if verdict is Seq.OLD or watched is None:
            return []
        price, qty = price_u(trade.yes_price_dollars), self._amounts[trade.count_fp]
        if qty <= 0:
            raise ProtocolError(f"a trade of {trade.count_fp} contracts", code="bad_number")
        return [PublicTrade(watched.id, trade.trade_id, price, qty, book_side(trade.taker_book_side), trade.ts_ms)]

    def _on_rare(self, frame: Frame | FrameType, received_us: int) -> list[MarketMessage]:
        if isinstance(frame, LifecycleFrame):
            return self._on_lifecycle(frame, received_us)
        if isinstance(frame, SubscribedFrame):
            self._subscriptions.on_subscribed(frame, received_us)
        elif isinstance(frame, OkFrame):
            return self._on_count(*self._subscriptions.on_ok(frame), received_us)
        elif isinstance(frame, ErrorFrame):
            self.counts["error"] += 1
            return self._bury(self._subscriptions.on_error(frame, received_us), received_us)
        elif isinstance(frame, UnsubscribedFrame):
            return self._bury(self._subscriptions.on_unsubscribed(frame, received_us), received_us)
        else:
            return self._on_event(frame, received_us)
        return []

    def _on_event(self, frame: Frame | FrameType, received_us: int) -> list[MarketMessage]:
        """Frames about whole events, and frames of unknown types, which only count."""
        if not isinstance(frame, EventFeeFrame | EventLifecycleFrame | FrameType):
            return []
        if not isinstance(frame, FrameType):
            prefix = frame.msg.event_ticker + "-"
            self._stale_events.add(frame.msg.event_ticker)
            self._stale.update(ticker for ticker in self._watched if ticker.startswith(prefix))
        return self._on_count(*self._subscriptions.count(frame.sid, frame.seq), received_us)

    def _on_lifecycle(self, frame: LifecycleFrame, received_us: int) -> list[MarketMessage]:
        messages = self._on_count(*self._subscriptions.count(frame.sid, frame.seq), received_us)
        watched = self._watched.get(frame.msg.market_ticker)
        if watched is None:
            return messages
        self._stale.add(frame.msg.market_ticker)
        changed = watched.changed_by(frame.msg, received_us // 1000)
        return messages if changed is None else [*messages, changed]

    # --- losses -----------------------------------------------------------------------------------------------------

    def _on_count(self, channel: Channel | None, verdict: Seq, now_us: int) -> list[MarketMessage]:
        """What a frame's place in the count means for the books and for what we know of the markets."""
        if verdict is Seq.NEXT or channel is None:
            return []
        self.counts[f"{channel.name}_{verdict.value}"] += 1
        if verdict is Seq.OLD:
            return []
        if channel is not self._books:
            self._stale.update(self._watched)
            return []
        return self._on_gap(now_us)

    def _on_gap(self, now_us: int) -> list[MarketMessage]:
        """A frame is missing: every live book may have missed it."""
        lost = [ticker for ticker, watched in self._watched.items() if watched.is_live]
        self._subscriptions.request_snapshots(self._books, lost, now_us)
        return self._lose_all("a frame of the book stream was lost", now_us)

    def _bury(self, dead: list[Channel], now_us: int) -> list[MarketMessage]:
        return self._lose_all("the venue ended the book stream", now_us) if self._books in dead else []

    def _lose_all(self, reason: str, now_us: int) -> list[MarketMessage]:
        """No book can be trusted any more; those that were live say so. The others wait for theirs already."""
        self._examine_from = 0
        lost = [watched for watched in self._watched.values() if watched.is_live]
        for watched in lost:
            watched.lose(now_us)
        return [BookGap(watched.id, reason) for watched in lost]


def _level_price_u(text: str) -> int:
    value = price_u(text)
    if not 0 < value < MICRO:
        raise ProtocolError(f"a book level at {text!r} is outside (0, 1)", code="bad_number")
    return value


def _flipped_price_u(text: str) -> int:
    return MICRO - _level_price_u(text)
