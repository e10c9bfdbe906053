"""Soccer: Poisson goals over two halves with stoppage time; a draw is an outcome of its own."""

from __future__ import annotations

from venues.simulator.games.goals import goal_rates, maybe_goal
from venues.simulator.games.probability import goals_left
from venues.simulator.games.sheet import Fixture, Odds, Sheet
from venues.simulator.games.timed import TimedRules, Timing
from venues.types import GameStatus

_GOALS_A_SIDE = 1.38
_LOG_RATIO_PER_SIGMA = 0.55


class SoccerRules(TimedRules):
    def __init__(self, timing: Timing) -> None:
        self.timing = timing

    def period_length(self, sheet: Sheet, period: int) -> int:
        return self.timing.period_s + 60 * sheet.dice.integer(1, 3 if period == 1 else 6)

    def begin_period(self, sheet: Sheet, fixture: Fixture) -> None:
        sheet.last_play = "First Half begins" if sheet.period == 1 else "Second Half begins"

    def play(self, sheet: Sheet, fixture: Fixture) -> int:
        seconds = sheet.dice.integer(20, 55)
        home_rate, away_rate = goal_rates(fixture, _GOALS_A_SIDE, _LOG_RATIO_PER_SIGMA)
        share = min(seconds, sheet.clock_s) / (self.timing.regulation_s + 330)
        home, away = home_rate * share, away_rate * share
        maybe_goal(sheet, fixture, home=home, away=away, cry="Goal!", otherwise="Play on")
        return seconds

    def odds(self, sheet: Sheet, fixture: Fixture) -> Odds:
        if sheet.status is GameStatus.FINAL:
            return Odds(home=float(sheet.lead > 0), away=float(sheet.lead < 0), draw=float(sheet.lead == 0))
        home_rate, away_rate = goal_rates(fixture, _GOALS_A_SIDE, _LOG_RATIO_PER_SIGMA)
        share = min(1.0, self.timing.left_s(sheet) / self.timing.regulation_s)
        home, draw, away = goals_left(lead=sheet.lead, home_rate=home_rate * share, away_rate=away_rate * share)
        return Odds(home=home, away=away, draw=draw)
