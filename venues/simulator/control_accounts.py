"""Opening accounts at the control port: what a person would do on a venue's web page.

A Kalshi account gets its money on the two shards that carry games, half each (orders are backed by their shard's cash
only). Names are derived: from the seed alone without a state file, so that a replay repeats to the letter; with one,
from its identity too, so that an account of a lost state file is never taken for a new one.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

from venues.simulator.exchange import Exchange
from venues.simulator.kalshi_app import KalshiFace
from venues.simulator.kalshi_auth import KeyType
from venues.simulator.polymarket_face import PolymarketFace
from venues.simulator.polymarket_wallets import derived_private_key, wallet_from_key
from venues.simulator.store import Store
from venues.types import MICRO, Venue

GAME_SHARDS = (0, 3)
_LARGEST_USD = 1_000_000_000


class BadWish(Exception):
    """The request cannot be understood; the message says why."""


class AccountWish(msgspec.Struct, frozen=True):
    """Body of `POST /accounts`."""

    venue: Venue
    balance_usd: str = "10000.00"
    key_type: KeyType = KeyType.ED25519
    signature_type: Literal[0, 1, 2, 3] = 0


class AccountDesk:
    def __init__(
        self,
        *,
        kalshi: KalshiFace,
        polymarket: PolymarketFace,
        polymarket_exchange: Exchange,
        store: Store | None,
        seed: int,
    ) -> None:
        self._kalshi = kalshi
        self._polymarket = polymarket
        self._exchange = polymarket_exchange
        self._store = store
        identity = store.identity if store is not None else b""
        self._seed = hashlib.sha256(f"courtside wallets {seed}".encode() + identity).digest()

    def open(self, wish: AccountWish, now_ms: int) -> dict[str, str | int]:
        """A funded account and its secrets, told once. Raises BadWish."""
        balance_u = _micro(wish.balance_usd)
        made = self._open_kalshi(wish, balance_u, now_ms) if wish.venue is Venue.KALSHI else None
        made = made or self._open_polymarket(wish, balance_u, now_ms)
        return {"venue": wish.venue.value, **made, "balance_usd": f"{Decimal(balance_u) / MICRO:.2f}"}

    def _open_kalshi(self, wish: AccountWish, balance_u: int, now_ms: int) -> dict[str, str | int]:
        opened = self._kalshi.open_account(
            key_type=wish.key_type, balance_u=balance_u, shards=GAME_SHARDS, now_ms=now_ms, name_seed=self._seed
        )
        record = opened.record
        if self._store is not None:
            self._store.save_key(Venue.KALSHI, record.key_id, record.account_id, msgspec.json.encode(record))
        return {
            "account_id": opened.account_id,
            "key_id": record.key_id,
            "key_type": record.key_type.value,
            "private_key": opened.private_key,
        }

    def _open_polymarket(self, wish: AccountWish, balance_u: int, now_ms: int) -> dict[str, str | int]:
        private_key = derived_private_key(self._seed, len(self._exchange.account_ids()) + 1)
        wallet = wallet_from_key(private_key, wish.signature_type)
        credentials = self._polymarket.register_wallet(wallet)
        self._exchange.open_account(wallet.account_id, balance_u, now_ms=now_ms)
        if self._store is not None:
            self._store.save_key(Venue.POLYMARKET, wallet.address, wallet.account_id, msgspec.json.encode(wallet))
        return {
            "account_id": wallet.account_id,
            "address": wallet.address,
            "private_key": private_key,
            "funder": wallet.funder,
            "signature_type": wallet.signature_type,
            "api_key": credentials.api_key,
            "secret": credentials.secret,
            "passphrase": credentials.passphrase,
        }


def _micro(text: str) -> int:
    """Dollars to µUSD, exactly. Raises BadWish."""
    try:
        usd = Decimal(text)
    except InvalidOperation:
        raise BadWish(f'balance_usd {text!r} is no amount of dollars, such as "10000.00"') from None
    if not usd.is_finite() or not 0 <= usd <= _LARGEST_USD or usd * MICRO != int(usd * MICRO):
        raise BadWish(f"balance_usd {text!r} must lie between 0 and {_LARGEST_USD}, with at most six decimals")
    return int(usd * MICRO)
