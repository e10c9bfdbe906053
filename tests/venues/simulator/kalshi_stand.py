"""A Kalshi face on a real port with one game, a house maker and signed clients."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from websockets.asyncio.client import ClientConnection, connect

from venues.simulator.asgi_server import AppServer
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_rules import KALSHI_RULES
from venues.simulator.exchange_types import MarketSpec
from venues.simulator.faults import FaultPlan
from venues.simulator.kalshi_app import KalshiFace
from venues.simulator.kalshi_auth import KeyType
from venues.simulator.kalshi_catalog import (
    EventCard,
    FeeType,
    KalshiCatalog,
    LiveData,
    MarketCard,
    MilestoneCard,
    SeriesCard,
    TargetCard,
    fee_spec,
)
from venues.simulator.kalshi_core import KalshiSettings
from venues.types import MICRO

START_MS = 1_781_159_348_000
EVENT = "KXNBAGAME-26OCT20OKCSAS"
OKC, SAS = f"{EVENT}-OKC", f"{EVENT}-SAS"
FEES = FeeType.QUADRATIC_WITH_MAKER_FEES
ROOT = "/trade-api/v2"
WS = "/trade-api/ws/v2"
ORDERS = "/portfolio/events/orders"
SAMPLES = "venues/kalshi/samples/fortuna-demo-2026-06-11"


class Clock:
    def __init__(self) -> None:
        self.ms = START_MS

    def __call__(self) -> int:
        return self.ms


class Client:
    """Signs like a real one; `call` gives status and decoded body."""

    def __init__(self, port: int, key_id: str, pem: str) -> None:
        self.port = port
        self.key_id = key_id
        self._key = load_pem_private_key(pem.encode(), None)
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")

    def headers(self, method: str, path: str, *, stamp_ms: int | None = None) -> dict[str, str]:
        stamp = str(stamp_ms if stamp_ms is not None else time.time_ns() // 1_000_000)
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": self._sign(f"{stamp}{method}{path}".encode()),
        }

    def _sign(self, text: bytes) -> str:
        if isinstance(self._key, Ed25519PrivateKey):
            return base64.b64encode(self._key.sign(text)).decode()
        assert isinstance(self._key, RSAPrivateKey)
        scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        return base64.b64encode(self._key.sign(text, scheme, hashes.SHA256())).decode()

    async def reply(self, method: str, path: str, body: object = None, **query: object) -> httpx.Response:
        full = ROOT + path
        return await self.http.request(
            method,
            full,
            params=query or None,
            json=body,
            headers=self.headers(method, full),
        )

    async def call(self, method: str, path: str, body: object = None, **query: object) -> tuple[int, Any]:
        reply = await self.reply(method, path, body, **query)
        return reply.status_code, json.loads(reply.content) if reply.content else None

    async def get(self, path: str, **query: object) -> Any:
        status, body = await self.call("GET", path, **query)
        assert status == 200, body
        return body

    async def place(self, side: str, price: str, count: str, **fields: object) -> tuple[int, Any]:
        body = {
            "ticker": OKC,
            "side": side,
            "count": count,
            "price": price,
            "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "taker_at_cross",
        }
        return await self.call("POST", ORDERS, body | fields)

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Stream]:
        url = f"ws://127.0.0.1:{self.port}{WS}"
        async with connect(url, additional_headers=self.headers("GET", WS)) as connection:
            yield Stream(connection)


class Stream:
    """A websocket whose frames are read as JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, command: object) -> None:
        await self._connection.send(json.dumps(command))

    async def raw(self) -> str:
        text = await asyncio.wait_for(self._connection.recv(), 60)
        assert isinstance(text, str)
        return text

    async def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self.raw())
        return frame

    async def take(self, count: int) -> list[dict[str, Any]]:
        return [await self.next() for _ in range(count)]


class Stand:
    def __init__(self, face: KalshiFace, exchange: Exchange, catalog: KalshiCatalog, clock: Clock, port: int) -> None:
        self.face = face
        self.exchange = exchange
        self.catalog = catalog
        self.clock = clock
        self.port = port

    def client(self, key_type: KeyType = KeyType.ED25519, *, usd: int = 1_000, shard: int = 0) -> Client:
        opened = self.face.open_account(key_type=key_type, balance_u=usd * MICRO, shards=(shard,), now_ms=self.clock.ms)
        return Client(self.port, opened.record.key_id, opened.private_key)

    def quote(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]], ticker: str = OKC) -> None:
        """Levels in cents and contracts."""
        self.exchange.replace_quotes(
            "house",
            ticker,
            [(price * 10_000, size * MICRO) for price, size in bids],
            [(price * 10_000, size * MICRO) for price, size in asks],
            self.clock.ms,
        )

    def wait(self, by_ms: int) -> None:
        self.clock.ms += by_ms
        self.exchange.advance(self.clock.ms)


def list_game(catalog: KalshiCatalog, add_market: Callable[[MarketSpec], None], *, shard: int) -> None:
    catalog.add_series(SeriesCard(ticker="KXNBAGAME", title="Professional Basketball Game", tags=("Basketball",)))
    catalog.add_event(
        EventCard(
            ticker=EVENT,
            series_ticker="KXNBAGAME",
            title="Oklahoma City vs San Antonio",
            sub_title="OKC vs SAS (Oct 20)",
            competition="Pro Basketball (M)",
            shard=shard,
        )
    )
    for ticker, team in ((OKC, "Oklahoma City"), (SAS, "San Antonio")):
        catalog.add_target(TargetCard(target_id=f"target-{team}", name=team, type="basketball_team"))
        catalog.add_market(
            MarketCard(
                ticker=ticker,
                event_ticker=EVENT,
                title=f"Will {team} win?",
                yes_sub_title=team,
                rules_primary=f"If {team} wins, then the market resolves to Yes.",
                strike_key="basketball_team",
                strike_id=f"target-{team}",
                latest_expiration_ms=START_MS + 172_800_000,
            )
        )
        add_market(
            MarketSpec(
                native_id=ticker,
                event_id=EVENT,
                fee=fee_spec(FEES),
                settle_timer_ms=45_000,
                close_ms=START_MS + 172_800_000,
                shard=shard,
            )
        )
    catalog.add_milestone(
        MilestoneCard(
            milestone_id="milestone-1",
            type="basketball_game",
            title="Oklahoma City vs San Antonio",
            start_ms=START_MS,
            related_event_tickers=(EVENT,),
        )
    )
    catalog.set_live("milestone-1", LiveData(type="basketball_game", details={"home_points": 3}))


@asynccontextmanager
async def kalshi_stand(
    *, settings: KalshiSettings | None = None, shard: int = 0, faults: FaultPlan | None = None
) -> AsyncIterator[Stand]:
    clock, catalog = Clock(), KalshiCatalog()
    exchange = Exchange(KALSHI_RULES, seed=5)
    exchange.open_account("house", 0, is_house=True)
    face = KalshiFace(exchange, catalog, clock_ms=clock, settings=settings or KalshiSettings(tier=None), faults=faults)
    list_game(catalog, lambda spec: exchange.add_market(spec, clock.ms), shard=shard)
    server = AppServer(face.app)
    await server.start()
    try:
        yield Stand(face, exchange, catalog, clock, server.port)
    finally:
        await server.stop()


def sample(shared: Path, name: str) -> dict[str, object]:
    """A captured body."""
    body: dict[str, object] = json.loads((shared / SAMPLES / f"{name}.json").read_text())
    return body
