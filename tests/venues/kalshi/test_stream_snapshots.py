"""Snapshots that are asked for: the snapshot is the whole answer, and a subscription that gives none is made anew."""

from __future__ import annotations

from tests.venues.kalshi.test_stream import SECOND, live
from tests.venues.kalshi.wire_frames import commands, delta, snapshot
from tests.venues.simulator.kalshi_stand import OKC, SAS, kalshi_stand
from venues.book import Book
from venues.kalshi.stream import KalshiStream
from venues.simulator.fault_plan import FaultRule, Match, ScheduledFaults
from venues.types import BookDelta, BookGap, BookSnapshot, MarketMessage


async def test_after_a_lost_frame_the_venues_snapshots_are_answer_enough() -> None:
    """No `ok` follows a `get_snapshot`: nobody may take its absence for the end of the subscription."""
    plan, stream = ScheduledFaults(), KalshiStream()
    stream.watch([OKC, SAS], 0)
    stream.open(0)
    async with kalshi_stand(faults=plan) as stand, stand.client().socket() as socket:

        async def answered(count: int, now_us: int) -> list[MarketMessage]:
            for command in commands(stream.take_commands()):
                await socket.send(command)
            texts = [await socket.raw() for _ in range(count)]
            return [message for text in texts for message in stream.feed(text, now_us)]

        assert [type(message) for message in await answered(5, 0)] == [BookSnapshot, BookSnapshot]
        plan.add(FaultRule(fault="frame_drop", match=Match(op="orderbook_delta", nth=1)))
        stand.quote([(40, 1)], [])
        stand.quote([(40, 1), (39, 1)], [])
        assert [type(message) for message in await answered(1, SECOND)] == [BookGap, BookGap]
        assert [type(message) for message in await answered(2, SECOND)] == [BookSnapshot, BookSnapshot]
        for at_s in range(2, 60):
            assert stream.tick(at_s * SECOND) == []
        assert (stream.live_count, stream.has_commands) == (2, False)
        stand.quote([(40, 1), (39, 1), (38, 1)], [])
        assert [type(message) for message in await answered(1, 60 * SECOND)] == [BookDelta]
        assert stream.tick(62 * SECOND) == []
        assert [type(message) for message in await answered(2, 62 * SECOND)] == [BookSnapshot, BookSnapshot]
        assert stream.tick(122 * SECOND) == [] and not stream.has_commands


def test_a_subscription_that_tells_nothing_at_all_is_made_anew() -> None:
    stream, asked = live(OKC), []
    stream.feed(delta(OKC, 1, 3), 0)
    for at_s in range(1, 40):
        stream.tick(at_s * SECOND)
        asked += [command["cmd"] for command in commands(stream.take_commands())]
    assert asked == ["update_subscription"] * 3 + ["unsubscribe", "subscribe"]


def test_a_book_with_an_impossible_change_is_whole_again_within_a_minute() -> None:
    stream, book = live(OKC), Book()
    book.apply_snapshot([(470_000, 3_000_000)], [(520_000, 1_000_000)])
    (change,) = stream.feed(delta(OKC, 1, 2, price="0.4700", change="-5.00"), SECOND)
    assert isinstance(change, BookDelta)
    assert not book.apply_delta(change.is_bid, change.price_u, change.delta_u)
    stream.tick(61 * SECOND)
    (asked,) = commands(stream.take_commands())
    assert asked["params"] == {"sids": [1], "market_tickers": [OKC], "action": "get_snapshot"}
    (whole,) = stream.feed(snapshot(OKC, 1, 3, yes=[("0.4700", "3.00")]), 61 * SECOND)
    assert isinstance(whole, BookSnapshot)
    assert book.apply_snapshot(whole.bids, whole.asks) and book.best_bid_u == 470_000


def test_many_books_are_asked_for_as_a_whole_a_few_at_a_time() -> None:
    stream, asked = live(*(f"{OKC}-{number}" for number in range(45))), []
    for at_us in range(61 * SECOND, 63 * SECOND, SECOND // 4):
        stream.tick(at_us)
        asked += [len(command["params"]["market_tickers"]) for command in commands(stream.take_commands())]
    assert asked == [20, 20, 5]
