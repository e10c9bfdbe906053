"""Modes at the control port: what a venue takes at the moment, and how it behaves where its habits may change.

    POST /modes {"venue": "kalshi", "mode": "trading_pause"}
    POST /modes {"venue": "polymarket", "mode": "restart", "restart_s": 90, "post_only_s": 120}
    POST /modes {"venue": "polymarket", "fates": ["failed", "retrying"], "taker_delay_ms": 1000}
    POST /modes {"venue": "polymarket", "allowance_u": 0}
    POST /modes {"venue": "polymarket", "shaved_u": 5000}
    POST /modes {"venue": "kalshi", "stale_read_ms": 360, "client_ids": "open_only", "tier": "basic"}
    GET /modes

Modes: Kalshi trading_pause and cancel_only (no new orders, cancels pass), exchange_pause (nothing, and all sessions
end); Polymarket restart (425, then post-only), post_only, cancel_only and disabled (503); both normal. `allowance_u`:
µUSD that the exchange contracts may take from every wallet; 2**256 - 1, the default, is without limit. `shaved_u`:
millionths of a contract that a match which fills an order whole leaves of it, as dust.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from venues.simulator.asgi import Reply, Request, Router, json_reply
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_finality import TradeFate
from venues.simulator.exchange_rules import ClientIdRule
from venues.simulator.kalshi_limits import ADVANCED, BASIC
from venues.simulator.polymarket_approvals import UNLIMITED_U
from venues.simulator.polymarket_gate import STANDARD
from venues.simulator.polymarket_gate import Tier as SignerTier
from venues.simulator.polymarket_modes import POST_ONLY_S, RESTART_S
from venues.simulator.world_assembly import Assembly
from venues.types import MICRO, Venue

_UNLIMITED = SignerTier("Unlimited", 1_000_000, 1_000_000, 1_000_000, 1_000_000)
_TIERS = {"basic": BASIC, "advanced": ADVANCED, "none": None}
_SIGNER_TIERS = {"standard": STANDARD, "tiny": SignerTier("Tiny", 1, 1, 1, 2), "none": _UNLIMITED}
_PAUSED = ("trading_pause", "cancel_only")
_STOPPED = ("exchange_pause", "disabled")
MODES = {
    Venue.KALSHI: ("normal", "trading_pause", "cancel_only", "exchange_pause"),
    Venue.POLYMARKET: ("normal", "restart", "post_only", "cancel_only", "disabled"),
}


class ModeWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /modes`: a venue and any of these. Times ending in _s are real, those in _ms virtual."""

    venue: Venue
    mode: str | None = None
    restart_s: float = RESTART_S
    post_only_s: float = POST_ONLY_S
    stale_read_ms: int | None = None
    client_ids: Literal["forever", "open_only"] | None = None
    taker_delay_ms: int | None = None
    allowance_u: int | None = None
    shaved_u: int | None = None
    tier: str | None = None
    fates: tuple[TradeFate, ...] = ()


class BadMode(ValueError):
    """A wish for what this venue does not have."""


class ModeDesk:
    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._names = dict.fromkeys(Venue, "normal")

    def add_routes(self, router: Router) -> None:
        router.route("POST", "/modes", self.change)
        router.get("/modes", lambda _: json_reply(self._view()))

    def change(self, request: Request) -> Reply:
        try:
            wish = msgspec.json.decode(request.body, type=ModeWish)
            _check(wish)
        except (msgspec.MsgspecError, BadMode) as problem:
            return json_reply({"error": str(problem)}, 400)
        self._change_habits(wish)
        if wish.mode is not None:
            self.enter(wish)
        return json_reply(self._view())

    def enter(self, wish: ModeWish) -> None:
        """From now on the venue is in this mode (none named: normal)."""
        venue, mode = wish.venue, wish.mode or "normal"
        self._names[venue] = mode
        exchange, engine = self._exchange(venue), self._assembly.polymarket_face.modes
        exchange.switch_trading(
            is_exchange_active=mode not in _STOPPED,
            is_trading_active=mode not in (*_PAUSED, *_STOPPED),
            now_ms=self._assembly.now_ms(),
        )
        if venue is Venue.POLYMARKET:
            engine.end()
            if mode in ("restart", "post_only"):
                restart_s = wish.restart_s if mode == "restart" else 0.0
                engine.restart(restart_s=restart_s, post_only_s=wish.post_only_s)
        elif mode == "exchange_pause":
            for socket in list(self._assembly.kalshi_face.app.sockets):
                socket.cut()

    def _change_habits(self, wish: ModeWish) -> None:
        exchange, core = self._exchange(wish.venue), self._assembly.kalshi_face.core
        rules = exchange.rules
        if wish.client_ids is not None:
            rules = msgspec.structs.replace(rules, client_ids=ClientIdRule(wish.client_ids))
        if wish.taker_delay_ms is not None:
            rules = msgspec.structs.replace(rules, taker_delay_ms=wish.taker_delay_ms)
        if wish.shaved_u is not None:
            rules = msgspec.structs.replace(rules, shaved_u=wish.shaved_u)
        exchange.change_rules(rules)
        exchange.decide_fates(wish.fates)
        if wish.stale_read_ms is not None:
            core.reads.stale_ms = wish.stale_read_ms
        if wish.tier is not None and wish.venue is Venue.KALSHI:
            core.limits.tier = _TIERS[wish.tier]
        elif wish.tier is not None:
            self._assembly.polymarket_face.limits.tier = _SIGNER_TIERS[wish.tier]
        if wish.allowance_u is not None:
            self._assembly.polymarket_face.approvals.limit_u = wish.allowance_u

    def _view(self) -> dict[str, Any]:
        kalshi, polymarket = self._exchange(Venue.KALSHI), self._exchange(Venue.POLYMARKET)
        core, face = self._assembly.kalshi_face.core, self._assembly.polymarket_face
        engine = face.modes.name
        mode = self._names[Venue.POLYMARKET]
        return {
            "kalshi": {
                "mode": self._names[Venue.KALSHI],
                "stale_read_ms": core.reads.stale_ms,
                "client_ids": kalshi.rules.client_ids.value,
                "tier": core.limits.tier.name if core.limits.tier else None,
            },
            "polymarket": {
                "mode": engine if mode in ("restart", "post_only") else mode,
                "taker_delay_ms": polymarket.rules.taker_delay_ms,
                "tier": face.limits.tier.name,
                "allowance_u": face.approvals.limit_u,
                "shaved_u": polymarket.rules.shaved_u,
                "fates": polymarket.awaited_fates(),
            },
        }

    def _exchange(self, venue: Venue) -> Exchange:
        return self._assembly.builder.exchanges[venue]


def _check(wish: ModeWish) -> None:
    """Raises BadMode for what this venue does not know."""
    is_kalshi = wish.venue is Venue.KALSHI
    if wish.mode is not None and wish.mode not in MODES[wish.venue]:
        raise BadMode(f"{wish.venue} has no mode {wish.mode!r}: one of {', '.join(MODES[wish.venue])}")
    tiers = _TIERS if is_kalshi else _SIGNER_TIERS
    if wish.tier is not None and wish.tier not in tiers:
        raise BadMode(f"{wish.venue} has no tier {wish.tier!r}: one of {', '.join(tiers)}")
    if not is_kalshi and (wish.stale_read_ms is not None or wish.client_ids is not None):
        raise BadMode("stale_read_ms and client_ids are habits of kalshi")
    chain_habits = (wish.taker_delay_ms, wish.allowance_u, wish.shaved_u)
    if is_kalshi and (wish.fates or any(each is not None for each in chain_habits)):
        raise BadMode("fates, taker_delay_ms, allowance_u and shaved_u are habits of polymarket")
    if min(wish.restart_s, wish.post_only_s, wish.stale_read_ms or 0, wish.taker_delay_ms or 0) < 0:
        raise BadMode("times are 0 or more")
    if not 0 <= (wish.shaved_u or 0) < MICRO:
        raise BadMode("shaved_u is less than a contract: 0 to 999999")
    if not 0 <= (wish.allowance_u or 0) <= UNLIMITED_U:
        raise BadMode("allowance_u is between 0 and 2**256 - 1")
