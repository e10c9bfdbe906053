"""The CLOB application: which path leads where. Public reads, L1 sign-in, L2 account calls, the two channels.

Source: polymarket/FACTS §2.1, §2.2, §2.6, §2.8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from venues.simulator.asgi import Request, Router
from venues.simulator.polymarket_account import AccountDesk, cancel_ids
from venues.simulator.polymarket_errors import BAD_PAYLOAD, ClobError
from venues.simulator.polymarket_gate import Gate, SignerLimits
from venues.simulator.polymarket_heartbeat import Heartbeats
from venues.simulator.polymarket_orders import OrderEntry
from venues.simulator.polymarket_public import PublicDesk
from venues.simulator.polymarket_sockets import ChannelEndpoints
from venues.simulator.polymarket_wallets import ApiKey, Credentials, Keyring


class HeartbeatBody(msgspec.Struct, frozen=True):
    heartbeat_id: str = ""


class SignInDesk:
    """Creates and derives API keys for whoever signs a ClobAuth."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def create(self, request: Request) -> dict[str, str]:
        made = self._keyring.create(*self._keyring.sign_in(request.headers))
        return _credentials(made, "Could not create api key")

    def derive(self, request: Request) -> dict[str, str]:
        held = self._keyring.derive(*self._keyring.sign_in(request.headers))
        return _credentials(held, "Could not derive api key!")

    def deployed(self, request: Request) -> dict[str, bool]:
        """The relayer's answer to the SDK, which asks for the wallet contract before it signs in."""
        return {"deployed": self._keyring.is_deployed(request.one("address"))}

    def list_keys(self, key: ApiKey, request: Request) -> dict[str, list[str]]:
        return {"apiKeys": self._keyring.keys_of(key.wallet)}

    def delete(self, key: ApiKey, request: Request) -> str:
        self._keyring.revoke(key)
        return "OK"


class ClobParts(msgspec.Struct, frozen=True, kw_only=True):
    gate: Gate
    sign_in: SignInDesk
    public: PublicDesk
    entry: OrderEntry
    account: AccountDesk
    heartbeats: Heartbeats
    limits: SignerLimits
    channels: ChannelEndpoints
    wall_s: Callable[[], float]


def clob_app(parts: ClobParts) -> Router:
    """One application for REST and channels."""
    router = Router()
    _add_public(router, parts)
    _add_sign_in(router, parts)
    _add_orders(router, parts)
    _add_account(router, parts)
    router.websocket("/ws/market", parts.channels.market)
    router.websocket("/ws/user", parts.channels.user)
    return router


def _add_public(router: Router, parts: ClobParts) -> None:
    desk, gate = parts.public, parts.gate
    reads: Mapping[str, Callable[[Request], Any]] = {
        "/": lambda request: "OK",
        "/ok": lambda request: "OK",
        "/time": lambda request: int(parts.wall_s()),
        "/version": lambda request: {"version": 2},
        "/book": desk.book,
        "/price": desk.price,
        "/midpoint": desk.midpoint,
        "/spread": desk.spread,
        "/last-trade-price": desk.last_trade_price,
        "/tick-size": desk.tick_size,
        "/neg-risk": desk.neg_risk,
        "/fee-rate": desk.fee_rate,
        "/prices-history": desk.prices_history,
        "/markets": desk.all_long,
        "/sampling-markets": desk.all_long,
        "/simplified-markets": desk.all_simplified,
        "/sampling-simplified-markets": desk.all_simplified,
        "/markets/{condition_id}": desk.long,
        "/clob-markets/{condition_id}": desk.compact,
        "/markets-by-token/{token_id}": desk.by_token,
        "/rebates/current": lambda request: [],
        "/fees/builder-fees/{code}": lambda request: {"builder_maker_fee_rate_bps": 0, "builder_taker_fee_rate_bps": 0},
    }
    batches: Mapping[str, Callable[[Request], Any]] = {
        "/books": desk.books,
        "/prices": desk.prices,
        "/midpoints": desk.midpoints,
        "/spreads": desk.spreads,
        "/last-trades-prices": desk.last_trades_prices,
    }
    for path, handler in reads.items():
        router.get(path, gate.public(path, handler))
    for path, handler in batches.items():
        router.route("POST", path, gate.public(path, handler))


def _add_sign_in(router: Router, parts: ClobParts) -> None:
    desk, gate = parts.sign_in, parts.gate
    router.route("POST", "/auth/api-key", gate.public("create_key", desk.create))
    router.get("/auth/derive-api-key", gate.public("derive_key", desk.derive))
    router.get("/auth/api-keys", gate.private("list_keys", desk.list_keys))
    router.route("DELETE", "/auth/api-key", gate.private("delete_key", desk.delete))
    router.get("/deployed", gate.public("deployed", desk.deployed))
    router.get("/auth/ban-status/closed-only", gate.private("closed_only", lambda key, request: {"closed_only": False}))


def _add_orders(router: Router, parts: ClobParts) -> None:
    entry, desk, gate = parts.entry, parts.account, parts.gate

    def place(key: ApiKey, request: Request) -> dict[str, Any]:
        return entry.place(key, request.body)

    def place_many(key: ApiKey, request: Request) -> list[dict[str, Any]]:
        return entry.place_many(key, request.body)

    def placed(key: ApiKey, body: bytes) -> int:
        return entry.count(body)

    def canceled(key: ApiKey, body: bytes) -> int:
        return len(cancel_ids(body))

    def canceled_all(key: ApiKey, body: bytes) -> int:
        return 1 + desk.open_count(key)

    router.route("POST", "/order", gate.private("create", place, kind="order"))
    router.route("POST", "/orders", gate.private("create_batch", place_many, kind="order", cost=placed))
    router.route("DELETE", "/order", gate.private("cancel", desk.cancel, kind="cancel"))
    router.route("DELETE", "/orders", gate.private("cancel_batch", desk.cancel_many, kind="cancel", cost=canceled))
    router.route("DELETE", "/cancel-all", gate.private("cancel_all", desk.cancel_all, kind="cancel", cost=canceled_all))
    router.route("DELETE", "/cancel-market-orders", gate.private("cancel_market", desk.cancel_market, kind="cancel"))


def _add_account(router: Router, parts: ClobParts) -> None:
    desk, gate = parts.account, parts.gate
    reads: Mapping[str, Callable[[ApiKey, Request], Any]] = {
        "/data/order/{id}": desk.order,
        "/data/orders": desk.orders,
        "/data/trades": desk.trades,
        "/balance-allowance": desk.balance,
        "/balance-allowance/update": desk.balance,
        "/order-scoring": lambda key, request: {"scoring": False},
        "/notifications": lambda key, request: [],
        "/v1/user/rate-limit-tier": lambda key, request: _tier(parts.limits),
    }
    for path, handler in reads.items():
        router.get(path, gate.private(path.strip("/").partition("/{")[0], handler))
    router.route("DELETE", "/notifications", gate.private("notifications", lambda key, request: "OK"))

    def beat(key: ApiKey, request: Request) -> dict[str, str]:
        try:
            body = msgspec.json.decode(request.body, type=HeartbeatBody)
        except msgspec.DecodeError as problem:
            raise ClobError(400, BAD_PAYLOAD) from problem
        return parts.heartbeats.beat(key, body.heartbeat_id)

    router.route("POST", "/v1/heartbeats", gate.private("heartbeat", beat))


def _credentials(made: Credentials | None, refusal: str) -> dict[str, str]:
    if made is None:
        raise ClobError(400, refusal)
    return {"apiKey": made.api_key, "secret": made.secret, "passphrase": made.passphrase}


def _tier(limits: SignerLimits) -> dict[str, Any]:
    tier = limits.tier
    return {
        "tier": tier.name,
        "orders": {"rate": tier.order_rate, "burst": tier.order_burst},
        "cancels": {"rate": tier.cancel_rate, "burst": tier.cancel_burst},
    }
