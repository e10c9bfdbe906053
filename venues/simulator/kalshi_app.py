"""The Kalshi face: an exchange behind the wire of the real one.

    face = KalshiFace(exchange, catalog, clock_ms=clock.now_ms)
    server = AppServer(face.app, port)        # REST under /trade-api/v2, socket at /trade-api/ws/v2

The virtual clock stamps everything that happens in the world; only signatures and token buckets look at the real one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import NAMESPACE_URL, uuid5

import msgspec

from venues.simulator.asgi import Reply, Router
from venues.simulator.exchange import Exchange
from venues.simulator.faults import FaultPlan, NoFaults
from venues.simulator.kalshi_auth import KeyRecord, KeyRing, KeyType, new_key
from venues.simulator.kalshi_catalog import KalshiCatalog
from venues.simulator.kalshi_core import WS_PATH, KalshiCore, KalshiSettings
from venues.simulator.kalshi_feed import Feed
from venues.simulator.kalshi_groups import GroupEndpoints
from venues.simulator.kalshi_history import HistoryDesk
from venues.simulator.kalshi_orders import OrderEndpoints
from venues.simulator.kalshi_portfolio import PortfolioEndpoints
from venues.simulator.kalshi_public import PublicDesk
from venues.simulator.kalshi_transfers import TransferEndpoints
from venues.simulator.kalshi_ws import KalshiWebSocket


class OpenedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner of a new account is told, once. `private_key` is PKCS#8 PEM."""

    account_id: str
    record: KeyRecord
    private_key: str


class KalshiFace:
    """Make it after restored accounts and keys are in place: it reads what is there and follows from then on."""

    def __init__(
        self,
        exchange: Exchange,
        catalog: KalshiCatalog,
        *,
        clock_ms: Callable[[], int],
        keys: KeyRing | None = None,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        settings: KalshiSettings | None = None,
        faults: FaultPlan | None = None,
    ) -> None:
        self.keys = keys or KeyRing()
        self.core = KalshiCore(
            exchange,
            catalog,
            self.keys,
            clock_ms=clock_ms,
            wall_ms=wall_ms,
            settings=settings or KalshiSettings(),
            faults=faults or NoFaults(),
        )
        self.app = Router(not_found=Reply(status=404, body=b"404 page not found", content_type="text/plain"))
        for desk in (PublicDesk, HistoryDesk, OrderEndpoints, GroupEndpoints, PortfolioEndpoints, TransferEndpoints):
            desk(self.core).add_routes(self.app)
        self.app.websocket(WS_PATH, KalshiWebSocket(self.core, Feed(self.core)))

    def open_account(
        self, *, key_type: KeyType, balance_u: int, shards: Sequence[int] = (0,), now_ms: int, name_seed: bytes = b""
    ) -> OpenedAccount:
        """A funded account with a fresh key, whose id follows from `name_seed` and the account's number. The balance
        is split evenly over `shards`: orders are backed by the cash of their market's shard only, and a real deposit
        arrives on shard 0."""
        number = len(self.core.exchange.account_ids()) + 1
        account_id = str(uuid5(NAMESPACE_URL, f"courtside:kalshi:account:{number}"))
        part_u = balance_u // len(shards)
        self.core.exchange.open_account(
            account_id, balance_u - part_u * (len(shards) - 1), shard=shards[0], now_ms=now_ms
        )
        for shard in shards[1:]:
            self.core.exchange.deposit(account_id, part_u, shard=shard, now_ms=now_ms)
        record, private_key = new_key(account_id, key_type, name_seed=name_seed)
        self.keys.add(record)
        return OpenedAccount(account_id=account_id, record=record, private_key=private_key)
