"""The door every CLOB request passes: faults, refusals as the venue writes them, L2 authentication, signer limits.

A handler behind the gate returns a payload or raises; what becomes bytes, and with which status, is decided here once.
Limits run on real time: they protect a server, not a world. Source: polymarket/FACTS §2.1, §2.11, §7.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from venues.simulator.asgi import Reply, Request, json_reply
from venues.simulator.exchange_types import ExchangeReject
from venues.simulator.fault_wire import disturbed
from venues.simulator.faults import Call, FaultPlan
from venues.simulator.polymarket_errors import ClobError, refusal_of
from venues.simulator.polymarket_modes import EngineModes
from venues.simulator.polymarket_wallets import ApiKey, AuthError, Keyring

VENUE = "polymarket"

PublicHandler = Callable[[Request], Any]
PrivateHandler = Callable[[ApiKey, Request], Any]
Handler = Callable[[Request], Awaitable[Reply]]


class Tier(msgspec.Struct, frozen=True):
    """Requests per second and burst, for orders and for cancels."""

    name: str
    order_rate: int
    order_burst: int
    cancel_rate: int
    cancel_burst: int


STANDARD = Tier("Standard", 40, 60, 80, 120)


class SignerLimits:
    """Token buckets per signer: one token per order of a batch and per id to cancel."""

    def __init__(self, wall_s: Callable[[], float], tier: Tier = STANDARD) -> None:
        self.tier = tier
        self._wall_s = wall_s
        self._levels: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, signer: str, kind: str, cost: int) -> dict[str, str]:
        """The headers of an admitted request; `kind` is "order" or "cancel". Raises ClobError 429."""
        tier = self.tier
        orders = (tier.order_rate, tier.order_burst)
        rate, burst = orders if kind == "order" else (tier.cancel_rate, tier.cancel_burst)
        level = self._level(signer, kind, rate, burst) - cost
        if level < 0:
            wait_s = max(1, round(-level / rate))
            raise ClobError(429, "Too Many Requests", headers={**self._headers(0, wait_s), "Retry-After": str(wait_s)})
        self._levels[signer, kind] = (level, self._wall_s())
        return self._headers(int(level), 1)

    def _level(self, signer: str, kind: str, rate: int, burst: int) -> float:
        level, at_s = self._levels.get((signer, kind), (float(burst), self._wall_s()))
        return min(float(burst), level + (self._wall_s() - at_s) * rate)

    def _headers(self, remaining: int, reset_s: int) -> dict[str, str]:
        return {
            "Poly-RateLimit-Remaining": str(remaining),
            "Poly-RateLimit-Reset": str(reset_s),
            "Poly-RateLimit-Tier": self.tier.name,
        }


def _one(key: ApiKey, body: bytes) -> int:
    return 1


class Gate:
    def __init__(self, *, keyring: Keyring, faults: FaultPlan, limits: SignerLimits, modes: EngineModes) -> None:
        self._keyring = keyring
        self._faults = faults
        self._limits = limits
        self._modes = modes

    def public(self, op: str, handler: PublicHandler) -> Handler:
        async def answer(request: Request) -> Reply:
            return await self._run(Call(VENUE, op, "", request.path), lambda: (handler(request), {}))

        return answer

    def private(
        self, op: str, handler: PrivateHandler, *, kind: str = "", cost: Callable[[ApiKey, bytes], int] = _one
    ) -> Handler:
        """`kind` "order" or "cancel": the request takes `cost(key, body)` tokens of the signer's bucket first."""

        async def answer(request: Request) -> Reply:
            try:
                key = self.key_of(request)
            except AuthError as refusal:
                return json_reply({"error": str(refusal)}, 401)

            def work() -> tuple[Any, Mapping[str, str]]:
                self._modes.check(op, request.body)
                address = key.wallet.address.lower()
                headers = self._limits.take(address, kind, cost(key, request.body)) if kind else {}
                return handler(key, request), headers

            return await self._run(Call(VENUE, op, key.wallet.account_id, request.path), work)

        return answer

    def key_of(self, request: Request) -> ApiKey:
        """Who signed this very request. Raises AuthError."""
        return self._keyring.authenticate(request.headers, method=request.method, path=request.path, body=request.body)

    async def _run(self, call: Call, work: Callable[[], tuple[Any, Mapping[str, str]]]) -> Reply:
        return await disturbed(self._faults, call, lambda: _answered(work))


def _answered(work: Callable[[], tuple[Any, Mapping[str, str]]]) -> Reply:
    try:
        payload, headers = work()
    except ExchangeReject as reject:
        return _refused(refusal_of(reject.code))
    except ClobError as refusal:
        return _refused(refusal)
    except AuthError as refusal:
        return json_reply({"error": str(refusal)}, 401)
    return Reply(body=msgspec.json.encode(payload), headers=headers)


def _refused(refusal: ClobError) -> Reply:
    return Reply(status=refusal.status, body=msgspec.json.encode(refusal.body), headers=refusal.headers)
