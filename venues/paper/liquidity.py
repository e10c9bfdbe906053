"""How much of a live book a paper order may have: what was taken already is gone, what rests is behind everybody.

The live book does not know our paper orders, so nothing leaves it when we take. Each account therefore keeps what it
took of a level until the venue states that level again (a snapshot or a new total); a signed change of a level leaves
what we took of it in place, and a level that is empty forgets it.

An order that comes to rest is behind the whole level. Two bounds say that its turn has come, and both are cautious:
prints at its price add up to more than was ahead of it; or the level was seen empty before the print. A print at a
worse price, or a book that reaches it from the other side, means that all ahead of it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator

from venues.book import Book

Level = tuple[str, bool, int]
"""(market_id, is_bid, price_u of YES)"""


class Queue:
    """Where one resting order stands. `ahead_u` None: the book was not known when it came here, the next one says;
    `gone_ms`: when all that was ahead of it was seen to be gone."""

    __slots__ = ("ahead_u", "gone_ms", "traded_u")

    def __init__(self, ahead_u: int | None) -> None:
        self.ahead_u = ahead_u
        self.traded_u = 0
        self.gone_ms: int | None = None

    def note_level(self, qty_u: int, at_ms: int) -> None:
        if self.ahead_u is None:
            self.ahead_u = qty_u
        if not qty_u and self.gone_ms is None:
            self.gone_ms = at_ms

    def share_u(self, qty_u: int, *, is_through: bool, at_ms: int) -> int:
        """What of a print at this price (or through it) is ours."""
        if is_through or (self.gone_ms is not None and at_ms > self.gone_ms):
            return qty_u
        if self.ahead_u is None:
            return 0
        left_u = max(0, self.ahead_u - self.traded_u)
        self.traded_u += qty_u
        return max(0, qty_u - left_u)


class Liquidity:
    """One account's view of the live books."""

    def __init__(self) -> None:
        self._taken: dict[Level, int] = {}

    def offers(
        self, book: Book, market_id: str, *, is_bid: bool, limit_u: int, lot_u: int
    ) -> Iterator[tuple[int, int]]:
        """`(price_u, qty_u)` in the YES frame that an order of this side may take, best first, in whole lots."""
        if not book.is_valid or book.is_crossed:
            return
        for price_u, qty_u in book.levels(not is_bid):
            if price_u > limit_u if is_bid else price_u < limit_u:
                return
            left_u = qty_u - self._taken.get((market_id, not is_bid, price_u), 0)
            if left_u >= lot_u:
                yield price_u, left_u - left_u % lot_u

    def take(self, market_id: str, *, is_bid: bool, price_u: int, qty_u: int) -> None:
        """An order of this side took it from the other."""
        level = (market_id, not is_bid, price_u)
        self._taken[level] = self._taken.get(level, 0) + qty_u

    def restate(self, market_id: str, is_bid: bool, price_u: int) -> None:
        self._taken.pop((market_id, is_bid, price_u), None)

    def restate_all(self, market_id: str) -> None:
        for level in [one for one in self._taken if one[0] == market_id]:
            del self._taken[level]
