"""Recorded quotes as liquidity: at Kalshi exactly as recorded, at Polymarket the same fair price with its own noise.

The recordings are of Kalshi only. Polymarket's books are synthetic: the middle of the recorded quotes, plus a slow
noise that depends on nothing but the seed and the time, so that the two venues differ by a cent or two now and then.
Sizes are not recorded either; they are the fixed noise of `flow.quoted`. What was traded since the last quote is
taken by a house taker, at most `_LARGEST_TAKER` contracts at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from venues.simulator.exchange import Exchange
from venues.simulator.flow.generated import take
from venues.simulator.flow.quoted import MAKER, TAIL_QTY_U, BookShape, Ladder, Quoted, book_around
from venues.simulator.games.dice import stable_fraction
from venues.simulator.games.sheet import Odds
from venues.simulator.replay.game import home_middle
from venues.simulator.replay.tape import RecordedGameTape, RecordedQuote
from venues.types import MICRO, Venue

_LEVELS, _SIZE, _LARGEST_TAKER = 5, 900, 250
_NOISE, _NOISE_STEP_MS = 0.008, 45_000
_POLYMARKET_SHAPE = BookShape(0.6, 5, 800)


class RecordedFlow:
    """Acts at the moments of the tape; what came before `now_ms` is known, but only its last quote is quoted."""

    def __init__(
        self,
        tape: RecordedGameTape,
        quoted: Sequence[Quoted],
        exchanges: Mapping[Venue, Exchange],
        *,
        seed: int,
        now_ms: int,
    ) -> None:
        self._tape = tape
        self._quoted = quoted
        self._exchanges = exchanges
        self._seed = seed
        self._active = {each.venue for each in quoted}
        self._next = max(0, sum(quote.seen_ms <= now_ms for quote in tape.quotes) - 1)
        self._polymarket_ms = now_ms

    @property
    def next_ms(self) -> int | None:
        moments = [self._tape.quotes[self._next].seen_ms] if self._next < len(self._tape.quotes) else []
        if Venue.POLYMARKET in self._active:
            moments.append(self._polymarket_ms)
        return min(moments) if self._active and moments else None

    def game_changed(self, odds: Odds, *, is_live: bool, now_ms: int) -> None:
        """Recorded makers knew the score already; only a start makes Polymarket's quote again after its clear."""
        if is_live:
            self._polymarket_ms = min(self._polymarket_ms, now_ms + 900)

    def stop(self, venue: Venue) -> None:
        """The venue's markets no longer trade."""
        self._active.discard(venue)

    def act(self, now_ms: int) -> None:
        """Show every quote that may be seen by now, and Polymarket's picture of it."""
        quotes = self._tape.quotes
        while self._next < len(quotes) and quotes[self._next].seen_ms <= now_ms:
            self._show(quotes[self._next], now_ms)
            self._next += 1
        if Venue.POLYMARKET in self._active and self._polymarket_ms <= now_ms:
            self._quote_polymarket(now_ms)
            self._polymarket_ms = now_ms + _NOISE_STEP_MS // 3

    def _show(self, quote: RecordedQuote, now_ms: int) -> None:
        """Takers first, at the quote that stood, then the new quote; a lone side is mirrored into its sibling."""
        if Venue.KALSHI not in self._active:
            return
        exchange = self._exchanges[Venue.KALSHI]
        has_sibling = any(each.side != quote.side for each in self._tape.quotes[:4])
        for quoted in self._quoted:
            if quoted.venue is not Venue.KALSHI or (has_sibling and quoted.side != quote.side):
                continue
            is_same = quoted.side == quote.side
            if quote.taker_qty_u:
                contracts = min(_LARGEST_TAKER, max(1, quote.taker_qty_u // MICRO))
                is_buy = quote.is_taker_buy is is_same
                take(exchange, quoted.native_id, is_buy=is_buy, contracts=contracts, now_ms=now_ms)
            bid_u, ask_u = (quote.bid_u, quote.ask_u) if is_same else (MICRO - quote.ask_u, MICRO - quote.bid_u)
            bids, asks = _ladder(quoted, bid_u, -1), _ladder(quoted, ask_u, 1)
            exchange.replace_quotes(MAKER, quoted.native_id, bids, asks, now_ms)

    def _quote_polymarket(self, now_ms: int) -> None:
        home = min(0.995, max(0.005, home_middle(self._tape, now_ms) + self._noise(now_ms)))
        odds = Odds(home=home, away=1.0 - home)
        for quoted in self._quoted:
            if quoted.venue is Venue.POLYMARKET:
                bids, asks = book_around(quoted, quoted.fair(odds), _POLYMARKET_SHAPE, 0)
                self._exchanges[Venue.POLYMARKET].replace_quotes(MAKER, quoted.native_id, bids, asks, now_ms)

    def _noise(self, now_ms: int) -> float:
        """A smooth wave through fixed random points, one every 45 s."""
        step, part = divmod(now_ms, _NOISE_STEP_MS)
        before, after = (stable_fraction(self._seed, step + offset) - 0.5 for offset in (0, 1))
        weight = (1.0 - math.cos(math.pi * part / _NOISE_STEP_MS)) / 2.0
        return 2.0 * _NOISE * (before + (after - before) * weight)


def _ladder(quoted: Quoted, best_u: int, direction: int) -> Ladder:
    """The recorded price and a few cents behind it, then the tail at 1¢ or 99¢."""
    tail_u = 10_000 if direction < 0 else 990_000
    prices = [best_u + direction * level * 10_000 for level in range(_LEVELS)]
    inside = [price_u for price_u in prices if 10_000 <= price_u <= 990_000 and price_u != tail_u]
    sized = [(price_u, _size(quoted, price_u)) for price_u in inside]
    can_tail = best_u >= tail_u if direction < 0 else best_u <= tail_u
    return (*sized, (tail_u, TAIL_QTY_U)) if can_tail and 0 < best_u < MICRO else tuple(sized)


def _size(quoted: Quoted, price_u: int) -> int:
    fraction = stable_fraction(quoted.number, price_u // 10_000)
    return max(20, round(_SIZE * (0.3 + 1.7 * fraction * fraction))) * MICRO
