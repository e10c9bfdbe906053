"""Snapshots that are asked for: the snapshot is the whole answer, and a subscription that gives none is made anew."""

from __future__ import annotations

from tests.venues.kalshi.test_stream import SECOND, live
from tests.venues.kalshi.wire_frames import commands, delta
from tests.venues.simulator.kalshi_stand import OKC, SAS, kalshi_stand
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
        for at_s in range(2, 120):
            assert stream.tick(at_s * SECOND) == []
        assert (stream.live_count, stream.has_commands) == (2, False)
        stand.quote([(40, 1), (39, 1), (38, 1)], [])
        assert [type(message) for message in await answered(1, 120 * SECOND)] == [BookDelta]


def test_a_subscription_that_tells_nothing_at_all_is_made_anew() -> None:
    stream, asked = live(OKC), []
    stream.feed(delta(OKC, 1, 3), 0)
    for at_s in range(1, 40):
        stream.tick(at_s * SECOND)
        asked += [command["cmd"] for command in commands(stream.take_commands())]
    assert asked == ["update_subscription"] * 3 + ["unsubscribe", "subscribe"]
