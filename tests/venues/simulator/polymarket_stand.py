"""A whole simulated Polymarket on loopback ports, and a client that signs for itself with eth-account."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
from eth_account import Account
from eth_account.messages import encode_typed_data

from venues.simulator.asgi_server import AppServer
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_rules import POLYMARKET_RULES
from venues.simulator.faults import FaultPlan
from venues.simulator.polymarket_face import PolymarketFace
from venues.simulator.polymarket_listing import EventListing, MarketListing, TeamListing
from venues.simulator.polymarket_sports import game_event
from venues.simulator.polymarket_wallets import Credentials, Wallet, derived_private_key, wallet_from_key
from venues.types import MICRO

START_MS = 1_796_171_400_000  # 2026-12-02T00:30:00Z, the evening of December 1 in New York
BEGIN_MS = START_MS - 3_600_000
MAKER = "house:maker"
ZERO32 = "0x" + "00" * 32
ORDER_TYPE = [
    {"name": "salt", "type": "uint256"},
    {"name": "maker", "type": "address"},
    {"name": "signer", "type": "address"},
    {"name": "tokenId", "type": "uint256"},
    {"name": "makerAmount", "type": "uint256"},
    {"name": "takerAmount", "type": "uint256"},
    {"name": "side", "type": "uint8"},
    {"name": "signatureType", "type": "uint8"},
    {"name": "timestamp", "type": "uint256"},
    {"name": "metadata", "type": "bytes32"},
    {"name": "builder", "type": "bytes32"},
]
DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
ORDER_TEXT = "Order(" + ",".join(f"{each['type']} {each['name']}" for each in ORDER_TYPE) + ")"
EXCHANGES = {
    ("v1", False): ("2", "0xE111180000d2663C0091e4f400237545B87B996B"),
    ("v1", True): ("2", "0xe2222d279d744050d28e00520010520000310F59"),
    ("v2", False): ("3", "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"),
    ("v2", True): ("3", "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"),
}


class Stand:
    """The venue and its clock, moved by hand."""

    def __init__(self, faults: FaultPlan | None = None, *, epoch: int = 0) -> None:
        self.now_ms = BEGIN_MS
        self.wall_s = time.time()
        self.exchange = Exchange(POLYMARKET_RULES, seed=7, epoch=epoch)
        self.face = PolymarketFace(
            self.exchange,
            now_ms=lambda: self.now_ms,
            wall_s=lambda: self.wall_s,
            server_secret=b"a secret of this test",
            faults=faults,
        )
        self.exchange.open_account(MAKER, 0, is_house=True)
        self.clob_url = self.ws_url = self.gamma_url = self.data_url = ""
        self._wallets = 0

    def list_game(self, league: str = "nba", *, version: str = "v1") -> EventListing:
        away = TeamListing(id=1, name="Hawks", abbreviation="ATL", ordering="away", full_name="Atlanta Hawks")
        home = TeamListing(id=2, name="Wizards", abbreviation="WAS", ordering="home", full_name="Washington Wizards")
        event = game_event(league=league, away=away, home=home, start_ms=START_MS, listed_ms=BEGIN_MS, version=version)
        self.face.list_event(event, self.now_ms)
        return event

    def quote(self, market: MarketListing, bids: dict[str, int], asks: dict[str, int]) -> None:
        """Make the house's quotes exactly these: price of YES → contracts."""
        self.exchange.replace_quotes(MAKER, market.condition_id, _levels(bids), _levels(asks), self.now_ms)

    def returning(self, trader: Trader) -> Trader:
        """The same wallet at this venue, after a restart brought its account back."""
        again = Trader(self, trader.private_key, trader.wallet, self.face.register_wallet(trader.wallet))
        again.salt = trader.salt
        return again

    def new_trader(self, usd: int = 1_000, signature_type: int = 0) -> Trader:
        self._wallets += 1
        private_key = derived_private_key(b"seed", self._wallets)
        wallet = wallet_from_key(private_key, signature_type)
        self.exchange.open_account(wallet.account_id, usd * MICRO, now_ms=self.now_ms)
        return Trader(self, private_key, wallet, self.face.register_wallet(wallet))

    def move(self, milliseconds: int) -> None:
        self.now_ms += milliseconds
        self.exchange.advance(self.now_ms)
        self.face.advance(self.now_ms)


class Trader:
    """Signs and sends like any client of the venue; shares no code with the simulator's checks."""

    def __init__(self, stand: Stand, private_key: str, wallet: Wallet, credentials: Credentials) -> None:
        self.stand = stand
        self.private_key = private_key
        self.wallet = wallet
        self.credentials = credentials
        self.salt = 1_000

    def order(
        self, market: MarketListing, side: str, price: str, size: str, *, index: int = 0, **changes: Any
    ) -> dict[str, Any]:
        """A signed order; `index` 1 is the second token. `changes` are made before the signature."""
        usd, shares = int(Decimal(price) * Decimal(size) * MICRO), int(Decimal(size) * MICRO)
        self.salt += 1
        is_contract = self.wallet.signature_type == 3
        order = {
            "salt": self.salt,
            "maker": self.wallet.funder,
            "signer": self.wallet.funder if is_contract else self.wallet.address,
            "tokenId": market.asset_ids[index],
            "makerAmount": str(usd if side == "BUY" else shares),
            "takerAmount": str(shares if side == "BUY" else usd),
            "side": side,
            "signatureType": self.wallet.signature_type,
            "timestamp": str(self.stand.now_ms),
            "metadata": ZERO32,
            "builder": ZERO32,
            "expiration": "0",
        } | changes
        return order | {"signature": self._sign(order, EXCHANGES[market.version, market.is_neg_risk])}

    def body(self, order: dict[str, Any], order_type: str = "GTC", **changes: Any) -> dict[str, Any]:
        return {
            "deferExec": False,
            "order": order,
            "owner": self.credentials.api_key,
            "orderType": order_type,
        } | changes

    def headers(self, method: str, path: str, body: str = "") -> dict[str, str]:
        timestamp = str(int(self.stand.wall_s))
        secret = base64.urlsafe_b64decode(self.credentials.secret)
        digest = hmac.new(secret, (timestamp + method + path + body).encode(), hashlib.sha256).digest()
        return {
            "POLY_ADDRESS": self.wallet.address,
            "POLY_API_KEY": self.credentials.api_key,
            "POLY_PASSPHRASE": self.credentials.passphrase,
            "POLY_TIMESTAMP": timestamp,
            "POLY_SIGNATURE": base64.urlsafe_b64encode(digest).decode(),
        }

    async def call(self, method: str, path: str, payload: Any = None, **params: str) -> httpx.Response:
        body = "" if payload is None else json.dumps(payload, separators=(",", ":"))
        async with httpx.AsyncClient(base_url=self.stand.clob_url) as client:
            return await client.request(
                method, path, params=params, content=body, headers=self.headers(method, path, body)
            )

    async def place(self, order: dict[str, Any], order_type: str = "GTC", **changes: Any) -> httpx.Response:
        return await self.call("POST", "/order", self.body(order, order_type, **changes))

    async def bought(self, market: MarketListing, price: str, size: str) -> None:
        """Hold `size` of YES: somebody sells them to us, and the trade is mined."""
        self.stand.quote(market, {}, {price: int(size)})
        placed = await self.place(self.order(market, "BUY", price, size))
        assert placed.json()["status"] in ("matched", "delayed"), placed.text
        self.stand.move(5_000)

    def _sign(self, order: dict[str, Any], exchange: tuple[str, str]) -> str:
        version, contract = exchange
        domain = {
            "name": "Polymarket CTF Exchange",
            "version": version,
            "chainId": 137,
            "verifyingContract": contract,
        }
        numbers = {each["name"] for each in ORDER_TYPE if each["type"] in ("uint256", "uint8")} - {"side"}
        contents = {name: int(order[name]) if name in numbers else order[name] for name in _names()}
        contents["side"] = 0 if order["side"] == "BUY" else 1
        if self.wallet.signature_type == 3:
            return self._envelope(domain, contents)
        typed = {
            "types": {"EIP712Domain": DOMAIN_TYPE, "Order": ORDER_TYPE},
            "primaryType": "Order",
            "domain": domain,
            "message": contents,
        }
        signed = Account.sign_message(encode_typed_data(full_message=typed), self.private_key)
        return "0x" + signed.signature.hex()

    def _envelope(self, domain: dict[str, Any], contents: dict[str, Any]) -> str:
        wallet_fields = [
            {"name": "contents", "type": "Order"},
            *DOMAIN_TYPE,
            {"name": "salt", "type": "bytes32"},
        ]
        wallet = {
            "contents": contents,
            "name": "DepositWallet",
            "version": "1",
            "chainId": 137,
            "verifyingContract": self.wallet.funder,
            "salt": ZERO32,
        }
        types = {"EIP712Domain": DOMAIN_TYPE, "Order": ORDER_TYPE, "TypedDataSign": wallet_fields}
        outer = {"types": types, "primaryType": "TypedDataSign", "domain": domain, "message": wallet}
        inner = {
            "types": {"EIP712Domain": DOMAIN_TYPE, "Order": ORDER_TYPE},
            "primaryType": "Order",
            "domain": domain,
            "message": contents,
        }
        signature = Account.sign_message(encode_typed_data(full_message=outer), self.private_key).signature
        parts = encode_typed_data(full_message=inner)
        text = ORDER_TEXT.encode()
        return "0x" + (bytes(signature) + parts.header + parts.body + text + len(text).to_bytes(2, "big")).hex()


@asynccontextmanager
async def standing(stand: Stand) -> AsyncIterator[Stand]:
    """Serve the stand on free loopback ports."""
    servers = [AppServer(app) for app in (stand.face.clob_app, stand.face.gamma_app, stand.face.data_app)]
    await asyncio.gather(*(server.start() for server in servers))
    clob, gamma, data = (server.port for server in servers)
    stand.clob_url, stand.ws_url = f"http://127.0.0.1:{clob}", f"ws://127.0.0.1:{clob}"
    stand.gamma_url, stand.data_url = f"http://127.0.0.1:{gamma}", f"http://127.0.0.1:{data}"
    try:
        yield stand
    finally:
        await asyncio.gather(*(server.stop() for server in servers))


def _names() -> list[str]:
    return [each["name"] for each in ORDER_TYPE]


def _levels(levels: dict[str, int]) -> list[tuple[int, int]]:
    return [(int(Decimal(price) * MICRO), qty * MICRO) for price, qty in levels.items()]
