"""Games with a clock: periods, breaks and overtime. What a play does is the sport's own.

Regulation lengths and overtimes are competition rules (../shared facts, §4). `pace` is how many seconds pass for one
second on the game clock, so that a game lasts about as long as a real one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec

from venues.simulator.games.sheet import Fixture, Odds, Sheet
from venues.types import GameStatus


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    periods: int
    period_s: int
    pace: float
    break_s: int
    half_s: int
    overtime_s: int = 0
    overtimes: int = 0
    half_after: int = 0

    @property
    def regulation_s(self) -> int:
        return self.periods * self.period_s

    def left_s(self, sheet: Sheet) -> int:
        """Seconds of play left in regulation, or in the overtime being played."""
        if sheet.status is GameStatus.FINAL:
            return 0
        if sheet.period == 0:
            return self.regulation_s
        return sheet.clock_s + max(0, self.periods - sheet.period) * self.period_s


class TimedRules(ABC):
    """Runs the clock; a sport gives `play` (what happened, how many seconds it used) and `odds`."""

    timing: Timing

    def step(self, sheet: Sheet, fixture: Fixture) -> int:
        """Let the next thing happen; returns the milliseconds until the one after it."""
        if sheet.status in (GameStatus.SCHEDULED, GameStatus.BREAK):
            sheet.open_period(self.period_length(sheet, sheet.period + 1))
            self.begin_period(sheet, fixture)
            return self._elapsed_ms(4)
        used_s = min(sheet.clock_s, max(1, self.play(sheet, fixture)))
        sheet.plays += 1
        sheet.clock_s -= used_s
        if sheet.clock_s == 0 or self.is_decided(sheet):
            return self._end_period(sheet, fixture)
        return self._elapsed_ms(used_s)

    def period_length(self, sheet: Sheet, period: int) -> int:
        return self.timing.period_s if period <= self.timing.periods else self.timing.overtime_s

    def begin_period(self, sheet: Sheet, fixture: Fixture) -> None:
        sheet.last_play = f"Start of period {sheet.period}"

    @abstractmethod
    def play(self, sheet: Sheet, fixture: Fixture) -> int:
        """Let one play happen; returns the seconds of game clock that it used."""

    @abstractmethod
    def odds(self, sheet: Sheet, fixture: Fixture) -> Odds:
        """The fair probabilities of the state on the sheet."""

    def is_decided(self, sheet: Sheet) -> bool:
        """True ends the game at once (sudden death)."""
        return False

    def break_tie(self, sheet: Sheet) -> bool:
        """True when the sport had its own way to end a tie after the last overtime (a shoot-out)."""
        return False

    def _end_period(self, sheet: Sheet, fixture: Fixture) -> int:
        timing = self.timing
        if sheet.period < timing.periods:
            return self._take_break(sheet, timing.half_s if sheet.period == timing.half_after else timing.break_s)
        if sheet.lead == 0 and sheet.period < timing.periods + timing.overtimes:
            return self._take_break(sheet, timing.break_s)
        if sheet.lead == 0:
            self.break_tie(sheet)
        sheet.finish()
        sheet.last_play = "End of Game"
        return 0

    @staticmethod
    def _take_break(sheet: Sheet, seconds: int) -> int:
        sheet.clock_s = 0
        sheet.status = GameStatus.BREAK
        sheet.last_play = f"End of period {sheet.period}"
        return seconds * 1000

    def _elapsed_ms(self, clock_s: int) -> int:
        return round(clock_s * self.timing.pace * 1000)
