"""Hockey: goals as two Poisson processes, sudden-death overtime, then a shoot-out (period 5)."""

from __future__ import annotations

from venues.simulator.games.goals import goal_rates, maybe_goal
from venues.simulator.games.probability import goals_left
from venues.simulator.games.sheet import Fixture, Odds, Sheet
from venues.simulator.games.timed import TimedRules, Timing
from venues.types import GameStatus

_GOALS_A_SIDE = 3.05
_OVERTIME_FACTOR = 1.6
_LOG_RATIO_PER_SIGMA = 0.35


class HockeyRules(TimedRules):
    def __init__(self, timing: Timing) -> None:
        self.timing = timing

    def play(self, sheet: Sheet, fixture: Fixture) -> int:
        seconds = sheet.dice.integer(10, 34)
        home_rate, away_rate = goal_rates(fixture, _GOALS_A_SIDE, _LOG_RATIO_PER_SIGMA)
        share = min(seconds, sheet.clock_s) / self.timing.regulation_s
        share *= _OVERTIME_FACTOR if sheet.period > self.timing.periods else 1.0
        home, away = home_rate * share, away_rate * share
        maybe_goal(sheet, fixture, home=home, away=away, cry="Goal", otherwise="Shot on goal")
        return seconds

    def is_decided(self, sheet: Sheet) -> bool:
        return sheet.period > self.timing.periods and sheet.lead != 0

    def break_tie(self, sheet: Sheet) -> bool:
        """The shoot-out adds one goal to the winner and is shown as period 5."""
        sheet.open_period()
        sheet.score("home" if sheet.dice.happens(0.5) else "away", 1)
        return True

    def odds(self, sheet: Sheet, fixture: Fixture) -> Odds:
        if sheet.status is GameStatus.FINAL:
            return Odds(home=float(sheet.lead > 0), away=float(sheet.lead < 0))
        home_rate, away_rate = goal_rates(fixture, _GOALS_A_SIDE, _LOG_RATIO_PER_SIGMA)
        share = self.timing.left_s(sheet) / self.timing.regulation_s
        ahead, level, _ = goals_left(lead=sheet.lead, home_rate=home_rate * share, away_rate=away_rate * share)
        home = ahead + level * home_rate / (home_rate + away_rate)
        return Odds(home=home, away=1.0 - home)
