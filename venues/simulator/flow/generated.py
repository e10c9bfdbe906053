"""The flow of a generated game: fair price plus each venue's own slow noise, shocks and rare dislocations.

A score moves the fair price at once; the makers of each venue follow some hundred milliseconds later, Kalshi's sooner
than Polymarket's, and overshoot a little (it fades over a minute and a half). Now and then one venue is off by several
cents for some seconds, enough to cross the other one net of both fees. Everything is virtual time, so `rate` and the
clock's speed together give the message rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import ExchangeReject, NewOrder
from venues.simulator.flow.quoted import MAKER, TAKER, BookShape, Quoted, book_around
from venues.simulator.games.dice import Stream, stream
from venues.simulator.games.sheet import Odds
from venues.types import MICRO, MarketState, Outcome, Side, TimeInForce, Venue

_LIVE_QUOTE_S, _PREGAME_QUOTE_S = 26.0, 75.0
_LIVE_TAKER_S, _PREGAME_TAKER_S = 22.0, 110.0
_REACTION_MS = {Venue.KALSHI: (250, 900), Venue.POLYMARKET: (700, 2_600)}
_NOISE, _NOISE_FADE_S = 0.0045, 240.0
_OVERSHOOT, _OVERSHOOT_FADE_S = 0.22, 90.0
_MOVE_SEEN = 0.004
_DISLOCATION_CHANCE = 0.006
_SHAPES = {
    "basketball": BookShape(0.55, 6, 900),
    "football": BookShape(0.55, 6, 1400),
    "baseball": BookShape(0.6, 5, 700),
    "hockey": BookShape(0.7, 5, 450),
    "soccer": BookShape(0.7, 5, 600),
    "tennis": BookShape(0.9, 5, 350),
}


class VenueMood(msgspec.Struct):
    """What one venue believes beside the fair price, in probability toward home, and when it quotes next."""

    next_ms: int
    noise: float = 0.0
    dislocation: float = 0.0
    dislocated_until_ms: int = 0


class FlowState(msgspec.Struct):
    """The whole mutable state of a flow; restoring it goes on exactly."""

    dice: Stream
    moods: dict[Venue, VenueMood]
    taker_ms: int
    seen_home: float
    seen_ms: int
    overshoot: float = 0.0
    generation: int = 0


class GeneratedFlow:
    """Quotes and trades all markets of one game at both venues."""

    def __init__(
        self,
        quoted: Sequence[Quoted],
        exchanges: Mapping[Venue, Exchange],
        *,
        sport: str,
        state: FlowState,
        rate: float = 1.0,
    ) -> None:
        self.state = state
        self._quoted = quoted
        self._exchanges = exchanges
        self._shape = _SHAPES[sport]
        self._rate = rate
        self._odds = Odds(home=state.seen_home, away=1.0 - state.seen_home)
        self._is_live = False
        self._active = {each.venue for each in quoted}

    @staticmethod
    def opening_state(event_id: str, *, seed: int, home: float, now_ms: int) -> FlowState:
        moods = {venue: VenueMood(next_ms=now_ms) for venue in Venue}
        dice = stream(seed, event_id, "flow")
        return FlowState(dice=dice, moods=moods, taker_ms=now_ms + 5_000, seen_home=home, seen_ms=now_ms)

    @property
    def next_ms(self) -> int | None:
        if not self._active:
            return None
        return min(self.state.taker_ms, *(self.state.moods[venue].next_ms for venue in self._active))

    def game_changed(self, odds: Odds, *, is_live: bool, now_ms: int) -> None:
        """Tell the flow where the game stands; a move that shows makes the makers react."""
        state = self.state
        has_opened = is_live and not self._is_live
        self._odds, self._is_live = odds, is_live
        move = odds.home - state.seen_home
        if abs(move) < _MOVE_SEEN and not has_opened:
            return
        state.overshoot = self._faded_overshoot(now_ms) + _OVERSHOOT * move
        state.seen_home, state.seen_ms = odds.home, now_ms
        for venue in sorted(self._active):
            quotes_ms = now_ms + state.dice.integer(*_REACTION_MS[venue])
            mood = state.moods[venue]
            mood.next_ms = quotes_ms if has_opened else min(mood.next_ms, quotes_ms)

    def resume(self, odds: Odds, *, is_live: bool) -> None:
        """Take up a restored state without reacting to it."""
        self._odds, self._is_live = odds, is_live

    def stop(self, venue: Venue) -> None:
        """The venue's markets no longer trade."""
        self._active.discard(venue)

    def act(self, now_ms: int) -> None:
        """Do what is due at this moment."""
        for venue in sorted(self._active):
            if self.state.moods[venue].next_ms <= now_ms:
                self._quote(venue, now_ms)
        if self._active and self.state.taker_ms <= now_ms:
            self._take(now_ms)

    def _quote(self, venue: Venue, now_ms: int) -> None:
        state, mood = self.state, self.state.moods[venue]
        self._drift(mood, now_ms)
        push = mood.noise + mood.dislocation + self._faded_overshoot(now_ms)
        state.generation += state.dice.happens(0.3)
        for quoted in self._quoted:
            if quoted.venue is not venue:
                continue
            bids, asks = book_around(quoted, self._price(quoted, push), self._shape, state.generation)
            self._exchanges[venue].replace_quotes(MAKER, quoted.native_id, bids, asks, now_ms)
        mean_s = (_LIVE_QUOTE_S if self._is_live else _PREGAME_QUOTE_S) / self._rate
        wait_ms = round(1000 * state.dice.between(0.4, 1.6) * mean_s)
        if mood.dislocation:
            wait_ms = min(wait_ms, max(1, mood.dislocated_until_ms - now_ms))
        mood.next_ms = now_ms + wait_ms

    def _drift(self, mood: VenueMood, now_ms: int) -> None:
        """One step of the venue's own noise, and the begin or end of a dislocation."""
        dice = self.state.dice
        mean_s = _LIVE_QUOTE_S if self._is_live else _PREGAME_QUOTE_S
        keep = math.exp(-mean_s / _NOISE_FADE_S)
        mood.noise = keep * mood.noise + _NOISE * math.sqrt(1.0 - keep * keep) * dice.normal()
        if mood.dislocation:
            if now_ms >= mood.dislocated_until_ms:
                mood.dislocation = 0.0
        elif self._is_live and dice.happens(_DISLOCATION_CHANCE):
            mood.dislocation = dice.between(0.05, 0.085) * (1 if dice.happens(0.5) else -1)
            mood.dislocated_until_ms = now_ms + dice.integer(8_000, 45_000)

    def _price(self, quoted: Quoted, push: float) -> float:
        """The fair price with the push, which fades to nothing where the game is decided."""
        fair = quoted.fair(self._odds)
        room = min(1.0, 6.0 * fair * (1.0 - fair))
        return fair + quoted.sign() * push * room

    def _faded_overshoot(self, now_ms: int) -> float:
        return self.state.overshoot * math.exp(-(now_ms - self.state.seen_ms) / 1000.0 / _OVERSHOOT_FADE_S)

    def _take(self, now_ms: int) -> None:
        """A house taker crosses the spread of one market for a few to a few hundred contracts."""
        state = self.state
        quoted = state.dice.choice([each for each in self._quoted if each.venue in self._active])
        contracts = 5 + round(state.dice.exponential(60.0))
        is_buy = state.dice.happens(0.5)
        mean_s = (_LIVE_TAKER_S if self._is_live else _PREGAME_TAKER_S) / self._rate
        state.taker_ms = now_ms + max(1, round(1000 * state.dice.exponential(mean_s)))
        take(self._exchanges[quoted.venue], quoted.native_id, is_buy=is_buy, contracts=contracts, now_ms=now_ms)


def take(exchange: Exchange, native_id: str, *, is_buy: bool, contracts: int, now_ms: int) -> None:
    """Cross the spread at the best price, if the market trades and has one better than the tails."""
    market = exchange.market(native_id)
    if market.state is not MarketState.OPEN:
        return
    best_u = market.best_ask_u if is_buy else market.best_bid_u
    if best_u is None or not 10_000 < best_u < 990_000:
        return
    smallest = -(-market.spec.min_taker_usd_u // best_u) + 1 if market.spec.min_taker_usd_u else 1
    order = NewOrder(
        native_id=native_id,
        side=Side.BUY if is_buy else Side.SELL,
        outcome=Outcome.YES,
        price_u=best_u,
        qty_u=max(contracts, smallest) * MICRO,
        tif=TimeInForce.IOC,
    )
    with suppress(ExchangeReject):  # nothing left to match: this taker goes home
        exchange.submit(TAKER, order, now_ms)
