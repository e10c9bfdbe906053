"""One order book per proposition, in the YES frame: a bid buys YES, an ask sells YES (buys NO at 1 − price).

Prices are µUSD, sizes µcontracts, both exact integers; any price 1 … 999_999 can be a level, so no grid is assumed.
Each side is one dict of price to size with its best price tracked: an update is a dict write and a comparison, and only
the loss of the best level searches for the next one. `best_*_u` is 0 where a side is empty.

Invariant: while `is_valid`, every size is positive and both bests are exact. A delta that would make a size negative,
a price off the range or a delta before any snapshot makes the book invalid: the update returns False, the book must
not be used, and only `apply_snapshot` makes it valid again. A crossed book is not invalid (Kalshi shows one for a
moment inside a burst of deltas) but nobody may trade on it: ask `is_crossed`.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest, nsmallest
from typing import NamedTuple

from venues.types import MICRO


class Sweep(NamedTuple):
    """What a taker would get: contracts, their cost (or proceeds) without fees, and the worst price touched."""

    filled_u: int
    cost_u: int
    worst_price_u: int


class Book:
    """A mutable book. Feed it snapshots, deltas (Kalshi) or level totals (Polymarket); read bests and depth."""

    __slots__ = ("_asks", "_bids", "best_ask_u", "best_bid_u", "is_valid")

    def __init__(self) -> None:
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self.best_bid_u = 0
        self.best_ask_u = 0
        self.is_valid = False

    def __repr__(self) -> str:
        return f"<Book {self.best_bid_u}/{self.best_ask_u} levels={len(self._bids)}+{len(self._asks)}>"

    def __eq__(self, other: object) -> bool:
        """Same validity and same levels."""
        if not isinstance(other, Book):
            return NotImplemented
        return (self.is_valid, self._bids, self._asks) == (other.is_valid, other._bids, other._asks)

    __hash__ = None  # type: ignore[assignment]  # mutable

    def clear(self) -> None:
        """Forget everything: invalid until the next snapshot."""
        self._bids.clear()
        self._asks.clear()
        self.best_bid_u = self.best_ask_u = 0
        self.is_valid = False

    def apply_snapshot(self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> bool:
        """Replace the book by `(price_u, qty_u)` levels in any order; zero sizes are skipped.

        False, and an invalid empty book, for a price off range, a negative size or a price listed twice.
        """
        self.clear()
        if not (_fill(self._bids, bids) and _fill(self._asks, asks)):
            self.clear()
            return False
        self.best_bid_u = max(self._bids, default=0)
        self.best_ask_u = min(self._asks, default=0)
        self.is_valid = True
        return True

    def apply_delta(self, is_bid: bool, price_u: int, delta_u: int) -> bool:
        """Add the signed `delta_u` to a level. False: the book is (or just became) invalid."""
        side = self._bids if is_bid else self._asks
        return self.set_level(is_bid, price_u, side.get(price_u, 0) + delta_u)

    def set_level(self, is_bid: bool, price_u: int, qty_u: int) -> bool:
        """Set the total size of a level; 0 removes it. False: the book is (or just became) invalid."""
        if qty_u < 0 or not 0 < price_u < MICRO or not self.is_valid:
            self.is_valid = False
            return False
        if is_bid:
            if qty_u:
                self._bids[price_u] = qty_u
                if price_u > self.best_bid_u:
                    self.best_bid_u = price_u
            elif self._bids.pop(price_u, 0) and price_u == self.best_bid_u:
                self.best_bid_u = max(self._bids, default=0)
        elif qty_u:
            self._asks[price_u] = qty_u
            if price_u < self.best_ask_u or not self.best_ask_u:
                self.best_ask_u = price_u
        elif self._asks.pop(price_u, 0) and price_u == self.best_ask_u:
            self.best_ask_u = min(self._asks, default=0)
        return True

    @property
    def best_bid_qty_u(self) -> int:
        return self._bids.get(self.best_bid_u, 0)

    @property
    def best_ask_qty_u(self) -> int:
        return self._asks.get(self.best_ask_u, 0)

    @property
    def mid_u2(self) -> int:
        """Twice the mid price (best bid + best ask), exact; 0 unless both sides have a level."""
        return self.best_bid_u + self.best_ask_u if self.best_bid_u and self.best_ask_u else 0

    @property
    def spread_u(self) -> int:
        """Best ask − best bid, negative when crossed; 0 unless both sides have a level."""
        return self.best_ask_u - self.best_bid_u if self.best_bid_u and self.best_ask_u else 0

    @property
    def is_crossed(self) -> bool:
        """A bid at or above an ask: true of no book at rest."""
        return 0 < self.best_ask_u <= self.best_bid_u

    def qty_at(self, is_bid: bool, price_u: int) -> int:
        return (self._bids if is_bid else self._asks).get(price_u, 0)

    def levels(self, is_bid: bool, n: int | None = None) -> list[tuple[int, int]]:
        """The best `n` levels (all when None), best first."""
        side = self._bids if is_bid else self._asks
        if n is None:
            return sorted(side.items(), reverse=is_bid)
        return nlargest(n, side.items()) if is_bid else nsmallest(n, side.items())

    def depth_to(self, is_bid: bool, limit_price_u: int) -> int:
        """µcontracts resting on a side at `limit_price_u` or better for whoever takes them."""
        if is_bid:
            return sum(qty for price, qty in self._bids.items() if price >= limit_price_u)
        return sum(qty for price, qty in self._asks.items() if price <= limit_price_u)

    def cost_to_take(self, is_buy_yes: bool, qty_u: int, limit_price_u: int) -> Sweep:
        """Walk the book with up to `qty_u` no worse than `limit_price_u`, fees not included.

        `cost_u` is rounded once, against us: up when we buy YES, down when we sell it.
        """
        filled_u = exact = worst_u = 0
        for price_u, size_u in self.levels(not is_buy_yes):
            if filled_u >= qty_u or (price_u > limit_price_u if is_buy_yes else price_u < limit_price_u):
                break
            take_u = min(size_u, qty_u - filled_u)
            filled_u += take_u
            exact += take_u * price_u
            worst_u = price_u
        cost_u = -(-exact // MICRO) if is_buy_yes else exact // MICRO
        return Sweep(filled_u, cost_u, worst_u)


def _fill(side: dict[int, int], levels: Iterable[tuple[int, int]]) -> bool:
    for price_u, qty_u in levels:
        if qty_u < 0 or not 0 < price_u < MICRO or price_u in side:
            return False
        if qty_u:
            side[price_u] = qty_u
    return True
