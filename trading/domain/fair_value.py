"""Win probability from the state of a game: what a contract is worth by the score alone.

Story: each sport has one small model with one free number, the strength of the home side, and that number is solved
from the pregame price; so before the first play the model agrees with the market, and afterwards only the score moves
it. Basketball and football here, by Brownian motion; the counting sports in `scoring_models`.

Source: H. S. Stern, "A Brownian Motion Model for the Progress of Sports Scores", JASA 89 (1994) 1128-1134:
P(home wins) = Φ((lead + μτ) / (σ√τ)), τ the fraction of regulation left. μ = σ Φ⁻¹(pregame).
σ, points of the final margin around its expectation: nfl 13.86 (Stern, "On the Probability of Winning a Football
Game", The American Statistician 45 (1991) 179-183); nba 12, ncaam 10, ncaaf 16 (W. Winston, "Mathletics", 2009);
women's leagues take the men's college value. Probabilities are floats here; they become millionths at the border.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from statistics import NormalDist

import msgspec

from trading.domain.scoring_models import innings_home_win, poisson_outcomes, sets_home_win
from venues.types import MICRO, GameState, GameStatus

SIGMA_POINTS: dict[str, float] = {
    "nba": 12.0,
    "wnba": 10.0,
    "ncaam": 10.0,
    "ncaaw": 10.0,
    "nfl": 13.86,
    "ncaaf": 16.0,
}
SIGMA_DEFAULT: dict[str, float] = {"basketball": 11.0, "football": 14.0}

GOALS_PER_GAME: dict[str, float] = {"hockey": 6.1, "soccer": 2.75}
"""Both sides together: NHL 2022-24 about 6.2 with overtime; big European leagues and MLS about 2.7 to 2.9."""

SETS_TO_WIN: dict[str, int] = {"atp": 2, "wta": 2}

_NORMAL = NormalDist()
_EDGE = 1e-6


def home_win(game: GameState, strength: float) -> float | None:
    """P(home wins) when `strength` is the home side's pregame win probability; None for a sport without a model."""
    model = _TWO_WAY.get(game.sport)
    return None if model is None else _clip(model(game, _clip(strength)))


def draw(game: GameState, strength: float) -> float | None:
    """P(draw) after regulation, where the sport has draws (soccer); `strength` as in `home_win`."""
    if game.sport != "soccer":
        return None
    return _clip(_goals(game, _clip(strength))[1])


def yes_probability(game: GameState, strength: float, yes_is_home: bool | None) -> float | None:
    """P(YES pays) of a market that pays on home, away or draw."""
    if yes_is_home is None:
        return draw(game, strength)
    home = home_win(game, strength)
    if home is None or yes_is_home:
        return home
    tie = draw(game, strength) or 0.0
    return _clip(1.0 - home - tie)


def implied_strength(game: GameState, price: float, yes_is_home: bool | None) -> float | None:
    """The strength at which the model gives YES this `price` in this state, by 20 bisections.

    Before the game this is the market's own opinion; in play it backs the opinion out of a late price. A draw price
    says little about which side is stronger, so a draw market takes even sides.
    """
    if yes_is_home is None:
        return 0.5 if game.sport == "soccer" else None
    if home_win(game, 0.5) is None:
        return None
    if game.sport != "soccer" and game.home_score == game.away_score and remaining_fraction(game) == 1.0:
        return price if yes_is_home else 1.0 - price
    low, high = _EDGE, 1.0 - _EDGE
    for _ in range(20):
        middle = (low + high) / 2
        value = yes_probability(game, middle, yes_is_home)
        assert value is not None
        if (value < price) is yes_is_home:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def fair_yes_u(game: GameState, strength: float | None, yes_is_home: bool | None) -> int | None:
    """What one YES contract is worth, µUSD; None where there is no model or no pregame price."""
    if strength is None:
        return None
    probability = yes_probability(game, strength, yes_is_home)
    return None if probability is None else round(probability * MICRO)


def before_the_start(game: GameState) -> GameState:
    """The same game with nothing played: what a price from before the start is about."""
    return msgspec.structs.replace(game, status=GameStatus.SCHEDULED, home_score=0, away_score=0, elapsed_frac_u=0)


def remaining_fraction(game: GameState) -> float:
    """Part of regulation left, 1 before the start, 0 at the end and in overtime."""
    if game.status in (GameStatus.SCHEDULED, GameStatus.POSTPONED):
        return 1.0
    return 1.0 - min(max(game.elapsed_frac_u, 0), MICRO) / MICRO


def recoverable(game: GameState, team_is_home: bool) -> float | None:
    """How recoverable the side's deficit is, 1 (level or ahead) to 0 (two standard deviations behind)."""
    sigma = _sigma(game) if game.sport in SIGMA_DEFAULT else _goal_sigma(game)
    if sigma is None:
        return None
    lead = game.home_score - game.away_score
    deficit = max(-lead if team_is_home else lead, 0)
    spread = sigma * sqrt(max(remaining_fraction(game), _EDGE))
    return max(0.0, 1.0 - deficit / (2 * spread))


def _brownian(game: GameState, strength: float) -> float:
    left = max(remaining_fraction(game), _EDGE)
    lead = game.home_score - game.away_score
    drift = _NORMAL.inv_cdf(strength) * left
    return _NORMAL.cdf((lead / _sigma(game) + drift) / sqrt(left))


def _goals(game: GameState, strength: float) -> tuple[float, float, float]:
    total = GOALS_PER_GAME[game.sport]
    return poisson_outcomes(
        lead=game.home_score - game.away_score,
        left=remaining_fraction(game),
        total=total,
        strength=strength,
        has_draws=game.sport == "soccer",
    )


def _hockey(game: GameState, strength: float) -> float:
    """Regulation by Poisson; overtime and shootout half each, leaning to the stronger side as the game does."""
    home, tie, _ = _goals(game, strength)
    return home + tie * (0.25 + 0.5 * strength)


def _soccer(game: GameState, strength: float) -> float:
    return _goals(game, strength)[0]


def _baseball(game: GameState, strength: float) -> float:
    lead = game.home_score - game.away_score
    return innings_home_win(lead=lead, left=remaining_fraction(game), strength=strength)


def _tennis(game: GameState, strength: float) -> float:
    needed = SETS_TO_WIN.get(game.league, 2)
    return sets_home_win(home_sets=game.home_score, away_sets=game.away_score, needed=needed, strength=strength)


def _sigma(game: GameState) -> float:
    return SIGMA_POINTS.get(game.league, SIGMA_DEFAULT[game.sport])


def _goal_sigma(game: GameState) -> float | None:
    """Standard deviation of the final margin of two Poisson counts is the root of their total."""
    if game.sport == "baseball":
        return 4.3
    total = GOALS_PER_GAME.get(game.sport)
    return None if total is None else sqrt(total)


def _clip(probability: float) -> float:
    return min(max(probability, _EDGE), 1.0 - _EDGE)


_TWO_WAY: dict[str, Callable[[GameState, float], float]] = {
    "basketball": _brownian,
    "football": _brownian,
    "hockey": _hockey,
    "soccer": _soccer,
    "baseball": _baseball,
    "tennis": _tennis,
}
