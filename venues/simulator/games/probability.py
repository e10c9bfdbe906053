"""The few distributions that the fair prices of the games need.

Sources: Stern (1994) for the lead as Brownian motion with drift; goals as Poisson processes (Maher 1982).
"""

from __future__ import annotations

import math
from functools import lru_cache

_GOALS = 12


def phi(value: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-value / math.sqrt(2.0))


def phi_inverse(probability: float) -> float:
    """The normal quantile by bisection to 1e-9: called once a game, so simple beats fast."""
    low, high = -8.0, 8.0
    while high - low > 1e-9:
        middle = (low + high) / 2.0
        if phi(middle) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def lead_wins(*, lead: float, drift: float, variance: float) -> float:
    """P(the lead ends above 0) when `drift` and `variance` are still to come; a dead tie counts half."""
    if variance <= 1e-12:
        return 0.5 if lead == 0 else float(lead > 0)
    return phi((lead + drift) / math.sqrt(variance))


@lru_cache(maxsize=4096)
def _poisson(rate_milli: int) -> tuple[float, ...]:
    rate = rate_milli / 1000.0
    row = [math.exp(-rate)]
    for goals in range(1, _GOALS):
        row.append(row[-1] * rate / goals)
    return tuple(row)


def goals_left(*, lead: int, home_rate: float, away_rate: float) -> tuple[float, float, float]:
    """P(home ahead), P(level), P(away ahead) with Poisson goals of these means still to come."""
    home_row, away_row = _poisson(round(home_rate * 1000)), _poisson(round(away_rate * 1000))
    ahead = level = 0.0
    total = sum(home_row) * sum(away_row)
    for home, home_p in enumerate(home_row):
        for away, away_p in enumerate(away_row):
            margin = lead + home - away
            if margin > 0:
                ahead += home_p * away_p
            elif margin == 0:
                level += home_p * away_p
    return ahead / total, level / total, max(0.0, 1.0 - (ahead + level) / total)
