"""Plain websocket clients of the simulated Polymarket's two channels."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.venues.simulator.polymarket_stand import Stand, Trader


async def frames(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """The next frames, arrays opened up."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        decoded = json.loads(await asyncio.wait_for(socket.recv(), 60))
        found.extend(decoded if isinstance(decoded, list) else [decoded])
    return found


async def subscribed(stand: Stand, assets: tuple[str, ...], *, custom: bool = False) -> ClientConnection:
    socket = await connect(f"{stand.ws_url}/ws/market", max_size=1 << 24)
    await socket.send(json.dumps({"type": "market", "assets_ids": assets, "custom_feature_enabled": custom}))
    return socket


async def logged_in(trader: Trader, **changes: Any) -> ClientConnection:
    socket = await connect(f"{trader.stand.ws_url}/ws/user")
    credentials = trader.credentials
    auth = {"apiKey": credentials.api_key, "secret": credentials.secret, "passphrase": credentials.passphrase}
    await socket.send(json.dumps({"type": "user", "auth": auth | changes, "markets": []}))
    await socket.send("PING")
    assert await asyncio.wait_for(socket.recv(), 60) == "PONG"
    return socket
