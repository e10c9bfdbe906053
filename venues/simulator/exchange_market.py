"""One listed market at work: its terms, its state, its two book sides and its public counters."""

from __future__ import annotations

from venues.simulator.exchange_book import BookSide
from venues.simulator.exchange_types import MarketSpec
from venues.types import MarketState


class Market:
    """Read freely; only the exchange changes it. `value_u` is known from DETERMINED on."""

    __slots__ = (
        "asks",
        "bids",
        "escrow_u",
        "has_traded_or_quoted",
        "last_price_u",
        "last_qty_u",
        "listed_ms",
        "settled_ms",
        "spec",
        "state",
        "traded_usd_u",
        "value_u",
        "volume_u",
    )

    def __init__(self, spec: MarketSpec, state: MarketState, listed_ms: int) -> None:
        self.spec = spec
        self.state = state
        self.listed_ms = listed_ms
        self.bids = BookSide(is_bid=True)
        self.asks = BookSide(is_bid=False)
        self.value_u: int | None = None
        self.settled_ms: int | None = None
        self.escrow_u = 0
        self.volume_u = 0
        self.traded_usd_u = 0
        self.last_price_u: int | None = None
        self.last_qty_u = 0
        self.has_traded_or_quoted = False

    @property
    def native_id(self) -> str:
        return self.spec.native_id

    @property
    def open_interest_u(self) -> int:
        """Pairs of YES and NO that exist: each holds $1 of escrow, so µUSD are µcontracts."""
        return self.escrow_u

    def side(self, is_bid: bool) -> BookSide:
        return self.bids if is_bid else self.asks

    @property
    def best_bid_u(self) -> int | None:
        return self.bids.best_price_u

    @property
    def best_ask_u(self) -> int | None:
        return self.asks.best_price_u
