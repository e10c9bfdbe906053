"""A session with Kalshi's official asynchronous SDK (`kalshi_python_async`), in an interpreter of its own.

Run as `python kalshi_session.py < task.json`. Imports nothing of Courtside. The SDK has no client for the socket: the
upgrade is signed by its own `KalshiAuth` and read with aiohttp, which it brings along; the caller judges the frames.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
from kalshi_python_async import ApiException, Configuration, KalshiClient

DEADLINE_S = 30.0
CHANNELS = ["orderbook_delta", "ticker", "trade", "fill", "user_orders", "market_positions", "market_lifecycle_v2"]
Task = dict[str, Any]


def signed_in(task: Task) -> KalshiClient:
    configuration = Configuration(host=task["kalshi_rest"])
    configuration.api_key_id = task["key_id"]
    configuration.private_key_pem = task["private_key"]
    return KalshiClient(configuration)


class Stream:
    """Every frame of one socket, read all the time."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.frames: list[dict[str, Any]] = []
        self._socket = socket
        self._task = asyncio.create_task(self._read())

    async def subscribe(self, ticker: str) -> None:
        params = {"channels": CHANNELS, "market_tickers": [ticker], "use_yes_price": True}
        await self._socket.send_json({"id": 1, "cmd": "subscribe", "params": params})
        await self.until("orderbook_snapshot")

    async def _read(self) -> None:
        async for message in self._socket:
            self.frames.append(message.json())

    async def until(self, kind: str, wanted: Callable[[dict[str, Any]], bool] = lambda msg: True) -> None:
        for _ in range(int(DEADLINE_S / 0.05)):
            if any(frame["type"] == kind and wanted(frame["msg"]) for frame in self.frames):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"no {kind} within {DEADLINE_S} s; seen: {[frame['type'] for frame in self.frames]}")

    async def close(self) -> None:
        await self._socket.close()
        await self._task


async def read_markets(client: KalshiClient, series: str) -> tuple[str, dict[str, Any]]:
    """A market in play, and what the public reads say of it."""
    markets = (await client.get_markets(series_ticker=series, status="open")).markets
    market = (await client.get_market(markets[0].ticker)).market
    book = (await client.get_market_orderbook(market.ticker)).orderbook_fp
    return market.ticker, {
        "markets": len(markets),
        "event": (await client.get_event(market.event_ticker)).event.event_ticker == market.event_ticker,
        "is_two_sided": bool(book.yes_dollars and book.no_dollars),
        "trading_active": (await client.get_exchange_status()).trading_active,
    }


async def rest_and_cancel(client: KalshiClient, stream: Stream, common: dict[str, str]) -> dict[str, Any]:
    placed = await client.create_order_v2(side="bid", price="0.01", count="5", client_order_id="sdk-1", **common)
    order = (await client.get_order(placed.order_id)).order
    resting = [each.order_id for each in (await client.get_orders(status="resting")).orders]
    await stream.until("user_order", lambda msg: (msg["order_id"], msg["status"]) == (placed.order_id, "resting"))
    canceled = await client.cancel_order_v2(placed.order_id, market_ticker=common["ticker"])  # else: shard 0, 404
    await stream.until("user_order", lambda msg: (msg["order_id"], msg["status"]) == (placed.order_id, "canceled"))
    return {
        "order": [order.client_order_id, order.yes_price_dollars, order.remaining_count_fp, order.status],
        "is_listed": resting == [placed.order_id],
        "reduced_by": canceled.reduced_by,
        "after": (await client.get_order(placed.order_id)).order.status,
    }


async def take(client: KalshiClient, stream: Stream, common: dict[str, str]) -> dict[str, Any]:
    immediate = common | {"time_in_force": "immediate_or_cancel"}
    taken = await client.create_order_v2(side="bid", price="0.99", count="2", **immediate)
    for kind in ("fill", "market_position", "trade", "ticker", "orderbook_delta"):
        await stream.until(kind)
    fills = (await client.get_fills(order_id=taken.order_id)).fills
    positions = (await client.get_positions(ticker=common["ticker"])).market_positions
    return {
        "filled": taken.fill_count,
        "fills": sum(float(fill.count_fp) for fill in fills),
        "position": positions[0].position_fp,
        "balance_fell": float((await client.get_balance()).balance_dollars) < 1_000,
    }


async def refused(client: KalshiClient) -> int:
    try:
        await client.cancel_order_v2("00000000-0000-0000-0000-000000000000")
    except ApiException as error:
        return int(error.status)
    return 200


async def session(task: Task) -> dict[str, Any]:
    async with signed_in(task) as client, aiohttp.ClientSession() as http:
        ticker, reads = await read_markets(client, task["series"])
        terms = {"time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross"}
        common = {"ticker": ticker} | terms
        headers = client.kalshi_auth.create_auth_headers("GET", "/trade-api/ws/v2")
        async with http.ws_connect(task["kalshi_ws"], headers=headers) as socket:
            stream = Stream(socket)
            await stream.subscribe(ticker)
            report = {
                "reads": reads,
                "rests": await rest_and_cancel(client, stream, common),
                "takes": await take(client, stream, common),
                "refused": await refused(client),
            }
            await stream.close()
        return report | {"frames": stream.frames}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(session(json.load(sys.stdin)))))
