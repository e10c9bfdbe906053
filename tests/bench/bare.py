"""What there is to beat: typed decode, a book, and a strategy of three lines, with nothing else around them.

And the same decode as a feed of typed messages, to see the session without the venues' stream machines.
"""

from __future__ import annotations

import msgspec

from tests.bench.tapes import Frame
from venues.book import Book
from venues.types import BookDelta, BookLevel, BookSnapshot, Message

_CENT_U = 10_000


class Delta(msgspec.Struct, gc=False):
    market_ticker: str
    price_dollars: str
    delta_fp: str
    side: str


class DeltaFrame(msgspec.Struct, gc=False, tag_field="type", tag="orderbook_delta"):
    msg: Delta


class Snapshot(msgspec.Struct):
    market_ticker: str
    yes_dollars_fp: list[tuple[str, str]] = []
    no_dollars_fp: list[tuple[str, str]] = []


class SnapshotFrame(msgspec.Struct, tag_field="type", tag="orderbook_snapshot"):
    msg: Snapshot


class Other(msgspec.Struct, tag_field="type", tag="ok"):
    pass


class Subscribed(msgspec.Struct, tag_field="type", tag="subscribed"):
    pass


class Change(msgspec.Struct, gc=False):
    asset_id: str
    price: str
    size: str
    side: str


class PriceChange(msgspec.Struct, gc=False, tag_field="event_type", tag="price_change"):
    market: str
    price_changes: list[Change]


class Level(msgspec.Struct):
    price: str
    size: str


class WholeBook(msgspec.Struct, tag_field="event_type", tag="book"):
    market: str
    asset_id: str
    bids: list[Level]
    asks: list[Level]


class Micro(dict[str, int]):
    """Decimal text to millionths, remembered."""

    def __missing__(self, text: str) -> int:
        value = self[text] = round(float(text) * 1_000_000)
        return value


class BareMarket:
    """A book and the strategy, asked after every message: is either outcome 15 % under where it started?"""

    __slots__ = ("book", "no_trigger_u2", "signals", "token", "yes_trigger_u2")

    def __init__(self) -> None:
        self.book = Book()
        self.yes_trigger_u2 = self.no_trigger_u2 = 0
        self.signals = 0
        self.token = ""

    def start(self) -> None:
        mid_u2 = self.book.best_bid_u + self.book.best_ask_u
        self.yes_trigger_u2 = mid_u2 * 85 // 100
        self.no_trigger_u2 = (2_000_000 - mid_u2) * 85 // 100

    def on_message(self) -> None:
        book = self.book
        bid_u, ask_u = book.best_bid_u, book.best_ask_u
        if not bid_u or not ask_u or not 0 < ask_u - bid_u <= 5 * _CENT_U:
            return
        mid_u2 = bid_u + ask_u
        if mid_u2 <= self.yes_trigger_u2 or 2_000_000 - mid_u2 <= self.no_trigger_u2:
            self.signals += 1


class BareKalshi:
    """Kalshi's wire in YES prices."""

    def __init__(self) -> None:
        self.markets: dict[str, BareMarket] = {}
        self._micro = Micro()
        self._decode = msgspec.json.Decoder(DeltaFrame | SnapshotFrame | Other | Subscribed).decode

    def run(self, frames: list[Frame]) -> None:
        decode, micro, markets = self._decode, self._micro, self.markets
        for _, text in frames:
            frame = decode(text)
            if type(frame) is not DeltaFrame:
                self._on_other(frame)
                continue
            delta = frame.msg
            market = markets[delta.market_ticker]
            market.book.apply_delta(delta.side == "yes", micro[delta.price_dollars], micro[delta.delta_fp])
            market.on_message()

    def _on_other(self, frame: object) -> None:
        if isinstance(frame, SnapshotFrame):
            market = self.markets.setdefault(frame.msg.market_ticker, BareMarket())
            micro = self._micro
            bids = [(micro[price], micro[qty]) for price, qty in frame.msg.yes_dollars_fp]
            market.book.apply_snapshot(bids, [(micro[price], micro[qty]) for price, qty in frame.msg.no_dollars_fp])
            market.start()


class BarePolymarket:
    """Polymarket's wire, one book a condition: the changes of its first token."""

    def __init__(self) -> None:
        self.markets: dict[str, BareMarket] = {}
        self._micro = Micro()
        self._decode = msgspec.json.Decoder(PriceChange | WholeBook).decode

    def run(self, frames: list[Frame]) -> None:
        decode, micro, markets = self._decode, self._micro, self.markets
        for _, text in frames:
            frame = decode(text)
            if type(frame) is not PriceChange:
                self._on_book(frame)
                continue
            market = markets[frame.market]
            yes = market.token
            for change in frame.price_changes:
                if change.asset_id == yes:
                    market.book.set_level(change.side == "BUY", micro[change.price], micro[change.size])
            market.on_message()

    def _on_book(self, frame: WholeBook) -> None:
        market = self.markets.setdefault(frame.market, BareMarket())
        micro = self._micro
        bids = [(micro[level.price], micro[level.size]) for level in frame.bids]
        market.book.apply_snapshot(bids, [(micro[level.price], micro[level.size]) for level in frame.asks])
        market.token = frame.asset_id
        market.start()


class PlainKalshi:
    """Typed decode to messages, nothing checked."""

    def __init__(self) -> None:
        self._micro = Micro()
        self._decode = msgspec.json.Decoder(DeltaFrame | SnapshotFrame | Other | Subscribed).decode

    def feed(self, text: bytes, at_us: int) -> tuple[Message, ...]:
        frame = self._decode(text)
        micro = self._micro
        if type(frame) is DeltaFrame:
            delta = frame.msg
            market_id = "kalshi:" + delta.market_ticker
            is_bid = delta.side == "yes"
            return (BookDelta(market_id, is_bid, micro[delta.price_dollars], micro[delta.delta_fp], 0),)
        if type(frame) is SnapshotFrame:
            bids = tuple((micro[price], micro[qty]) for price, qty in frame.msg.yes_dollars_fp)
            asks = tuple((micro[price], micro[qty]) for price, qty in frame.msg.no_dollars_fp)
            return (BookSnapshot("kalshi:" + frame.msg.market_ticker, bids, asks, 0),)
        return ()


class PlainPolymarket:
    """Typed decode to messages of the first token, nothing checked."""

    def __init__(self) -> None:
        self._micro = Micro()
        self._yes: dict[str, str] = {}
        self._decode = msgspec.json.Decoder(PriceChange | WholeBook).decode

    def feed(self, text: bytes, at_us: int) -> list[Message]:
        frame = self._decode(text)
        micro = self._micro
        market_id = "polymarket:" + frame.market
        if type(frame) is PriceChange:
            yes = self._yes[frame.market]
            return [
                BookLevel(market_id, change.side == "BUY", micro[change.price], micro[change.size], 0)
                for change in frame.price_changes
                if change.asset_id == yes
            ]
        self._yes[frame.market] = frame.asset_id
        bids = tuple((micro[level.price], micro[level.size]) for level in frame.bids)
        return [BookSnapshot(market_id, bids, tuple((micro[one.price], micro[one.size]) for one in frame.asks), 0)]
