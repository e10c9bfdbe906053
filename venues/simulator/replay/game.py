"""A recorded game in the place of a generated one: its sheet follows the plays as they become visible."""

from __future__ import annotations

from bisect import bisect_right

from venues.leagues import league as league_of
from venues.simulator.games.dice import Stream
from venues.simulator.games.sheet import Clocked, Fixture, Odds, Sheet
from venues.simulator.replay.tape import RecordedGameTape
from venues.types import MICRO, GameStatus


class RecordedGame:
    """`odds` is the middle of the recorded quotes: what the market thought, no model's opinion."""

    def __init__(self, tape: RecordedGameTape) -> None:
        self.tape = tape
        self.fixture = Fixture(
            event_id=tape.event_id,
            league=tape.league,
            sport=league_of(tape.league).sport,
            home=tape.home,
            away=tape.away,
            start_ms=tape.start_ms,
            home_prob=home_middle(tape, tape.start_ms),
        )
        plays = tuple(play.seen_ms for play in tape.plays)
        self._moments = plays if tape.has_scores else (tape.start_ms, tape.final_ms)
        self.sheet = Sheet(next_ms=self._moments[0], dice=Stream(0), detail=Clocked())
        self.odds = Odds(home=self.fixture.home_prob, away=1.0 - self.fixture.home_prob)
        self._next = 0

    @property
    def next_ms(self) -> int | None:
        return self._moments[self._next] if self._next < len(self._moments) else None

    @property
    def is_final(self) -> bool:
        return self.sheet.status is GameStatus.FINAL

    @property
    def is_live(self) -> bool:
        return self.sheet.status.is_live

    def advance(self, now_ms: int) -> bool:
        """Show every play that may be seen by `now_ms`; True when one was new."""
        has_changed = False
        while self._next < len(self._moments) and self._moments[self._next] <= now_ms:
            self._show(self._next)
            self._next += 1
            has_changed = True
        home = float(self.sheet.winner == "home") if self.is_final else home_middle(self.tape, now_ms)
        self.odds = Odds(home=home, away=1.0 - home)
        return has_changed

    def _show(self, index: int) -> None:
        sheet, tape = self.sheet, self.tape
        if tape.has_scores:
            self._show_play(index)
        else:
            sheet.status = GameStatus.IN_PROGRESS
            sheet.last_play = "Scores of this game were not recorded"
        if index == len(self._moments) - 1:
            sheet.status, sheet.clock_s = GameStatus.FINAL, 0
            sheet.winner, sheet.final_ms = tape.winner, tape.final_ms

    def _show_play(self, index: int) -> None:
        sheet, play = self.sheet, self.tape.plays[index]
        terms = league_of(self.tape.league)
        while sheet.period < play.period:
            sheet.open_period(terms.period_s if sheet.period < terms.periods else terms.overtime_s)
        sheet.home_line[-1] += play.home - sheet.home
        sheet.away_line[-1] += play.away - sheet.away
        sheet.home, sheet.away, sheet.clock_s = play.home, play.away, play.clock_s
        sheet.status = GameStatus.BREAK if play.ends_period else GameStatus.IN_PROGRESS
        sheet.plays, sheet.last_play = index + 1, play.text


def home_middle(tape: RecordedGameTape, now_ms: int) -> float:
    """The middle of the last quote seen, turned to the home side; the first one before any was seen."""
    at = max(1, bisect_right(tape.quotes, now_ms, key=lambda quote: quote.seen_ms))
    quote = tape.quotes[at - 1]
    middle = (quote.bid_u + quote.ask_u) / (2 * MICRO)
    return middle if quote.side == "home" else 1.0 - middle
