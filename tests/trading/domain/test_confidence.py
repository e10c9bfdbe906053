"""Missing information lowers the score and never raises it; better evidence never lowers it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading.domain.confidence import FACTORS, Evidence, breakdown, judge, weighing
from trading.domain.config import ConfidenceWeights
from venues.types import MICRO

SCALES = weighing(ConfidenceWeights())
MAYBE = ("edge_u", "drop_u", "time_left_u", "recent_fall_u", "recoverable_u")


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    maybe = st.none() | st.integers(-200_000, MICRO)
    return Evidence(
        swing_u=200_000,
        edge_u=draw(maybe),
        drop_u=draw(maybe),
        time_left_u=draw(st.none() | st.integers(0, MICRO)),
        spread_u=draw(st.integers(0, 60_000)),
        max_spread_u=50_000,
        depth_usd_u=draw(st.integers(0, 100 * MICRO)),
        wanted_usd_u=50 * MICRO,
        recent_fall_u=draw(st.none() | st.integers(0, 300_000)),
        fresh_sources=draw(st.integers(0, 3)),
        recoverable_u=draw(st.none() | st.integers(0, MICRO)),
    )


@given(evidence=evidences(), name=st.sampled_from(MAYBE))
def test_a_missing_factor_never_raises_the_score(evidence: Evidence, name: str) -> None:
    without = evidence._replace(**{name: None})
    assert judge(without, SCALES, 0).score_u <= judge(evidence, SCALES, 0).score_u


@given(evidence=evidences())
def test_the_score_is_the_weighted_mean_of_its_parts(evidence: Evidence) -> None:
    confidence = breakdown(evidence, SCALES)
    assert tuple(factor.name for factor in confidence.factors) == FACTORS
    mean = sum((factor.value_u or 0) * factor.weight for factor in confidence.factors)
    assert confidence.score_u == mean // SCALES.total == judge(evidence, SCALES, 0).score_u
    assert 0 <= confidence.score_u <= MICRO
    assert all(factor.value_u is None or 0 <= factor.value_u <= MICRO for factor in confidence.factors)


@given(evidence=evidences(), more=st.integers(0, 100_000))
def test_a_better_edge_never_lowers_the_score(evidence: Evidence, more: int) -> None:
    if evidence.edge_u is not None:
        better = evidence._replace(edge_u=evidence.edge_u + more)
        assert judge(better, SCALES, 0).score_u >= judge(evidence, SCALES, 0).score_u


@given(evidence=evidences(), minimum=st.integers(1, MICRO), part=st.integers(0, 999))
def test_a_smaller_fall_than_the_one_needed_cannot_reach_the_minimum(
    evidence: Evidence, minimum: int, part: int
) -> None:
    """This is what lets the hot path skip the question while the price is above a bound."""
    score_u, needed_u = judge(evidence, SCALES, minimum)
    if score_u >= minimum or not needed_u:
        return
    fall_u = (needed_u - 1) * part // 1000
    fallen = evidence._replace(
        edge_u=None if evidence.edge_u is None else evidence.edge_u + fall_u,
        drop_u=None if evidence.drop_u is None else evidence.drop_u + fall_u,
        spread_u=0,
        depth_usd_u=evidence.wanted_usd_u,
        recent_fall_u=0,
        fresh_sources=2,
    )
    assert judge(fallen, SCALES, minimum).score_u < minimum


def test_no_weights_score_nothing() -> None:
    nothing = weighing(ConfidenceWeights(**dict.fromkeys(FACTORS, 0)))
    evidence = Evidence(200_000, 1, 1, 1, 0, 1, 1, 1, 0, 2, 1)
    assert judge(evidence, nothing, 1).score_u == 0
