"""Goals as two Poisson processes: what hockey and soccer share. Source: Maher (1982)."""

from __future__ import annotations

from venues.simulator.games.probability import phi_inverse
from venues.simulator.games.sheet import Fixture, Sheet


def goal_rates(fixture: Fixture, goals_a_side: float, log_ratio_per_sigma: float) -> tuple[float, float]:
    """Expected goals of home and away in regulation for the fixture's strength."""
    ratio: float = 2.718281828459045 ** (log_ratio_per_sigma * phi_inverse(fixture.home_prob))
    return goals_a_side * ratio, goals_a_side / ratio


def maybe_goal(sheet: Sheet, fixture: Fixture, *, home: float, away: float, cry: str, otherwise: str) -> None:
    """One roll: a goal of home or away with these probabilities, told with `cry`, or else `otherwise`."""
    roll = sheet.dice.uniform()
    if roll < home + away:
        is_home = roll < home
        sheet.score("home" if is_home else "away", 1)
        sheet.last_play = f"{cry} {(fixture.home if is_home else fixture.away).name}"
    else:
        sheet.last_play = otherwise
