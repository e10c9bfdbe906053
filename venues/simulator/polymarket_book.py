"""A Polymarket order book as the wire shows it: worst level first, trimmed decimals, and the hash that proves it.

One book per condition; the book of outcomes[1] is its exact mirror (price → 1 − price, bids ↔ asks). Invariant: a
client that recomputes the SHA-1 over the compact JSON with an empty hash gets the hash that was sent.
Source: polymarket/FACTS §2.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from venues.simulator.polymarket_numbers import decimal_text
from venues.types import MICRO, Outcome

Levels = Iterable[tuple[int, int]]
"""`(yes_price_u, qty_u)` in any order."""


class WireLevel(msgspec.Struct, frozen=True, gc=False):
    price: str
    size: str


class WireBook(msgspec.Struct, frozen=True, kw_only=True):
    """GET /book. The order of the fields is the order of the hash."""

    market: str
    asset_id: str
    timestamp: str
    hash: str = ""
    bids: list[WireLevel]
    asks: list[WireLevel]
    min_order_size: str
    tick_size: str
    neg_risk: bool
    last_trade_price: str

    @property
    def best_bid(self) -> str:
        return self.bids[-1].price if self.bids else "0"

    @property
    def best_ask(self) -> str:
        return self.asks[-1].price if self.asks else "1"


def with_hash(book: WireBook) -> WireBook:
    """The same book with its SHA-1 filled in."""
    blank = msgspec.structs.replace(book, hash="")
    return msgspec.structs.replace(book, hash=hashlib.sha1(msgspec.json.encode(blank)).hexdigest())


def wire_sides(bids: Levels, asks: Levels, outcome: Outcome) -> tuple[list[WireLevel], list[WireLevel]]:
    """The sides of one token's book, best level last, from the YES-frame book."""
    if outcome is Outcome.NO:
        bids, asks = _mirrored(asks), _mirrored(bids)
    return _wire_levels(sorted(bids)), _wire_levels(sorted(asks, reverse=True))


def _mirrored(levels: Levels) -> Levels:
    return [(MICRO - price_u, qty_u) for price_u, qty_u in levels]


def _wire_levels(levels: Levels) -> list[WireLevel]:
    return [WireLevel(decimal_text(price_u), decimal_text(qty_u)) for price_u, qty_u in levels]
