"""How far a game is: segment, seconds left of regulation, and the played part of regulation for every sport.

Pure arithmetic on period and clock. Clocks run down in most sports; soccer's and rugby's count up through the whole
game and stand still at the end of a half in stoppage time ("45'+2'" is second 2,700); a fighter's counts up in each
round. Baseball and set sports have no clock: half-innings with outs, and sets won, say how far they are. ESPN's period
and clock before the start and after the end mean nothing (baseball shows period 1 hours before the first pitch).
"""

from __future__ import annotations

import re

import msgspec

from venues.espn.constants import POSTSEASON, SET_SPORTS, WHOLE_GAME_CLOCK
from venues.leagues import Clock, League
from venues.types import MICRO

_HALF_INNING = re.compile(r"\b(top|mid|middle|bot|bottom|end)\b", re.IGNORECASE)
_HALVES_DONE = {"top": 0, "mid": 1, "middle": 1, "bot": 1, "bottom": 1, "end": 2}
_NAMES = {"inning": "inning_{}", "set": "set_{}", "round": "round_{}", "lap": "lap_{}", "innings": "innings_{}"}
_LETTERS = {"quarter": "q{}", "half": "h{}", "period": "p{}"}
_SOCCER_EXTRA = {3: "et1", 4: "et2", 5: "pens"}
_OUTS_PER_HALF = 3


class Regulation(msgspec.Struct, frozen=True):
    """Periods and seconds per period of this game; ESPN's own `format` wins over the league's table."""

    periods: int
    period_s: int


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The raw signs of one game. `is_started` and `is_over` come from its status, not from its clock."""

    period: int
    clock_s: float | None
    detail: str
    outs: int
    sets_won: tuple[int, int]
    season_type: int
    is_started: bool
    is_over: bool


def segment(league: League, regulation: Regulation, moment: Moment) -> str:
    """q1…q4, h1, p3, ot1, et2, pens, shootout, inning_7, set_2, round_4; empty before the start."""
    if not moment.is_started or moment.period < 1:
        return ""
    if league.period in _NAMES:
        return _NAMES[league.period].format(moment.period)
    if moment.period <= regulation.periods:
        return _LETTERS[league.period].format(moment.period)
    if league.sport == "soccer":
        return _SOCCER_EXTRA.get(moment.period, f"et{moment.period - regulation.periods}")
    extra = moment.period - regulation.periods
    if league.sport == "hockey" and extra == 2 and moment.season_type != POSTSEASON:
        return "shootout"
    return f"ot{extra}"


def remaining_s(league: League, regulation: Regulation, moment: Moment) -> int | None:
    """Whole seconds left of regulation: 0 in overtime and after the end, None in sports without a clock."""
    if league.clock is Clock.NONE or not regulation.period_s:
        return None
    total = regulation.periods * regulation.period_s
    if not moment.is_started:
        return total
    if moment.is_over or moment.period > regulation.periods:
        return 0
    later = (regulation.periods - max(moment.period, 1)) * regulation.period_s
    if moment.clock_s is None:
        return None
    return later + _left_of_period(league, regulation, moment, moment.clock_s, later)


def _left_of_period(league: League, regulation: Regulation, moment: Moment, clock_s: float, later: int) -> int:
    if league.clock is Clock.DOWN:
        left = clock_s
    elif league.sport in WHOLE_GAME_CLOCK:
        left = regulation.periods * regulation.period_s - later - clock_s
    else:
        left = regulation.period_s - clock_s
    return int(min(max(left, 0), regulation.period_s))


def elapsed_frac_u(league: League, regulation: Regulation, moment: Moment) -> int:
    """The played part of regulation in millionths, rounded down; 1_000_000 in overtime and after the end."""
    if moment.is_over:
        return MICRO
    if not moment.is_started:
        return 0
    left = remaining_s(league, regulation, moment)
    if left is not None:
        total = regulation.periods * regulation.period_s
        return (total - left) * MICRO // total
    return min(MICRO, _clockless_u(league, regulation, moment))


def _clockless_u(league: League, regulation: Regulation, moment: Moment) -> int:
    if league.sport == "baseball":
        return _half_innings_u(regulation, moment)
    if league.sport in SET_SPORTS:
        return _sets_u(regulation, moment)
    if league.period == "lap":
        return 0  # ESPN does not say how many laps a race has
    return max(moment.period - 1, 0) * MICRO // regulation.periods


def _half_innings_u(regulation: Regulation, moment: Moment) -> int:
    """Outs made of the outs to make; "Mid" and "End" stand for finished halves, so their outs do not count again."""
    found = _HALF_INNING.search(moment.detail)
    word = found.group(1).lower() if found else "top"
    halves = 2 * (max(moment.period, 1) - 1) + _HALVES_DONE[word]
    outs = min(moment.outs, _OUTS_PER_HALF) if word in ("top", "bot", "bottom") else 0
    return (halves * _OUTS_PER_HALF + outs) * MICRO // (2 * regulation.periods * _OUTS_PER_HALF)


def _sets_u(regulation: Regulation, moment: Moment) -> int:
    """Sets decided of the sets that can still be needed: at 1-1 in a best of three two of three are played."""
    return sum(moment.sets_won) * MICRO // max(regulation.periods, 1)
