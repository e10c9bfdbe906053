"""How good a probability was: Brier score and calibration curve, beside the market's own.

Source: G. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950) 1-3.
Pure statistics on floats; a model that does not beat the market is meant to say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Bin(NamedTuple):
    """Forecasts within [low, high): how many, their mean, and how often the thing came true."""

    low: float
    high: float
    forecasts: int
    mean_forecast: float
    frequency: float


class Comparison(NamedTuple):
    model_brier: float
    market_brier: float
    forecasts: int

    @property
    def beats_market(self) -> bool:
        return self.forecasts > 0 and self.model_brier < self.market_brier


def brier(pairs: Iterable[tuple[float, bool]]) -> float:
    """Mean squared error of (forecast, came true): 0 is perfect, 0.25 a coin. Raises ValueError without pairs."""
    total = count = 0.0
    for forecast, came_true in pairs:
        total += (forecast - came_true) ** 2
        count += 1
    if not count:
        raise ValueError("A Brier score needs at least one forecast.")
    return total / count


def calibration_curve(pairs: Sequence[tuple[float, bool]], bins: int = 10) -> tuple[Bin, ...]:
    """Equal-width bins over [0, 1]; empty bins are left out; a forecast of exactly 1 falls into the last."""
    grouped: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for pair in pairs:
        grouped[min(int(pair[0] * bins), bins - 1)].append(pair)
    return tuple(_bin(index, bins, group) for index, group in enumerate(grouped) if group)


def compare(rows: Sequence[tuple[float, float, bool]]) -> Comparison:
    """Brier of the model beside the market's over rows of (model, market, came true)."""
    return Comparison(
        model_brier=brier((model, true) for model, _, true in rows),
        market_brier=brier((market, true) for _, market, true in rows),
        forecasts=len(rows),
    )


def _bin(index: int, bins: int, group: list[tuple[float, bool]]) -> Bin:
    count = len(group)
    mean = sum(forecast for forecast, _ in group) / count
    return Bin(index / bins, (index + 1) / bins, count, mean, sum(true for _, true in group) / count)
