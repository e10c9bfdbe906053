"""Win probability where scores are few and counted: goals, runs, sets.

Story: the strength of the home side (its pregame win probability) is turned into scoring rates once, by bisection, and
cached; then the goals, half-innings or sets still to come are added to the score there is.

Sources: Poisson goals: M. Maher, "Modelling association football scores", Statistica Neerlandica 36 (1982) 109-118.
Runs of a half-inning: the Tango distribution, control value 0.767, with 0.5 runs an inning for each side (MLB average
of the last decades; Project Scoresheet 1984-94 counts 0.49). Sets: independent, as in J. Klaassen and J. Magnus, JASA
96 (2001) 500-509, who find that nearly true. All floats; pure; cached by rounded arguments only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache
from math import exp

MAX_GOALS = 15
RUNS_PER_HALF_INNING = 0.5
MAX_RUNS = 12
HALF_INNINGS = 18
TANGO_CONTROL = 0.767


def poisson_outcomes(
    *, lead: int, left: float, total: float, strength: float, has_draws: bool
) -> tuple[float, float, float]:
    """P(home ahead), P(level), P(away ahead) after regulation, `left` of it still to play."""
    share = _goal_share(round(strength, 6), total, has_draws)
    return _outcomes(lead, total * left * share, total * left * (1 - share))


def innings_home_win(*, lead: int, left: float, strength: float) -> float:
    """P(home wins) with `left` of the nine innings to play; the away side bats first in each.

    A home side that leads does not bat in its last half, which changes nothing about who wins. Level after nine:
    one extra inning after another, each as likely to favor a side as its rates say.
    """
    share = _run_share(strength)
    halves_left = min(max(round(left * HALF_INNINGS), 0), HALF_INNINGS)
    home_halves, away_halves = (halves_left + 1) // 2, halves_left // 2
    difference = _run_difference(home_halves, away_halves, share)
    ahead = sum(p for margin, p in difference.items() if margin + lead > 0)
    level = difference.get(-lead, 0.0)
    return ahead + level * _extra_innings(share)


def sets_home_win(*, home_sets: int, away_sets: int, needed: int, strength: float) -> float:
    """P(home wins the match) from the sets won so far; the set in play counts as not begun."""
    per_set = _set_probability(round(strength, 6), needed)
    return _match(max(needed - home_sets, 0), max(needed - away_sets, 0), per_set)


def _outcomes(lead: int, home_rate: float, away_rate: float) -> tuple[float, float, float]:
    home, away = _poisson(home_rate), _poisson(away_rate)
    ahead = level = 0.0
    for goals, p in enumerate(home):
        for conceded, q in enumerate(away):
            margin = lead + goals - conceded
            if margin > 0:
                ahead += p * q
            elif margin == 0:
                level += p * q
    return ahead, level, max(1.0 - ahead - level, 0.0)


def _poisson(rate: float) -> list[float]:
    mass = [exp(-rate)]
    for count in range(1, MAX_GOALS + 1):
        mass.append(mass[-1] * rate / count)
    return mass


@lru_cache(maxsize=4096)
def _goal_share(strength: float, total: float, has_draws: bool) -> float:
    """Share of the goals that are the home side's, so that the pregame model gives `strength`."""

    def pregame(share: float) -> float:
        home, level, _ = _outcomes(0, total * share, total * (1 - share))
        return home if has_draws else home + level * (0.25 + 0.5 * strength)

    return _solve(pregame, strength)


def _half_inning(runs: float) -> list[float]:
    """The Tango distribution of runs in a half-inning with this mean, its tail cut at `MAX_RUNS`."""
    scoreless = runs / (runs + TANGO_CONTROL * runs * runs)
    decay = 1 - TANGO_CONTROL * scoreless
    mass = [scoreless, (1 - scoreless) * (1 - decay)]
    while len(mass) < MAX_RUNS:
        mass.append(mass[-1] * decay)
    return mass


def _run_difference(home_halves: int, away_halves: int, share: float) -> dict[int, float]:
    """Home runs minus away runs over the halves to come; the share is taken to the nearest 1/500."""
    return _cached_run_difference(home_halves, away_halves, round(share * 500))


@lru_cache(maxsize=4096)
def _cached_run_difference(home_halves: int, away_halves: int, share_500: int) -> dict[int, float]:
    difference = {0: 1.0}
    share = share_500 / 500
    for runs, halves, sign in ((2 * share, home_halves, 1), (2 * (1 - share), away_halves, -1)):
        mass = _half_inning(RUNS_PER_HALF_INNING * runs)
        for _ in range(halves):
            difference = _convolve(difference, mass, sign)
    return difference


def _convolve(difference: dict[int, float], mass: list[float], sign: int) -> dict[int, float]:
    result: dict[int, float] = {}
    for margin, p in difference.items():
        for runs, q in enumerate(mass):
            key = margin + sign * runs
            result[key] = result.get(key, 0.0) + p * q
    return result


def _extra_innings(share: float) -> float:
    one = _run_difference(1, 1, share)
    ahead = sum(p for margin, p in one.items() if margin > 0)
    behind = sum(p for margin, p in one.items() if margin < 0)
    return ahead / (ahead + behind)


def _run_share(strength: float) -> float:
    """The home side's share of the runs at this strength, between the two nearest of a table made once."""
    table = _run_share_table()
    above = min(max(bisect_left(table, (strength, 0.0)), 1), len(table) - 1)
    (low, low_share), (high, high_share) = table[above - 1], table[above]
    part = min(max((strength - low) / (high - low), 0.0), 1.0)
    return low_share + part * (high_share - low_share)


@lru_cache(maxsize=1)
def _run_share_table() -> tuple[tuple[float, float], ...]:
    """(pregame win probability, share) for shares of 0.2 to 0.8."""
    half = HALF_INNINGS // 2
    rows = []
    for step in range(100, 401, 10):
        share = step / 500
        difference = _run_difference(half, half, share)
        ahead = sum(p for margin, p in difference.items() if margin > 0)
        rows.append((ahead + difference.get(0, 0.0) * _extra_innings(share), share))
    return tuple(rows)


def _match(home_needs: int, away_needs: int, per_set: float) -> float:
    if home_needs == 0 or away_needs == 0:
        return 1.0 if home_needs == 0 else 0.0
    won = _match(home_needs - 1, away_needs, per_set)
    lost = _match(home_needs, away_needs - 1, per_set)
    return per_set * won + (1 - per_set) * lost


@lru_cache(maxsize=1024)
def _set_probability(strength: float, needed: int) -> float:
    return _solve(lambda per_set: _match(needed, needed, per_set), strength)


def _solve(rising: Callable[[float], float], target: float) -> float:
    """The argument in (0.001, 0.999) at which a rising function reaches `target`, by 24 bisections."""
    low, high = 0.001, 0.999
    for _ in range(24):
        middle = (low + high) / 2
        if rising(middle) < target:
            low = middle
        else:
            high = middle
    return (low + high) / 2
