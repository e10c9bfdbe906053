"""What waits of one market, told as one: the newest book with every change, the last prints.

Invariant: a book that takes what `take` gives ends exactly as one that took every message in turn, invalid included:
of the changes of one level the lowest point in between is kept beside their sum, so that a size that went below zero is
not healed by what came after. Memory is bounded by the levels a market can have.
"""

from __future__ import annotations

from collections import deque

from trading.domain.messages import BookChange, BookChanges
from venues.types import BookDelta, BookGap, BookLevel, BookSnapshot, PublicTrade

PRINTS_KEPT = 20
"""The last prints of a market that are kept: they are shown and tell the venue's clock, and nothing else needs them."""


class MergedMarket:
    """Takes messages of one market in their order until it is taken itself."""

    __slots__ = ("_deltas", "_last_ms", "_levels", "_prints", "_start", "market_id")

    def __init__(self, market_id: str) -> None:
        self.market_id = market_id
        self._last_ms = 0
        self._start: BookSnapshot | BookGap | None = None
        self._levels: dict[tuple[bool, int], BookLevel] = {}
        self._deltas: dict[tuple[bool, int], tuple[int, int]] = {}
        self._prints: deque[PublicTrade] = deque(maxlen=PRINTS_KEPT)

    def add(self, message: BookChange | PublicTrade) -> None:
        """A snapshot or a gap makes every change before it void; a total the total of its level; deltas add up."""
        if isinstance(message, BookDelta):
            level = message.is_bid, message.price_u
            low_u, sum_u = self._deltas.get(level, (0, 0))
            sum_u += message.delta_u
            self._deltas[level] = min(low_u, sum_u), sum_u
            self._last_ms = message.venue_ms
        elif isinstance(message, BookLevel):
            self._levels[message.is_bid, message.price_u] = message
        elif isinstance(message, PublicTrade):
            self._prints.append(message)
        else:
            self._start = message
            self._levels.clear()
            self._deltas.clear()

    def take(self) -> list[BookChanges | PublicTrade]:
        """The book's changes as one message, then the prints."""
        start = () if self._start is None else (self._start,)
        changes: tuple[BookChange, ...] = (*start, *self._levels.values(), *self._summed())
        book = [BookChanges(self.market_id, changes)] if changes else []
        return [*book, *self._prints]

    def _summed(self) -> list[BookDelta]:
        """Of each level two deltas at most: down to its lowest point, and from there to where it ended."""
        return [
            BookDelta(self.market_id, is_bid, price_u, delta_u, self._last_ms)
            for (is_bid, price_u), (low_u, sum_u) in self._deltas.items()
            for delta_u in (low_u, sum_u - low_u)
            if delta_u
        ]
