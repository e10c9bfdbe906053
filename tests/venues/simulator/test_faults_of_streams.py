"""Every fault of a frame and of a connection as a client sees it on a real socket, at both venues."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import websockets

from tests.venues.simulator.kalshi_stand import OKC, WS, kalshi_stand
from tests.venues.simulator.polymarket_listen import frames, logged_in, subscribed
from tests.venues.simulator.polymarket_stand import Stand as PolymarketStand
from tests.venues.simulator.polymarket_stand import standing
from venues.simulator.fault_plan import FaultRule, Match, ScheduledFaults

Frame = dict[str, Any]
BOOK = {"id": 1, "cmd": "subscribe", "params": {"channels": ["orderbook_delta"], "market_ticker": OKC}}


def numbers(found: list[Frame]) -> list[int]:
    return [each["seq"] for each in found]


KALSHI: dict[str, tuple[int, Callable[[list[Frame]], bool]]] = {
    "frame_drop": (2, lambda found: numbers(found) == [2, 4]),
    "frame_duplicate": (4, lambda found: numbers(found) == [2, 3, 3, 4]),
    "frame_reorder": (3, lambda found: numbers(found) == [2, 4, 3]),
    "frame_seq_reset": (3, lambda found: numbers(found) == [2, 1, 2]),
    "frame_unknown_sid": (3, lambda found: [each["sid"] for each in found] == [1, 1_001, 1]),
    "frame_late": (5, lambda found: numbers(found) == [2, 4, 5, 6, 3]),
}
"""By fault of the second delta of three: how many frames to read, and what shows it."""


async def test_a_fault_of_a_frame_at_a_venue_that_counts_them():
    for fault, (count, shows) in KALSHI.items():
        plan = ScheduledFaults()
        async with kalshi_stand(faults=plan) as stand, stand.client().socket() as stream:
            await stream.send(BOOK)
            await stream.take(2)
            plan.add(FaultRule(fault=fault, delay_ms=150 if fault == "frame_late" else 0, match=Match(nth=2)))
            for size in (1, 2, 3):
                stand.quote([(40, size)], [])
            found = await stream.take(count)
            assert shows(found), (fault, found)
            assert plan.struck[fault] == 1


@pytest.mark.parametrize("skew_ms", [5_500, -90_000])
async def test_a_venue_whose_clock_is_behind_or_ahead_says_so_in_its_stamps(skew_ms: int):
    plan = ScheduledFaults([FaultRule(fault="frame_skewed", skew_ms=skew_ms)])
    async with kalshi_stand(faults=plan) as stand, stand.client().socket() as stream:
        await stream.send(BOOK)
        await stream.take(2)
        stand.quote([(40, 1)], [])
        (frame,) = await stream.take(1)
        assert stand.clock.ms - frame["msg"]["ts_ms"] == skew_ms


DAMAGED: dict[str, Callable[[str], bool]] = {
    "frame_truncated": lambda text: text.startswith('{"type"') and not text.rstrip().endswith("}"),
    "frame_html": lambda text: text.startswith("<!DOCTYPE"),
    "frame_empty": lambda text: text == "",
    "frame_nan": lambda text: "NaN" in text,
    "frame_quoted_nan": lambda text: json.loads(text)["msg"]["delta_fp"] == "NaN",
    "frame_wrong_type": lambda text: json.loads(text)["type"] == ["orderbook_delta"],
    "frame_duplicate_keys": lambda text: text.count('"sid"') == 2,
}


async def test_a_frame_can_be_damaged():
    plan = ScheduledFaults()
    async with kalshi_stand(faults=plan) as stand, stand.client().socket() as stream:
        await stream.send(BOOK)
        await stream.take(2)
        for size, (fault, shows) in enumerate(DAMAGED.items(), 1):
            plan.clear()
            plan.add(FaultRule(fault=fault))
            stand.quote([(40, size)], [])
            texts = [await stream.raw() for _ in range(1 if size == 1 else 2)]  # a changed level leaves and comes back
            assert all(shows(text) for text in texts), (fault, texts)


async def test_a_connection_can_end_or_fall_silent_or_live_shortly():
    plan = ScheduledFaults()
    async with kalshi_stand(faults=plan) as stand:
        client = stand.client()
        plan.add(FaultRule(fault="frame_disconnect"))
        async with client.socket() as stream:
            await stream.send(BOOK)
            with pytest.raises(websockets.ConnectionClosed):
                await stream.take(3)
        plan.clear()
        plan.add(FaultRule(fault="storm", delay_ms=30))
        async with client.socket() as stream:
            with pytest.raises(websockets.ConnectionClosed):
                await stream.raw()
        plan.clear()
        plan.add(FaultRule(fault="auth_expired"))
        with pytest.raises(websockets.InvalidStatus, match="401"):
            async with client.socket():
                raise AssertionError("an expired key was let in")


async def test_a_silent_connection_answers_no_ping():
    plan = ScheduledFaults([FaultRule(fault="frame_silence", match=Match(nth=2))])
    async with kalshi_stand(faults=plan) as stand:
        client = stand.client()
        url = f"ws://127.0.0.1:{client.port}{WS}"
        async with websockets.connect(url, additional_headers=client.headers("GET", WS), close_timeout=0.1) as socket:
            await socket.send(json.dumps(BOOK))
            for _ in range(2):
                await asyncio.wait_for(socket.recv(), 60)
            await asyncio.wait_for(await socket.ping(), 60)
            stand.quote([(40, 1)], [])
            assert plan.struck["frame_silence"] == 1
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(await socket.ping(), 0.2)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 0.05)


async def test_frames_without_numbers_can_be_lost_doubled_swapped_and_foreign():
    for fault, prices in {
        "frame_drop": ["0.41", "0.43"],
        "frame_duplicate": ["0.41", "0.42", "0.42", "0.43"],
        "frame_reorder": ["0.41", "0.43", "0.42"],
        "frame_unknown_sid": ["0.41", "0.42", "0.43"],
        "frame_seq_reset": ["0.41", "0.42", "0.43"],
    }.items():
        plan = ScheduledFaults()
        stand = PolymarketStand(plan)
        market = stand.list_game("nba").markets[0]
        stand.quote(market, {"0.4": 100}, {"0.45": 60})
        async with standing(stand), await subscribed(stand, market.asset_ids) as socket:
            await frames(socket, 2)
            match = Match(venue="polymarket", op="market", reference="price_change", nth=2)
            plan.add(FaultRule(fault=fault, match=match))
            for price in ("0.41", "0.42", "0.43"):
                stand.quote(market, {price: 100}, {"0.45": 60})
            found = await frames(socket, len(prices))
            bids = [max(each["price"] for each in one["price_changes"] if each["side"] == "BUY") for one in found]
        assert [bid for bid, price in zip(bids, prices, strict=True) if bid < price] == [], (fault, bids)
        strange = [one for one in found if one["market"] == "1" or one["timestamp"] == "1"]
        assert len(strange) == (1 if fault in ("frame_unknown_sid", "frame_seq_reset") else 0)


async def test_a_fill_can_be_told_by_rest_only():
    plan = ScheduledFaults([FaultRule(fault="fills_only_by_rest")])
    stand = PolymarketStand(plan)
    market = stand.list_game("nba").markets[0]
    stand.quote(market, {}, {"0.45": 60})
    trader = stand.new_trader()
    async with standing(stand), await logged_in(trader) as socket:
        await trader.place(trader.order(market, "BUY", "0.45", "10"))
        assert {one["event_type"] for one in await frames(socket, 1)} == {"order"}
        assert plan.struck["fills_only_by_rest"] >= 1
        assert len((await trader.call("GET", "/data/trades")).json()["data"]) == 1
