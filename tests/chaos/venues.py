"""Both simulated venues as objects, with one game, and an account at each."""

from __future__ import annotations

from functools import cache

from venues.simulator.asgi import Router
from venues.simulator.config import SimulatorConfig
from venues.simulator.control_accounts import GAME_SHARDS, AccountDesk, AccountWish
from venues.simulator.exchange import Exchange
from venues.simulator.kalshi_auth import KeyRecord, KeyType, new_key
from venues.simulator.world_assembly import Assembly
from venues.types import MICRO, Venue

SEED = 7
START_MS = 1_795_219_920_000
"""Half a minute before the game of this seed begins."""
CASH_U = 10_000 * MICRO
KALSHI_ACCOUNT = "6d0c1b5a-0000-4000-8000-000000000001"


@cache
def kalshi_key() -> tuple[KeyRecord, str]:
    """One key for all runs of this process: to make one costs more than a run may."""
    return new_key(KALSHI_ACCOUNT, KeyType.ED25519)


class Venues:
    """The world's time is moved by `advance`."""

    def __init__(self) -> None:
        self.assembly = Assembly(SimulatorConfig(seed=SEED, games=1, flow_rate=0.05, polymarket_settle_ms=1_000))
        self.secrets = {Venue.KALSHI: self._open_kalshi(), Venue.POLYMARKET: self._open_polymarket()}

    @property
    def apps(self) -> dict[int, Router]:
        face = self.assembly.polymarket_face
        return {0: self.assembly.kalshi_face.app, 1: face.clob_app, 2: face.gamma_app, 3: face.data_app}

    def exchange(self, venue: Venue) -> Exchange:
        return self.assembly.builder.exchanges[venue]

    def account_id(self, venue: Venue) -> str:
        return self.secrets[venue]["account_id"]

    def advance(self, to_ms: int) -> None:
        self.assembly.world.advance(to_ms)

    def _open_kalshi(self) -> dict[str, str]:
        record, private_key = kalshi_key()
        exchange, now_ms = self.exchange(Venue.KALSHI), self.assembly.now_ms()
        exchange.open_account(KALSHI_ACCOUNT, CASH_U // 2, shard=GAME_SHARDS[0], now_ms=now_ms)
        exchange.deposit(KALSHI_ACCOUNT, CASH_U // 2, shard=GAME_SHARDS[1], now_ms=now_ms)
        self.assembly.kalshi_face.keys.add(record)
        return {"account_id": KALSHI_ACCOUNT, "key_id": record.key_id, "private_key": private_key}

    def _open_polymarket(self) -> dict[str, str]:
        parts = self.assembly
        desk = AccountDesk(
            kalshi=parts.kalshi_face,
            polymarket=parts.polymarket_face,
            polymarket_exchange=parts.polymarket,
            store=None,
            seed=SEED,
        )
        opened = desk.open(AccountWish(venue=Venue.POLYMARKET, balance_usd=str(CASH_U // MICRO)), parts.now_ms())
        return {name: str(value) for name, value in opened.items()}
