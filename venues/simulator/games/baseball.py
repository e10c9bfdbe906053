"""Baseball: plate appearances, outs and bases; fair price by the runs still to come.

About 4.5 runs a side in nine innings. The inning being played is worth its run expectancy by outs and runners (the
usual 24-state table, rounded); innings to come are near normal with the generator's own mean and variance.
"""

from __future__ import annotations

import math

from venues.simulator.games.probability import phi, phi_inverse
from venues.simulator.games.sheet import Baseball, Fixture, Odds, Sheet
from venues.types import GameStatus

_INNINGS = 9
_APPEARANCE_MS = 88_000
_CHANGE_MS = 135_000
_RUNS_A_HALF = 0.5
_VARIANCE_A_HALF = 1.05
_SIGMA = math.sqrt(2 * _INNINGS * _VARIANCE_A_HALF)
# Run expectancy by number of outs, for runners 1-2-3 as bits 1, 2, 4.
_EXPECTANCY = (
    (0.48, 0.85, 1.08, 1.40, 1.32, 1.70, 1.90, 2.20),
    (0.25, 0.50, 0.65, 0.88, 0.92, 1.12, 1.32, 1.52),
    (0.10, 0.21, 0.31, 0.42, 0.35, 0.47, 0.56, 0.74),
)


class BaseballRules:
    def step(self, sheet: Sheet, fixture: Fixture) -> int:
        """Let the next thing happen; returns the milliseconds until the one after it."""
        if sheet.status is GameStatus.SCHEDULED:
            self._begin_half(sheet)
            return _APPEARANCE_MS // 4
        if sheet.status is GameStatus.BREAK:
            self._begin_half(sheet)
            return _APPEARANCE_MS // 2
        self._appearance(sheet, fixture)
        sheet.plays += 1
        if self._is_over(sheet):
            sheet.finish()
            sheet.last_play = "End of Game"
            return 0
        if sheet.detail_of(Baseball).outs >= 3:
            sheet.status = GameStatus.BREAK
            sheet.last_play = "Middle of the inning" if sheet.detail_of(Baseball).is_top else "End of the inning"
            return _CHANGE_MS
        return round(_APPEARANCE_MS * sheet.dice.between(0.5, 1.5))

    def odds(self, sheet: Sheet, fixture: Fixture) -> Odds:
        if sheet.status is GameStatus.FINAL:
            return Odds(home=float(sheet.lead > 0), away=float(sheet.lead < 0))
        top_left, bottom_left, now = _halves_left(sheet)
        count = top_left + bottom_left
        lead = sheet.lead + now + (bottom_left - top_left) * _RUNS_A_HALF + _margin(fixture) * count / (2 * _INNINGS)
        spread = math.sqrt(max(0.35, count * _VARIANCE_A_HALF + (0.8 if now else 0.0)))
        ahead, behind = phi((lead - 0.5) / spread), phi((-lead - 0.5) / spread)
        home = ahead + (1.0 - ahead - behind) * 0.52
        return Odds(home=home, away=1.0 - home)

    def _begin_half(self, sheet: Sheet) -> None:
        detail = sheet.detail_of(Baseball)
        was_bottom = sheet.period == 0 or not detail.is_top
        sheet.status = GameStatus.IN_PROGRESS
        if was_bottom:
            sheet.open_period()
        sheet.detail = Baseball(is_top=was_bottom, second=sheet.period > _INNINGS)
        sheet.last_play = f"{'Top' if was_bottom else 'Bottom'} of inning {sheet.period}"

    def _appearance(self, sheet: Sheet, fixture: Fixture) -> None:
        detail = sheet.detail_of(Baseball)
        edge = 0.016 * _margin(fixture) * (-1 if detail.is_top else 1)
        detail.balls, detail.strikes = sheet.dice.integer(0, 3), sheet.dice.integer(0, 2)
        roll = sheet.dice.uniform()
        if roll > 0.318 + edge:
            detail.outs += 1
            sheet.last_play = "Out"
            self._sacrifice(sheet, detail)
            return
        bases = 4 if roll < 0.032 else 3 if roll < 0.036 else 2 if roll < 0.083 else 1
        sheet.last_play = ("", "Single", "Double", "Triple", "Home run")[bases]
        self._run_bases(sheet, detail, bases)

    @staticmethod
    def _sacrifice(sheet: Sheet, detail: Baseball) -> None:
        if detail.third and detail.outs < 3 and sheet.dice.happens(0.3):
            detail.third = False
            sheet.score("away" if detail.is_top else "home", 1)
            sheet.last_play = "Sacrifice fly"

    @staticmethod
    def _run_bases(sheet: Sheet, detail: Baseball, bases: int) -> None:
        """Runners go as far as the batter; from second a single scores more often than not."""
        runners = [base for base, taken in ((1, detail.first), (2, detail.second), (3, detail.third)) if taken]
        extra = bases == 1 and sheet.dice.happens(0.55)
        reached = [base + bases + (1 if extra and base == 2 else 0) for base in runners] + [bases]
        runs = sum(base >= 4 for base in reached)
        detail.first, detail.second, detail.third = (base in reached for base in (1, 2, 3))
        if runs:
            sheet.score("away" if detail.is_top else "home", runs)

    @staticmethod
    def _is_over(sheet: Sheet) -> bool:
        detail = sheet.detail_of(Baseball)
        if sheet.period < _INNINGS:
            return False
        if detail.is_top:
            return detail.outs >= 3 and sheet.lead > 0
        return sheet.lead > 0 or (detail.outs >= 3 and sheet.lead < 0)


def _margin(fixture: Fixture) -> float:
    return phi_inverse(fixture.home_prob) * _SIGMA


def _halves_left(sheet: Sheet) -> tuple[int, int, float]:
    """Whole halves left for away and home after this one, and the runs home expects from this one (away: negative)."""
    if sheet.period == 0:
        return _INNINGS, _INNINGS, 0.0
    detail = sheet.detail_of(Baseball)
    after = max(0, _INNINGS - sheet.period)
    if detail.outs >= 3:
        return after, after + (1 if detail.is_top else 0), 0.0
    now = _EXPECTANCY[detail.outs][detail.first + 2 * detail.second + 4 * detail.third]
    return (after, after + 1, -now) if detail.is_top else (after, after, now)
