"""American football: plays, downs and drives; fair price by a Brownian lead plus the expected points of the drive.

About 19 points a side; the final margin's standard deviation is near 14 (Stern 1991 measured
13.9 for the NFL). Overtime is sudden death; a tie after it stands.
"""

from __future__ import annotations

from venues.simulator.games.probability import lead_wins, phi_inverse
from venues.simulator.games.sheet import Fixture, Football, Odds, Sheet, Team, TeamCard, other
from venues.simulator.games.timed import TimedRules, Timing
from venues.types import GameStatus

_SIGMA = 14.0
_YARDS_PER_MARGIN = 0.105
_RUN_S, _STOP_S, _KICK_S = (24, 40), (6, 12), (6, 10)


class FootballRules(TimedRules):
    def __init__(self, timing: Timing) -> None:
        self.timing = timing

    def begin_period(self, sheet: Sheet, fixture: Fixture) -> None:
        sheet.last_play = f"Start of period {sheet.period}"
        if sheet.period == 1:
            receiver: Team = "home" if sheet.dice.happens(0.5) else "away"
            sheet.detail = Football(possession=receiver, receives_second_half=other(receiver))
        elif sheet.period in (3, self.timing.periods + 1):
            first = sheet.detail_of(Football).receives_second_half
            sheet.detail = Football(possession=first, receives_second_half=first)

    def play(self, sheet: Sheet, fixture: Fixture) -> int:
        drive = sheet.detail_of(Football)
        if drive.down == 4 and not (drive.distance <= 1 and 45 <= drive.yard <= 70):
            return self._kick(sheet, fixture, drive)
        gain, is_turnover, used = self._snap(sheet, fixture, drive)
        if is_turnover:
            sheet.last_play = f"Turnover by {_card(fixture, drive).name}"
            _hand_over(drive, yard=100 - drive.yard)
        elif drive.yard + gain >= 100:
            _touchdown(sheet, fixture, drive)
        else:
            _advance(sheet, fixture, drive, gain)
        return sheet.dice.integer(*used)

    def odds(self, sheet: Sheet, fixture: Fixture) -> Odds:
        if sheet.status is GameStatus.FINAL:
            home = 0.5 if sheet.lead == 0 else float(sheet.lead > 0)
            return Odds(home=home, away=1.0 - home)
        share = self.timing.left_s(sheet) / self.timing.regulation_s
        live = sheet.status is GameStatus.IN_PROGRESS
        home = lead_wins(
            lead=sheet.lead + (_expected_points(sheet.detail_of(Football)) * min(1.0, 40 * share) if live else 0.0),
            drift=_margin(fixture) * share,
            variance=_SIGMA * _SIGMA * share,
        )
        return Odds(home=home, away=1.0 - home)

    def is_decided(self, sheet: Sheet) -> bool:
        return sheet.period > self.timing.periods and sheet.lead != 0

    def _snap(self, sheet: Sheet, fixture: Fixture, drive: Football) -> tuple[int, bool, tuple[int, int]]:
        if sheet.dice.happens(0.022):
            return 0, True, _STOP_S
        if sheet.dice.happens(0.27):
            return 0, False, _STOP_S
        bonus = _YARDS_PER_MARGIN * _margin(fixture) * (1 if drive.possession == "home" else -1)
        gain = round(sheet.dice.exponential(9.9) - 2.0 + bonus)
        return max(-8, gain), False, _RUN_S

    def _kick(self, sheet: Sheet, fixture: Fixture, drive: Football) -> int:
        team = _card(fixture, drive).name
        if drive.yard >= 63:
            is_good = sheet.dice.happens(0.97 - 0.012 * (100 - drive.yard))
            sheet.last_play = f"{team} field goal {'good' if is_good else 'missed'}"
            if is_good:
                sheet.score(drive.possession, 3)
            _hand_over(drive, yard=25 if is_good else 100 - drive.yard)
        else:
            sheet.last_play = f"{team} punt"
            _hand_over(drive, yard=max(8, 100 - drive.yard - sheet.dice.integer(36, 48)))
        return sheet.dice.integer(*_KICK_S)


def _card(fixture: Fixture, drive: Football) -> TeamCard:
    return fixture.home if drive.possession == "home" else fixture.away


def _margin(fixture: Fixture) -> float:
    return phi_inverse(fixture.home_prob) * _SIGMA


def _hand_over(drive: Football, *, yard: int) -> None:
    drive.possession = other(drive.possession)
    drive.down, drive.distance, drive.yard = 1, 10, min(99, max(1, yard))


def _touchdown(sheet: Sheet, fixture: Fixture, drive: Football) -> None:
    sheet.last_play = f"Touchdown {_card(fixture, drive).name}"
    sheet.score(drive.possession, 7 if sheet.dice.happens(0.95) else 6)
    _hand_over(drive, yard=25)


def _advance(sheet: Sheet, fixture: Fixture, drive: Football, gain: int) -> None:
    drive.yard = max(1, drive.yard + gain)
    sheet.last_play = f"{_card(fixture, drive).name} for {gain} yards"
    if gain >= drive.distance:
        drive.down, drive.distance = 1, min(10, 100 - drive.yard)
    elif drive.down == 4:
        _hand_over(drive, yard=100 - drive.yard)
    else:
        drive.down, drive.distance = drive.down + 1, drive.distance - gain


def _expected_points(drive: Football) -> float:
    """Points the possession is worth to home: by field position, less with each down gone."""
    worth = 0.062 * (drive.yard - 12) - 0.45 * (drive.down - 1)
    return worth if drive.possession == "home" else -worth
