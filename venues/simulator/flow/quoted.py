"""Which side of which market of a game is quoted, and what a book around a fair price looks like.

Prices are millionths in whole cents; sizes are µcontracts. The size at a price is a fixed noise of that price and a
slowly changing generation, so that a quote that moves by a cent changes two or three levels, not all of them.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from venues.simulator.games.dice import stable_fraction
from venues.simulator.games.sheet import Odds
from venues.types import MICRO, Venue

Side = Literal["home", "away", "draw"]
Ladder = tuple[tuple[int, int], ...]

MAKER, TAKER = "house:maker", "house:taker"
TAIL_QTY_U = 1_000_000 * MICRO
LOWEST_C, HIGHEST_C = 2, 98


class Quoted(msgspec.Struct, frozen=True):
    """One market of a game: YES pays when `side` wins. `number` keeps the size noise of the markets apart."""

    venue: Venue
    native_id: str
    side: Side
    number: int

    def fair(self, odds: Odds) -> float:
        return odds.home if self.side == "home" else odds.away if self.side == "away" else odds.draw

    def sign(self) -> float:
        """Which way a push toward home moves this market's price."""
        return 1.0 if self.side == "home" else -1.0 if self.side == "away" else 0.0


class BookShape(msgspec.Struct, frozen=True):
    """Half the spread in cents, levels a side, typical contracts at a level."""

    half_spread_c: float
    levels: int
    size: int


def book_around(quoted: Quoted, price: float, shape: BookShape, generation: int) -> tuple[Ladder, Ladder]:
    """Bids and asks, best first, each with its tail of a million contracts at 1¢ and 99¢."""
    cents = min(99.5, max(0.5, price * 100.0))
    bid_c = min(HIGHEST_C, math.floor(cents - shape.half_spread_c + 1e-9))
    ask_c = max(LOWEST_C, math.ceil(cents + shape.half_spread_c - 1e-9), bid_c + 1)
    bids = [_level(quoted, cent, shape, generation) for cent in range(bid_c, max(1, bid_c - shape.levels), -1)]
    asks = [_level(quoted, cent, shape, generation) for cent in range(ask_c, min(99, ask_c + shape.levels))]
    return (*bids, (10_000, TAIL_QTY_U)), (*asks, (990_000, TAIL_QTY_U))


def _level(quoted: Quoted, cent: int, shape: BookShape, generation: int) -> tuple[int, int]:
    fraction = stable_fraction(quoted.number, cent, (generation + cent) // 7)
    return cent * 10_000, max(5, round(shape.size * (0.3 + 1.7 * fraction * fraction))) * MICRO
