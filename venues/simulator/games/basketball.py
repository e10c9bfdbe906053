"""Basketball: possessions in turn, fair price by a Brownian lead (Stern 1994).

Possessions come in pairs, one a side, and with probability `_ECHO` the second scores what the first did: pace and
whistles move both sides together. That gives a final margin with a standard deviation near 12.3 points over 48
minutes, as measured for the NBA, with about 112 points a side.
"""

from __future__ import annotations

import math

from venues.simulator.games.probability import lead_wins, phi_inverse
from venues.simulator.games.sheet import Basketball, Fixture, Odds, Sheet, other
from venues.simulator.games.timed import TimedRules, Timing
from venues.types import GameStatus

_ECHO = 0.4
_MEAN_POSSESSION_S = 14.5
_POINTS = ((3, 0.115), (2, 0.365), (1, 0.06))
_MEAN_POINTS = 1.135
_VARIANCE_PER_S = 152.0 / 2880.0


class BasketballRules(TimedRules):
    def __init__(self, timing: Timing) -> None:
        self.timing = timing

    def begin_period(self, sheet: Sheet, fixture: Fixture) -> None:
        sheet.detail = Basketball(possession="home" if sheet.period % 2 else "away")
        sheet.last_play = "Jumpball" if sheet.period == 1 else f"Start of period {sheet.period}"

    def play(self, sheet: Sheet, fixture: Fixture) -> int:
        detail = sheet.detail_of(Basketball)
        team = detail.possession
        points = self._points(sheet, fixture, detail)
        if points:
            sheet.score(team, points)
        card = fixture.home if team == "home" else fixture.away
        sheet.last_play = f"{card.name} {f'+{points}' if points else 'miss'}"
        detail.echo = points if detail.echo < 0 else -1
        detail.possession = other(team)
        return sheet.dice.integer(7, 22)

    def odds(self, sheet: Sheet, fixture: Fixture) -> Odds:
        if sheet.status is GameStatus.FINAL:
            return Odds(home=float(sheet.lead > 0), away=float(sheet.lead < 0))
        left_s = self.timing.left_s(sheet)
        home = lead_wins(
            lead=sheet.lead + _owed(sheet.detail),
            drift=self._margin(fixture) * left_s / self.timing.regulation_s,
            variance=_VARIANCE_PER_S * left_s,
        )
        return Odds(home=home, away=1.0 - home)

    def _points(self, sheet: Sheet, fixture: Fixture, detail: Basketball) -> int:
        if detail.echo >= 0 and sheet.dice.happens(_ECHO):
            return detail.echo
        pairs = self.timing.regulation_s / (2 * _MEAN_POSSESSION_S)
        edge = self._margin(fixture) / (pairs * (1.0 - _ECHO)) / 2.0
        scale = 1.0 + (edge if detail.possession == "home" else -edge) / _MEAN_POINTS
        roll = sheet.dice.uniform()
        for points, probability in _POINTS:
            roll -= probability * scale
            if roll < 0:
                return points
        return 0

    def _margin(self, fixture: Fixture) -> float:
        """The expected final margin that makes `home_prob` the price before the start."""
        return phi_inverse(fixture.home_prob) * math.sqrt(_VARIANCE_PER_S * self.timing.regulation_s)


def _owed(detail: object) -> float:
    """Points the lead expects from the second half of an open pair, so that a turn alone moves no price."""
    if not isinstance(detail, Basketball) or detail.echo < 0:
        return 0.0
    expected = _ECHO * detail.echo + (1.0 - _ECHO) * _MEAN_POINTS
    return expected if detail.possession == "home" else -expected
