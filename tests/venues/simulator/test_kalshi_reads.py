"""What the Kalshi face tells about markets, settlements and itself: bodies and words as captured."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.venues.simulator.kalshi_stand import EVENT, OKC, ORDERS, SAS, Client, Stand, kalshi_stand, sample
from venues.simulator.faults import Call, Disturbance, NoFaults
from venues.simulator.kalshi_core import KalshiSettings
from venues.simulator.kalshi_limits import Tier
from venues.types import MICRO, MarketState


async def test_a_market_reads_like_a_captured_one(stand: Stand, shared: Path) -> None:
    client = stand.client()
    market = (await client.get(f"/markets/{OKC}"))["market"]
    captured = sample(shared, "markets__single")["market"]
    assert isinstance(captured, dict)
    gone = {"fractional_trading_enabled", "response_price_units", "liquidity_dollars", "tick_size"}
    dated = {"expected_expiration_time", "occurrence_datetime"}  # this stand's markets leave them out
    assert set(captured) - gone - dated <= set(market)
    assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.4700", "0.5200")
    assert (market["no_bid_dollars"], market["no_ask_dollars"]) == ("0.4800", "0.5300")
    unquoted = (await client.get(f"/markets/{SAS}"))["market"]
    assert (unquoted["yes_ask_dollars"], unquoted["no_bid_dollars"]) == ("0.0000", "1.0000")
    stand.quote([(1, 1)], [], SAS)
    stand.quote([], [], SAS)
    emptied = (await client.get(f"/markets/{SAS}"))["market"]
    assert (emptied["yes_ask_dollars"], emptied["no_bid_dollars"]) == ("1.0000", "0.0000")


async def test_a_book_is_two_lists_of_bids_with_the_best_last(stand: Stand) -> None:
    client = stand.client()
    book = (await client.get(f"/markets/{OKC}/orderbook"))["orderbook_fp"]
    assert book == {
        "yes_dollars": [["0.0100", "1000000.00"], ["0.4700", "300.00"]],
        "no_dollars": [["0.0100", "1000000.00"], ["0.4800", "300.00"]],
    }
    assert (await client.get(f"/markets/{OKC}/orderbook", depth=1))["orderbook_fp"]["yes_dollars"] == [
        ["0.4700", "300.00"]
    ]
    books = (await client.get("/markets/orderbooks", tickers=[OKC, SAS]))["orderbooks"]
    assert [row["ticker"] for row in books] == [OKC, SAS]


async def test_keys_are_alphabetical_and_pages_end_with_an_empty_cursor(stand: Stand, shared: Path) -> None:
    client = stand.client()
    first = await client.get("/markets", limit=1)
    assert list(first["markets"][0]) == sorted(first["markets"][0])
    second = await client.get("/markets", limit=1, cursor=first["cursor"])
    assert (second["markets"][0]["ticker"], second["cursor"]) == (SAS, "")
    garbage = await client.get("/markets", limit=1, cursor="garbage")
    assert garbage == first
    assert await client.call("GET", "/markets", limit=1001) == (400, sample(shared, "markets__limit_over_max"))
    status, body = await client.call("GET", "/markets", status="finalized")
    assert (status, body["error"]["details"]) == (400, "invalid status filter")


async def test_discovery_finds_the_game(stand: Stand) -> None:
    client = stand.client()
    (event,) = (await client.get("/events", series_ticker="KXNBAGAME", status="open", with_nested_markets="true"))[
        "events"
    ]
    assert [market["ticker"] for market in event["markets"]] == [OKC, SAS]
    assert event["product_metadata"] == {"competition": "Pro Basketball (M)", "competition_scope": "Game"}
    (milestone,) = (await client.get("/milestones", limit=10, related_event_ticker=EVENT))["milestones"]
    assert (milestone["id"], milestone["start_date"]) == ("milestone-1", "2026-06-11T06:29:08Z")
    assert (await client.call("GET", "/milestones"))[0] == 400
    live = await client.get("/live_data/batch", milestone_ids=["milestone-1", "other"])
    assert [row["milestone_id"] for row in live["live_datas"]] == ["milestone-1"]
    series = (await client.get("/series/KXNBAGAME"))["series"]
    assert (series["fee_type"], series["fee_multiplier"]) == ("quadratic_with_maker_fees", 1.0)
    assert len((await client.get("/structured_targets"))["structured_targets"]) == 2
    assert (await client.get("/series/fee_changes")) == {"series_fee_change_arr": []}


async def test_trades_and_candles_tell_what_happened(stand: Stand) -> None:
    client = stand.client()
    await client.place("bid", "0.5200", "3.00")
    stand.wait(60_000)
    stand.quote([(60, 5)], [(64, 5)])
    await client.place("bid", "0.6400", "2.00")
    trades = (await client.get("/markets/trades", ticker=OKC))["trades"]
    assert [(trade["yes_price_dollars"], trade["taker_outcome_side"]) for trade in trades] == [
        ("0.6400", "yes"),
        ("0.5200", "yes"),
    ]
    start_s = stand.clock.ms // 1000
    candles = (
        await client.get(
            f"/series/KXNBAGAME/markets/{OKC}/candlesticks",
            start_ts=start_s - 600,
            end_ts=start_s + 600,
            period_interval=1,
        )
    )["candlesticks"]
    assert [candle["volume_fp"] for candle in candles] == ["3.00", "2.00"]
    assert candles[1]["price"]["previous_dollars"] == "0.5200"
    assert candles[1]["yes_bid"]["close_dollars"] == "0.6000"


async def test_settlement_pays_and_leaves_a_row(stand: Stand) -> None:
    client = stand.client()
    await client.place("bid", "0.5200", "10.00")
    stand.exchange.determine(OKC, MICRO, stand.clock.ms)
    market = (await client.get(f"/markets/{OKC}"))["market"]
    assert (market["status"], market["result"], market["settlement_value_dollars"]) == ("determined", "yes", "1.0000")
    stand.wait(45_000)
    (row,) = (await client.get("/portfolio/settlements"))["settlements"]
    assert (row["market_result"], row["revenue"], row["value"]) == ("yes", 1_000, 100)
    assert (row["yes_count_fp"], row["yes_total_cost_dollars"]) == ("10.00", "5.200000")
    assert (await client.get("/portfolio/positions"))["market_positions"] == []
    assert len((await client.get("/portfolio/positions", settlement_status="settled"))["market_positions"]) == 1
    assert (await client.get("/portfolio/balance"))["balance_dollars"] == "1004.6252"


async def test_a_closed_market_refuses_with_a_conflict(stand: Stand) -> None:
    client = stand.client()
    stand.exchange.set_state(OKC, MarketState.CLOSED, stand.clock.ms)
    status, body = await client.place("bid", "0.10", "1")
    assert (status, body["error"]["code"]) == (409, "market_closed")


async def test_the_exchange_tells_its_pauses(stand: Stand) -> None:
    client = stand.client()
    stand.exchange.switch_trading(is_exchange_active=True, is_trading_active=False, now_ms=stand.clock.ms)
    status = await client.get("/exchange/status")
    assert (status["exchange_active"], status["trading_active"]) == (True, False)
    assert (await client.place("bid", "0.10", "1"))[1]["error"]["code"] == "trading_is_paused"


async def test_reads_may_lag_behind_the_engine() -> None:
    async with kalshi_stand(settings=KalshiSettings(tier=None, stale_read_ms=360)) as stand:
        client = stand.client()
        _, order = await client.place("bid", "0.10", "1")
        path = f"/portfolio/orders/{order['order_id']}"
        assert (await client.call("GET", path))[0] == 404
        stand.wait(360)
        assert (await client.get(path))["order"]["status"] == "resting"
        await client.call("DELETE", f"{ORDERS}/{order['order_id']}")
        assert (await client.get(path))["order"]["status"] == "resting"
        assert (await client.call("DELETE", f"{ORDERS}/{order['order_id']}"))[0] == 404
        stand.wait(360)
        assert (await client.get(path))["order"]["status"] == "canceled"


async def test_an_empty_bucket_answers_429_with_a_string() -> None:
    tier = Tier(name="basic", read_per_s=1, read_capacity=30, write_per_s=1, write_capacity=25)
    async with kalshi_stand(settings=KalshiSettings(tier=tier)) as stand:
        client = stand.client()
        assert [(await client.reply("GET", "/portfolio/fills")).status_code for _ in range(4)] == [200, 200, 200, 429]
        placed = [await client.place("bid", "0.10", "1") for _ in range(3)]
        assert [status for status, _ in placed] == [201, 201, 429]
        assert placed[2][1] == {"error": "too many requests"}
        assert (await client.call("DELETE", f"{ORDERS}/{placed[0][1]['order_id']}"))[0] == 200  # a cancel costs 2
        limits = await stand.client().get("/account/limits")
        assert limits["write"] == {"bucket_capacity": 25, "refill_rate": 1}


async def test_a_write_about_order_groups_is_paid_on_the_shard_that_it_names() -> None:
    tier = Tier(name="basic", read_per_s=1, read_capacity=30, write_per_s=1, write_capacity=25)
    async with kalshi_stand(settings=KalshiSettings(tier=tier)) as stand:
        client, made = stand.client(), {}
        for shard in (0, 3):
            body = {"contracts_limit": 1, "exchange_index": shard}
            status, made[shard] = await client.call("POST", "/portfolio/order_groups/create", body)
            assert status == 201
        for shard in (0, 3):
            path = f"/portfolio/order_groups/{made[shard]['order_group_id']}/trigger"
            assert [(await client.call("PUT", path, {}, exchange_index=shard))[0] for _ in range(2)] == [200, 429]


class LostReplies(NoFaults):
    """Breaks the connection off after each accepted order."""

    def after(self, call: Call) -> Disturbance | None:
        return Disturbance(drop=True) if call.op == "create" else None


async def test_the_fault_seam_loses_a_reply_but_not_its_effect() -> None:
    async with kalshi_stand(faults=LostReplies()) as stand:
        client: Client = stand.client()
        with pytest.raises(httpx.HTTPError):
            await client.place("bid", "0.10", "1", client_order_id="lost")
        await asyncio.sleep(0)
        orders = (await client.get("/portfolio/orders", ticker=OKC))["orders"]
        assert [order["client_order_id"] for order in orders] == ["lost"]
