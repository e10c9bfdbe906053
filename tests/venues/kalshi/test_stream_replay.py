"""The recorded production stream, replayed into books: no gap, no crossed book, no negative level."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.kalshi.conftest import load
from tests.venues.kalshi.wire_frames import delta, snapshot, subscribed
from venues.book import Book
from venues.kalshi.frames import lines_of
from venues.kalshi.stream import KalshiStream
from venues.types import BookDelta, BookGap, BookSnapshot, MarketMessage


@pytest.fixture
def recording(cockpit: Path) -> dict[str, Any]:
    recorded: dict[str, Any] = load(cockpit / "ws_orderbook_stream.json")
    return recorded


def opened(tickers: list[str], *, use_yes_price: bool) -> KalshiStream:
    stream = KalshiStream(use_yes_price=use_yes_price)
    stream.watch(tickers, 0)
    stream.open(0)
    return stream


def apply(book: Book, message: MarketMessage) -> bool:
    if isinstance(message, BookSnapshot):
        return book.apply_snapshot(message.bids, message.asks)
    if isinstance(message, BookDelta):
        return book.apply_delta(message.is_bid, message.price_u, message.delta_u)
    book.clear()
    return True


def test_the_recorded_stream_replays_without_a_gap_into_books_that_never_cross(recording: dict[str, Any]) -> None:
    """It was recorded before the flag for YES prices, so it is read in the older form."""
    stream = opened(recording["tickers"], use_yes_price=False)
    books: dict[str, Book] = {}
    counts: dict[type, int] = {}
    for row in recording["frames"]:
        frame = {**row["frame"], "id": 1} if row["frame"]["type"] == "subscribed" else row["frame"]
        for message in stream.feed(json.dumps(frame) + "\n", row["received_ms"] * 1000):
            book = books.setdefault(message.market_id, Book())
            assert apply(book, message)
            assert not book.is_crossed
            counts[type(message)] = counts.get(type(message), 0) + 1
    assert counts == {BookSnapshot: 12, BookDelta: 245}
    assert stream.live_count == len(books) == 12
    assert not stream.counts
    assert not stream.unreadable
    assert not stream.reader.census.unknown


def test_the_recorded_demo_frames_replay_in_yes_prices(demo: Path) -> None:
    lines = [str(line) for line in lines_of((demo / "ws__orderbook_trade_yes.jsonl").read_text())]
    ticker = json.loads(lines[2])["msg"]["market_ticker"]
    stream = opened([ticker], use_yes_price=True)
    stream.take_commands()
    book = Book()
    for line in (subscribed(1, "orderbook_delta", 1), subscribed(2, "trade", 2), *lines[2:]):
        for message in stream.feed(line, 0):
            assert apply(book, message)
    assert (book.best_bid_u, book.best_ask_u) == (470_000, 520_000)
    assert book.levels(False, 5) == [(520_000, 2_000_000)]


PRICE = st.integers(min_value=1, max_value=49)
CHANGES = st.lists(st.tuples(st.booleans(), PRICE, st.integers(min_value=1, max_value=500)), min_size=1, max_size=40)


@settings(max_examples=60)
@given(CHANGES, st.data())
def test_after_any_loss_the_next_snapshot_makes_the_book_right_again(
    changes: list[tuple[bool, int, int]], data: st.DataObject
) -> None:
    """The venue's book beside ours: frames are lost and doubled at random, then one snapshot comes."""
    stream = opened(["T-A"], use_yes_price=True)
    stream.feed(subscribed(1, "orderbook_delta", 1), 0)
    theirs, ours, seq = Book(), Book(), 1
    theirs.apply_snapshot((), ())
    frames = [snapshot("T-A", 1, seq)]
    for is_bid, cents, hundredths in changes:
        seq += 1
        price_u = cents * 10_000 if is_bid else 1_000_000 - cents * 10_000
        theirs.apply_delta(is_bid, price_u, hundredths * 10_000)
        side = "yes" if is_bid else "no"
        frames.append(delta("T-A", 1, seq, price=f"{price_u / 1e6:.4f}", change=f"{hundredths / 100:.2f}", side=side))
    lost = data.draw(st.sets(st.integers(min_value=1, max_value=len(frames) - 1)))
    doubled = data.draw(st.sets(st.integers(min_value=0, max_value=len(frames) - 1)))
    gaps = 0
    for index, frame in enumerate(frames):
        for _ in range(0 if index in lost else 1 + (index in doubled)):
            for message in stream.feed(frame, 0):
                gaps += isinstance(message, BookGap)
                assert apply(ours, message)
    bids = [(f"{price / 1e6:.4f}", f"{qty / 1e6:.2f}") for price, qty in theirs.levels(True, 99)]
    asks = [(f"{price / 1e6:.4f}", f"{qty / 1e6:.2f}") for price, qty in theirs.levels(False, 99)]
    for message in stream.feed(snapshot("T-A", 1, seq + 1, yes=bids, no=asks), 0):
        gaps += isinstance(message, BookGap)
        assert apply(ours, message)
    assert ours == theirs
    assert bool(gaps) == bool(lost)
