"""Every reply that trading needs and every frame of every channel fits Kalshi's published schemas."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from tests.venues.simulator.kalshi_schemas import FrameJudge, RestJudge
from tests.venues.simulator.kalshi_stand import EVENT, OKC, ORDERS, ROOT, SAS, START_MS, Client, Stand, Stream
from venues.simulator.kalshi_feed import CHANNELS
from venues.types import MICRO

GROUPS = "/portfolio/order_groups"
READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/exchange/status", {}),
    ("/exchange/schedule", {}),
    ("/exchange/user_data_timestamp", {}),
    ("/series", {"category": "Sports"}),
    ("/series/KXNBAGAME", {}),
    ("/series/fee_changes", {}),
    ("/events", {"with_nested_markets": "true"}),
    (f"/events/{EVENT}", {}),
    ("/events/fee_changes", {}),
    ("/events/multivariate", {}),
    ("/markets", {}),
    (f"/markets/{OKC}", {}),
    (f"/markets/{OKC}/orderbook", {}),
    ("/markets/orderbooks", {"tickers": [OKC, SAS]}),
    ("/markets/trades", {}),
    (
        f"/series/KXNBAGAME/markets/{OKC}/candlesticks",
        {"start_ts": START_MS // 1000 - 600, "end_ts": START_MS // 1000 + 600, "period_interval": 1},
    ),
    ("/milestones", {"limit": 5}),
    ("/milestones/milestone-1", {}),
    ("/live_data/batch", {"milestone_ids": ["milestone-1"]}),
    ("/live_data/milestone/milestone-1", {}),
    ("/structured_targets", {}),
    ("/search/tags_by_categories", {}),
    ("/search/filters_by_sport", {}),
    ("/historical/cutoff", {}),
    ("/historical/orders", {}),
    ("/historical/fills", {}),
    ("/portfolio/balance", {}),
    ("/portfolio/orders", {}),
    ("/portfolio/orders/queue_positions", {"market_tickers": OKC}),
    ("/portfolio/fills", {}),
    ("/portfolio/positions", {}),
    ("/portfolio/settlements", {}),
    ("/portfolio/summary/total_resting_order_value", {}),
    ("/portfolio/subaccounts/balances", {}),
    ("/portfolio/order_groups", {}),
    ("/portfolio/deposits", {}),
    ("/portfolio/withdrawals", {}),
    ("/account/limits", {}),
    ("/account/endpoint_costs", {}),
    ("/api_keys", {}),
)


def order(side: str, price: str, count: str, **fields: object) -> dict[str, object]:
    terms = {"time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross"}
    return {"ticker": OKC, "side": side, "price": price, "count": count} | terms | fields


async def trade(client: Client) -> list[httpx.Response]:
    """Every write that trading needs, and the reads of what it wrote."""
    resting = await client.reply("POST", ORDERS, order("bid", "0.4000", "5.00", client_order_id="mine"))
    order_id = resting.json()["order_id"]
    one = f"{ORDERS}/{order_id}"
    replies = [
        resting,
        await client.reply("POST", f"{one}/amend", order("bid", "0.4100", "6.00")),
        await client.reply("POST", f"{one}/decrease", {"reduce_to": "2.00"}),
        await client.reply("GET", f"/portfolio/orders/{order_id}"),
        await client.reply("GET", f"/portfolio/orders/{order_id}/queue_position"),
        await client.reply("DELETE", one),
        await client.reply("POST", ORDERS, order("bid", "0.5200", "3.00")),
        await client.reply("POST", ORDERS, order("ask", "0.4700", "1.00", time_in_force="fill_or_kill")),
    ]
    batch = await client.reply("POST", f"{ORDERS}/batched", {"orders": [order("ask", "0.9000", "1.00")]})
    ids = [{"order_id": row["order_id"]} for row in batch.json()["orders"]]
    return [*replies, batch, await client.reply("DELETE", f"{ORDERS}/batched", {"orders": ids})]


async def group(client: Client) -> list[httpx.Response]:
    made = await client.reply("POST", f"{GROUPS}/create", {"contracts_limit_fp": "5.00"})
    one = f"{GROUPS}/{made.json()['order_group_id']}"
    return [
        made,
        await client.reply("GET", one),
        await client.reply("PUT", f"{one}/limit", {"contracts_limit_fp": "9.00"}),
        await client.reply("PUT", f"{one}/trigger"),
        await client.reply("PUT", f"{one}/reset"),
        await client.reply("DELETE", one),
    ]


async def refused(client: Client) -> list[httpx.Response]:
    unsigned = await client.http.get(f"{ROOT}/portfolio/balance")
    return [
        unsigned,
        await client.reply("POST", ORDERS, order("bid", "0.5150", "1.00")),
        await client.reply("POST", ORDERS, order("bid", "0.9900", "90000.00", client_order_id="dear")),
        await client.reply("POST", ORDERS, order("bid", "0.4000", "1.00", client_order_id="mine")),
        await client.reply("DELETE", f"{ORDERS}/00000000-0000-0000-0000-000000000000"),
        await client.reply("GET", "/portfolio/orders/00000000-0000-0000-0000-000000000000"),
        await client.reply("GET", "/markets/KXNOSUCH"),
    ]


async def test_replies_fit_the_published_openapi_schemas(stand: Stand, shared: Path) -> None:
    judge, client = RestJudge(shared), stand.client()
    replies = [*await trade(client), *await group(client), *await refused(client)]
    replies += [await client.reply("GET", path, **query) for path, query in READS]
    stand.exchange.determine(OKC, MICRO, stand.clock.ms)
    stand.wait(60_000)
    replies += [await client.reply("GET", path) for path in ("/portfolio/settlements", f"/markets/{OKC}")]
    assert [fault for reply in replies for fault in judge.fault(reply)] == []
    assert {status for _, _, status in judge.judged} >= {200, 201, 400, 401, 404, 409}


async def everything(stand: Stand, client: Client, stream: Stream) -> list[dict[str, Any]]:
    """The frames of a market's whole life, until it is settled."""
    await stream.send({"id": 1, "cmd": "subscribe", "params": {"channels": list(CHANNELS), "market_tickers": [OKC]}})
    await stream.send({"id": 2, "cmd": "list_subscriptions"})
    update = {"sid": 1, "market_tickers": [SAS]}
    for number, action in enumerate(("add_markets", "get_snapshot", "delete_markets"), start=3):
        await stream.send({"id": number, "cmd": "update_subscription", "params": update | {"action": action}})
    await stream.send({"id": 6, "cmd": "dance"})
    await trade(client)
    await group(client)
    stand.exchange.determine(OKC, MICRO, stand.clock.ms)
    stand.wait(60_000)
    await stream.send({"id": 7, "cmd": "unsubscribe", "params": {"sids": [1]}})
    frames: list[dict[str, Any]] = []
    while not frames or frames[-1]["type"] != "unsubscribed":
        frames.append(await stream.next())
    return frames


async def test_frames_of_every_channel_fit_the_published_asyncapi_schemas(stand: Stand, shared: Path) -> None:
    judge, client = FrameJudge(shared), stand.client()
    async with client.socket() as stream:
        frames = await asyncio.wait_for(everything(stand, client, stream), 60)
    assert [fault for frame in frames for fault in judge.fault(frame)] == []
    kinds = {frame["type"] for frame in frames}
    assert kinds == {
        "subscribed",
        "ok",
        "error",
        "unsubscribed",
        "orderbook_snapshot",
        "orderbook_delta",
        "ticker",
        "trade",
        "fill",
        "user_order",
        "market_position",
        "market_lifecycle_v2",
        "order_group_updates",
    }
