"""How sure the strategy is of one entry, 0 to 1, as a weighted mean of factors kept one by one.

Invariant: a factor that is not known counts as zero and keeps its weight, so that missing information can only lower
the score. Everything is in millionths. The factors: the edge over the executable price with its fee; the drop against
the league's usual swing; time left; spread and depth at size; whether the fall has stopped; how many fresh feeds agree
on the game; and whether the deficit can still be recovered.
"""

from __future__ import annotations

from typing import NamedTuple

from trading.domain.commands import Confidence, Factor
from trading.domain.config import ConfidenceWeights
from venues.types import MICRO

FULL_EDGE_U = 50_000
"""An edge of five cents a contract is as good as any larger one: more is rather a wrong model."""

USUAL_SWING_U: dict[str, int] = {"basketball": 200_000, "football": 200_000, "tennis": 250_000}
"""How far a contract commonly falls and comes back within one game; the default holds for low-scoring sports."""

USUAL_SWING_DEFAULT_U = 150_000
FULL_TIME_LEFT_U = 500_000

FACTORS = ConfidenceWeights.__struct_fields__


class Evidence(NamedTuple):
    """What is known about one entry. None: not known."""

    swing_u: int
    edge_u: int | None
    drop_u: int | None
    time_left_u: int | None
    spread_u: int
    max_spread_u: int
    depth_usd_u: int
    wanted_usd_u: int
    recent_fall_u: int | None
    fresh_sources: int
    recoverable_u: int | None


def usual_swing_u(sport: str) -> int:
    return USUAL_SWING_U.get(sport, USUAL_SWING_DEFAULT_U)


class Weighing(NamedTuple):
    """The weights in the order of `FACTORS`, and their sum."""

    weights: tuple[int, ...]
    total: int


def weighing(weights: ConfidenceWeights) -> Weighing:
    in_order: tuple[int, ...] = tuple(getattr(weights, name) for name in FACTORS)
    return Weighing(in_order, sum(in_order))


class Judgement(NamedTuple):
    """`score_u`: the weighted mean in millionths, floored. `needed_fall_u`: how far the price must at least fall before
    the score can reach the minimum while the game stands still; 0 if it could without."""

    score_u: int
    needed_fall_u: int


def judge(evidence: Evidence, scales: Weighing, minimum_u: int) -> Judgement:
    """The score against its minimum. No weight at all scores 0."""
    values = _values(evidence)
    score_u = _weighted(values, scales)
    if score_u >= minimum_u or not scales.total:
        return Judgement(score_u, 0)
    edge_u, drop_u, time_u, _, _, _, _, recoverable_u = values
    best_u = _weighted((edge_u, drop_u, time_u, MICRO, MICRO, MICRO, MICRO, recoverable_u), scales)
    return Judgement(score_u, _fall_for(minimum_u - best_u, evidence.swing_u, scales))


def breakdown(evidence: Evidence, scales: Weighing) -> Confidence:
    """The score with every factor that made it, in a fixed order."""
    values = _values(evidence)
    parts = zip(FACTORS, values, scales.weights, strict=True)
    return Confidence(_weighted(values, scales), tuple(Factor(*part) for part in parts))


def _fall_for(missing_u: int, swing_u: int, scales: Weighing) -> int:
    """The fall by which edge and drop together, the steepest they can, gain what is missing; floored."""
    gain = scales.weights[0] * swing_u + scales.weights[1] * FULL_EDGE_U
    if missing_u <= 0:
        return 0
    return missing_u * scales.total * FULL_EDGE_U * swing_u // (MICRO * gain) if gain else MICRO


def _weighted(values: tuple[int | None, ...], scales: Weighing) -> int:
    weighted = 0
    for value_u, weight in zip(values, scales.weights, strict=True):
        if value_u:
            weighted += value_u * weight
    return weighted // scales.total if scales.total else 0


def _values(evidence: Evidence) -> tuple[int | None, ...]:
    """The factors in the order of `FACTORS`, millionths."""
    return (
        _ratio(evidence.edge_u, FULL_EDGE_U),
        _ratio(evidence.drop_u, evidence.swing_u),
        _ratio(evidence.time_left_u, FULL_TIME_LEFT_U),
        MICRO - _share(evidence.spread_u, 2 * evidence.max_spread_u),
        _ratio(evidence.depth_usd_u, evidence.wanted_usd_u),
        _stability(evidence),
        _feed(evidence.fresh_sources),
        evidence.recoverable_u,
    )


def _ratio(value_u: int | None, full_u: int) -> int | None:
    return None if value_u is None else _share(value_u, full_u)


def _share(value_u: int, full_u: int) -> int:
    """value ÷ full within [0, 1], floored."""
    if value_u >= full_u:
        return MICRO
    return value_u * MICRO // full_u if value_u > 0 else 0


def _stability(evidence: Evidence) -> int | None:
    """1 when the price has not fallen of late; 0 when the last seconds alone fell by half a usual swing."""
    if evidence.recent_fall_u is None:
        return None
    return MICRO - _share(evidence.recent_fall_u, evidence.swing_u // 2)


def _feed(fresh_sources: int) -> int:
    """One fresh source is good, two that agree are better."""
    return (0, 800_000, MICRO)[min(fresh_sources, 2)]
