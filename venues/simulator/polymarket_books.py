"""Reads the exchange's books as Polymarket's: one place that knows tick, minimum and last price of a token.

The last trade price is of the market, the same on both tokens' books; a market that never traded shows "".
"""

from __future__ import annotations

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_market import Market
from venues.simulator.polymarket_book import WireBook, wire_sides, with_hash
from venues.simulator.polymarket_listing import Listed
from venues.simulator.polymarket_numbers import decimal_text
from venues.types import MarketState, Outcome


class BookReader:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def has_book(self, listed: Listed) -> bool:
        """False once a result is proposed: the venue then answers 404."""
        return self.market(listed).state in (MarketState.OPEN, MarketState.PAUSED)

    def market(self, listed: Listed) -> Market:
        return self._exchange.market(listed.market.condition_id)

    def tick_u(self, listed: Listed) -> int:
        return self.market(listed).spec.bands[0].step_u

    def book(self, listed: Listed, outcome: Outcome, venue_ms: int) -> WireBook:
        """The hashed book of one token as it stands."""
        return self.book_with_last(listed, outcome, venue_ms, self.market(listed).last_price_u)

    def book_with_last(self, listed: Listed, outcome: Outcome, venue_ms: int, last_u: int | None) -> WireBook:
        """The same with another last YES price than the market's own."""
        market = self.market(listed)
        bids, asks = wire_sides(market.bids.depth(), market.asks.depth(), outcome)
        return with_hash(
            WireBook(
                market=listed.market.condition_id,
                asset_id=listed.market.asset_id(outcome),
                timestamp=str(venue_ms),
                bids=bids,
                asks=asks,
                min_order_size=decimal_text(listed.market.min_size_u),
                tick_size=decimal_text(self.tick_u(listed)),
                neg_risk=listed.market.is_neg_risk,
                last_trade_price="" if last_u is None else decimal_text(last_u),
            )
        )
