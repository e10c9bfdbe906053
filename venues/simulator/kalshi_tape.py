"""The public past of each market: its last trades and its one-minute candles.

Quotes are sampled when an operation ends, so that a candle never shows a book in the middle of a change. Only the last
`KEPT_TRADES` trades and `KEPT_MINUTES` minutes of a market are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import BookChanged, ExchangeEvent, Traded
from venues.types import MICRO

KEPT_TRADES = 500
KEPT_MINUTES = 1_440
MINUTE_MS = 60_000


class Ohlc:
    """Open, high, low, close of a price."""

    __slots__ = ("close_u", "high_u", "low_u", "open_u")

    def __init__(self, price_u: int) -> None:
        self.open_u = self.high_u = self.low_u = self.close_u = price_u

    def add(self, price_u: int) -> None:
        self.high_u = max(self.high_u, price_u)
        self.low_u = min(self.low_u, price_u)
        self.close_u = price_u

    def extend(self, later: Ohlc) -> None:
        self.high_u = max(self.high_u, later.high_u)
        self.low_u = min(self.low_u, later.low_u)
        self.close_u = later.close_u


class Candle:
    """One minute; `traded` is None where nothing traded. An empty side of the book quotes 0 or 1."""

    __slots__ = ("ask", "bid", "end_ms", "notional_u", "open_interest_u", "previous_u", "traded", "volume_u")

    def __init__(self, end_ms: int, bid_u: int, ask_u: int, previous_u: int | None) -> None:
        self.end_ms = end_ms
        self.bid = Ohlc(bid_u)
        self.ask = Ohlc(ask_u)
        self.traded: Ohlc | None = None
        self.previous_u = previous_u
        self.volume_u = 0
        self.notional_u = 0
        self.open_interest_u = 0


class PublicTape:
    def __init__(self, exchange: Exchange, clock_ms: Callable[[], int]) -> None:
        self._exchange = exchange
        self._clock_ms = clock_ms
        self._trades: dict[str, deque[Traded]] = {}
        self._candles: dict[str, deque[Candle]] = {}
        self._last_price_u: dict[str, int] = {}
        self._touched: set[str] = set()
        exchange.subscribe(self._on_event)
        exchange.on_commit(self._sample)

    def trades(self, native_id: str) -> list[Traded]:
        """Newest first."""
        return list(reversed(self._trades.get(native_id, ())))

    def all_trades(self) -> list[Traded]:
        """Of all markets, newest first."""
        every = [trade for trades in self._trades.values() for trade in trades]
        return sorted(every, key=lambda trade: (-trade.venue_ms, -trade.number))

    def candles(self, native_id: str, *, minutes: int, start_ms: int, end_ms: int) -> list[Candle]:
        """Candles of `minutes` length that end within the range, oldest first."""
        length_ms = minutes * MINUTE_MS
        merged: dict[int, Candle] = {}
        for minute in self._candles.get(native_id, ()):
            end = -(-minute.end_ms // length_ms) * length_ms
            merged[end] = _merge(merged.get(end), minute, end)
        return [candle for end, candle in merged.items() if start_ms <= end <= end_ms]

    def _on_event(self, event: ExchangeEvent) -> None:
        if isinstance(event, BookChanged):
            self._touched.add(event.native_id)
        elif isinstance(event, Traded):
            self._touched.add(event.native_id)
            self._trades.setdefault(event.native_id, deque(maxlen=KEPT_TRADES)).append(event)
            self._add_trade(self._candle(event.native_id), event)
            self._last_price_u[event.native_id] = event.yes_price_u

    def _sample(self) -> None:
        for native_id in self._touched:
            market, candle = self._exchange.market(native_id), self._candle(native_id)
            candle.bid.add(market.best_bid_u or 0)
            candle.ask.add(MICRO if market.best_ask_u is None else market.best_ask_u)
            candle.open_interest_u = market.open_interest_u
        self._touched.clear()

    def _candle(self, native_id: str) -> Candle:
        end_ms = (self._clock_ms() // MINUTE_MS + 1) * MINUTE_MS
        candles = self._candles.setdefault(native_id, deque(maxlen=KEPT_MINUTES))
        if not candles or candles[-1].end_ms != end_ms:
            market = self._exchange.market(native_id)
            bid_u = candles[-1].bid.close_u if candles else market.best_bid_u or 0
            ask_u = candles[-1].ask.close_u if candles else market.best_ask_u or MICRO
            candles.append(Candle(end_ms, bid_u, ask_u, self._last_price_u.get(native_id)))
        return candles[-1]

    def _add_trade(self, candle: Candle, trade: Traded) -> None:
        if candle.traded is None:
            candle.traded = Ohlc(trade.yes_price_u)
        candle.traded.add(trade.yes_price_u)
        candle.volume_u += trade.qty_u
        candle.notional_u += trade.yes_price_u * trade.qty_u


def _merge(longer: Candle | None, minute: Candle, end_ms: int) -> Candle:
    """Extend a longer candle by one of its minutes."""
    if longer is None:
        longer = Candle(end_ms, minute.bid.open_u, minute.ask.open_u, minute.previous_u)
    longer.bid.extend(minute.bid)
    longer.ask.extend(minute.ask)
    if minute.traded is not None:
        if longer.traded is None:
            longer.traded = Ohlc(minute.traded.open_u)
        longer.traded.extend(minute.traded)
    longer.volume_u += minute.volume_u
    longer.notional_u += minute.notional_u
    longer.open_interest_u = minute.open_interest_u
    return longer
