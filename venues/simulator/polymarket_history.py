"""The price of each market over time, one point a minute of the world's clock, kept for two days.

A market's price is the middle of its book while the spread is at most ten cents, else its last trade: what the venue
shows as probability. A settled market's price is what it paid.
"""

from __future__ import annotations

from collections import deque

from venues.simulator.polymarket_books import BookReader
from venues.simulator.polymarket_listing import Listed
from venues.types import MICRO

STEP_S = 60
POINTS_KEPT = 2 * 24 * 60
_WIDE_U = 100_000


class PriceHistory:
    def __init__(self, books: BookReader) -> None:
        self._books = books
        self._points: dict[str, deque[tuple[int, int]]] = {}

    def price_u(self, listed: Listed) -> int:
        """µUSD of outcomes[0]."""
        market = self._books.market(listed)
        if market.value_u is not None:
            return market.value_u
        bid_u, ask_u = market.best_bid_u, market.best_ask_u
        if bid_u is not None and ask_u is not None and ask_u - bid_u <= _WIDE_U:
            return (bid_u + ask_u) // 2
        return market.last_price_u if market.last_price_u is not None else MICRO // 2

    def sample(self, listed: Listed, now_ms: int) -> None:
        """Remember the price of this minute, unless it is remembered already."""
        points = self._points.setdefault(listed.market.condition_id, deque(maxlen=POINTS_KEPT))
        minute_s = now_ms // 1000 // STEP_S * STEP_S
        if not points or points[-1][0] < minute_s:
            points.append((minute_s, self.price_u(listed)))

    def points(self, condition_id: str, *, start_s: int, end_s: int, step_s: int) -> list[tuple[int, int]]:
        """`(unix seconds, µUSD)` at least `step_s` apart."""
        found: list[tuple[int, int]] = []
        for at_s, price_u in self._points.get(condition_id, ()):
            if start_s <= at_s <= end_s and (not found or at_s - found[-1][0] >= step_s):
                found.append((at_s, price_u))
        return found
