"""The market and user channels over real websockets: dumps, changes with hashes, order and trade life cycles."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.venues.simulator.polymarket_listen import frames, logged_in, subscribed
from tests.venues.simulator.polymarket_stand import START_MS, Stand, standing
from venues.simulator.polymarket_listing import MarketListing
from venues.types import MICRO

HASHED = (
    "market", "asset_id", "timestamp", "hash", "bids", "asks", "min_order_size", "tick_size", "neg_risk",
    "last_trade_price",
)  # fmt: skip


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing(Stand()) as running:
        yield running


@pytest.fixture
def market(stand: Stand) -> MarketListing:
    listed = stand.list_game("nba").markets[0]
    stand.quote(listed, {"0.4": 100, "0.39": 500}, {"0.45": 60, "0.46": 1_000})
    return listed


def recomputed_hash(book: dict[str, Any]) -> str:
    plain = {name: book[name] for name in HASHED} | {"hash": ""}
    return hashlib.sha1(json.dumps(plain, separators=(",", ":")).encode()).hexdigest()


def applied(book: dict[str, Any], change: dict[str, Any], timestamp: str) -> dict[str, Any]:
    """The book of one token after a level change, as a client keeps it."""
    name = "bids" if change["side"] == "BUY" else "asks"
    levels = [each for each in book[name] if each["price"] != change["price"]]
    if change["size"] != "0":
        levels.append({"price": change["price"], "size": change["size"]})
    levels.sort(key=lambda each: float(each["price"]), reverse=name == "asks")
    return book | {name: levels, "timestamp": timestamp}


async def test_a_subscription_begins_with_an_array_of_books(stand: Stand, market: MarketListing) -> None:
    async with await subscribed(stand, market.asset_ids) as socket:
        first = json.loads(await asyncio.wait_for(socket.recv(), 60))
        assert isinstance(first, list) and [each["asset_id"] for each in first] == list(market.asset_ids)
        assert all(each["hash"] == recomputed_hash(each) for each in first)
        assert first[0]["bids"][-1] == {"price": "0.4", "size": "100"}
        assert first[1]["asks"][-1] == {"price": "0.6", "size": "100"}
        async with httpx.AsyncClient(base_url=stand.clob_url) as client:
            rest = (await client.get("/book", params={"token_id": market.asset_ids[0]})).json()
        assert rest == {name: value for name, value in first[0].items() if name != "event_type"}


async def test_level_changes_name_both_tokens_and_lead_to_their_hashes(stand: Stand, market: MarketListing) -> None:
    async with await subscribed(stand, market.asset_ids) as socket:
        books = {each["asset_id"]: each for each in await frames(socket, 2)}
        stand.quote(market, {"0.41": 20, "0.39": 500}, {"0.45": 60, "0.46": 900})
        change = (await frames(socket, 1))[0]
    assert change["event_type"] == "price_change"
    entries = change["price_changes"]
    assert {(each["asset_id"], each["side"], each["price"], each["size"]) for each in entries} == {
        (market.asset_ids[0], "BUY", "0.4", "0"),
        (market.asset_ids[1], "SELL", "0.6", "0"),
        (market.asset_ids[0], "BUY", "0.41", "20"),
        (market.asset_ids[1], "SELL", "0.59", "20"),
        (market.asset_ids[0], "SELL", "0.46", "900"),
        (market.asset_ids[1], "BUY", "0.54", "900"),
    }
    for entry in entries:
        books[entry["asset_id"]] = applied(books[entry["asset_id"]], entry, change["timestamp"])
    assert all(recomputed_hash(books[entry["asset_id"]]) == entry["hash"] for entry in entries)
    assert {(each["best_bid"], each["best_ask"]) for each in entries} == {("0.41", "0.45"), ("0.55", "0.59")}


async def test_a_trade_shows_as_change_then_print_then_books(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    async with await subscribed(stand, market.asset_ids, custom=True) as socket:
        await frames(socket, 2)
        await trader.place(trader.order(market, "BUY", "0.45", "60"))
        kinds = await frames(socket, 6)
    assert [each["event_type"] for each in kinds] == [
        "price_change", "last_trade_price", "book", "book", "best_bid_ask", "best_bid_ask",
    ]  # fmt: skip
    assert (kinds[1]["price"], kinds[1]["size"], kinds[1]["side"]) == ("0.45", "60", "BUY")
    assert kinds[2]["last_trade_price"] == "0.45" and kinds[2]["hash"] == recomputed_hash(kinds[2])
    assert (kinds[4]["best_bid"], kinds[4]["best_ask"], kinds[4]["spread"]) == ("0.4", "0.46", "0.06")


async def test_subscriptions_change_on_the_fly_and_a_repeated_one_dumps_nothing(
    stand: Stand, market: MarketListing
) -> None:
    async with await subscribed(stand, market.asset_ids[:1]) as socket:
        await frames(socket, 1)
        again = {"operation": "subscribe", "assets_ids": market.asset_ids}
        await socket.send(json.dumps(again))
        assert [each["asset_id"] for each in await frames(socket, 1)] == [market.asset_ids[1]]
        await socket.send(json.dumps({"operation": "unsubscribe", "assets_ids": market.asset_ids}))
        await socket.send("PING")
        assert await asyncio.wait_for(socket.recv(), 60) == "PONG"
        stand.quote(market, {"0.3": 1}, {})
        await socket.send("PING")
        assert await asyncio.wait_for(socket.recv(), 60) == "PONG"


async def test_an_answer_to_a_ping_is_no_frame_that_a_stepped_clock_waits_for(
    stand: Stand, market: MarketListing
) -> None:
    async with await subscribed(stand, market.asset_ids[:1]) as socket:
        await frames(socket, 1)
        ((_, _, before),) = stand.face.clob_app.sent_counts()
        await socket.send("PING")
        assert await asyncio.wait_for(socket.recv(), 60) == "PONG"
        stand.quote(market, {"0.3": 1}, {})
        await frames(socket, 1)
        assert [sent - before for _, _, sent in stand.face.clob_app.sent_counts()] == [1]


async def test_the_start_of_the_game_clears_the_book(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    await trader.place(trader.order(market, "BUY", "0.3", "10"))
    async with await subscribed(stand, market.asset_ids[:1]) as public, await logged_in(trader) as private:
        await frames(public, 1)
        stand.move(START_MS - stand.now_ms + 300)
        change, book = await frames(public, 2)
        assert {each["size"] for each in change["price_changes"]} == {"0"}
        assert (book["event_type"], book["bids"], book["asks"]) == ("book", [], [])
        order = (await frames(private, 1))[0]
    assert (order["type"], order["status"], order["size_matched"]) == ("CANCELLATION", "INVALID", "0")
    assert order["timestamp"] == str(START_MS + 300)


async def test_the_grid_becomes_finer_near_the_end(stand: Stand, market: MarketListing) -> None:
    async with await subscribed(stand, market.asset_ids) as socket:
        await frames(socket, 2)
        stand.quote(market, {"0.96": 10}, {"0.98": 10})
        await frames(socket, 1)
        stand.move(1_000)
        ticks = await frames(socket, 2)
        assert {(each["event_type"], each["old_tick_size"], each["new_tick_size"]) for each in ticks} == {
            ("tick_size_change", "0.01", "0.001")
        }
        trader = stand.new_trader()
        placed = await trader.place(trader.order(market, "BUY", "0.965", "10"))
        assert placed.json()["status"] == "live"


async def test_resolution_is_told_to_those_who_asked_for_it(stand: Stand, market: MarketListing) -> None:
    async with await subscribed(stand, market.asset_ids, custom=True) as socket:
        await frames(socket, 2)
        stand.exchange.determine(market.condition_id, MICRO, stand.now_ms)
        stand.move(1_000)
        async with asyncio.timeout(5):
            while (frame := (await frames(socket, 1))[0])["event_type"] != "market_resolved":
                continue
    assert (frame["winning_asset_id"], frame["winning_outcome"]) == (market.asset_ids[0], "Hawks")


async def test_an_account_follows_its_order_from_placement_to_finality(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    async with await logged_in(trader) as socket:
        placed = (await trader.place(trader.order(market, "BUY", "0.45", "100"))).json()
        matched = await frames(socket, 3)
        assert [(each["event_type"], each["type"], each["status"]) for each in matched] == [
            ("trade", "TRADE", "MATCHED"),
            ("order", "PLACEMENT", "LIVE"),
            ("order", "UPDATE", "LIVE"),
        ]
        assert matched[2]["size_matched"] == "60" and matched[2]["associate_trades"] == placed["tradeIDs"]
        stand.move(5_000)
        assert [each["status"] for each in await frames(socket, 2)] == ["MINED", "CONFIRMED"]
        await trader.call("DELETE", "/order", {"orderID": placed["orderID"]})
        canceled = (await frames(socket, 1))[0]
        assert (canceled["type"], canceled["status"], canceled["id"]) == (
            "CANCELLATION", "CANCELED", placed["orderID"],
        )  # fmt: skip


async def test_a_failed_trade_is_told_and_taken_back(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader(usd=100)
    async with await logged_in(trader) as socket:
        placed = (await trader.place(trader.order(market, "BUY", "0.45", "60"))).json()
        await frames(socket, 3)
        stand.exchange.fail_trade(placed["tradeIDs"][0], stand.now_ms)
        failed = (await frames(socket, 1))[0]
    assert (failed["id"], failed["status"]) == (placed["tradeIDs"][0], "FAILED")
    balance = (await trader.call("GET", "/balance-allowance", asset_type="COLLATERAL")).json()
    assert balance["balance"] == "100000000"


async def test_a_killed_fok_is_a_cancellation_with_a_sentence(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    async with await logged_in(trader) as socket:
        await trader.place(trader.order(market, "BUY", "0.45", "100"), "FOK")
        killed = (await frames(socket, 1))[0]
    assert (killed["type"], killed["size_matched"]) == ("CANCELLATION", "")
    assert killed["status"].startswith("CANCELED_order couldn't be fully filled")


async def test_a_delayed_order_is_placed_as_delayed_and_rests_when_the_offer_is_gone(stand: Stand) -> None:
    market = stand.list_game("nfl").markets[0]
    stand.quote(market, {"0.4": 100}, {"0.45": 100})
    trader = stand.new_trader()
    async with await logged_in(trader) as socket:
        await trader.place(trader.order(market, "BUY", "0.45", "10"))
        stand.quote(market, {"0.4": 100}, {"0.5": 100})
        stand.move(1_000)
        seen = await frames(socket, 2)
    assert [(each["type"], each["status"]) for each in seen] == [("PLACEMENT", "DELAYED"), ("UPDATE", "LIVE")]


async def test_a_wrong_login_is_closed_without_a_word(stand: Stand) -> None:
    trader = stand.new_trader()
    with pytest.raises(ConnectionClosed):
        async with await connect(f"{stand.ws_url}/ws/user") as socket:
            auth = {"apiKey": trader.credentials.api_key, "secret": "AAAA", "passphrase": "no"}
            await socket.send(json.dumps({"type": "user", "auth": auth}))
            await asyncio.wait_for(socket.recv(), 60)
