"""A few seeds of the chaos in every run of the suite, and two traders it must catch; `make chaos` plays hundreds."""

from __future__ import annotations

from functools import cache

import pytest

from tests.chaos.result import Result
from tests.chaos.run import Run
from tests.chaos.seeds import KEPT
from tests.chaos.variants import known_bad, unreached, watched

pytestmark = pytest.mark.django_db


@cache
def played(seed: int) -> Result:
    return Run(seed).play()


@pytest.mark.parametrize("seed", KEPT)
def test_nothing_is_lost_doubled_or_unaudited(seed):
    result = played(seed)
    assert result.findings == [], "\n".join(map(str, result.findings))
    assert result.orders


def test_the_same_seed_is_the_same_run_also_where_every_query_is_compiled_anew():
    first, second = played(KEPT[0]), Run(KEPT[0], compares=True).play()
    assert (first.digest, first.statuses, first.faults) == (second.digest, second.statuses, second.faults)
    assert played(KEPT[1]).digest != first.digest


def test_a_run_that_does_not_come_to_rest_says_so():
    assert "LIVENESS" in {found.code for found in Run(21, active_s=2.0, patience_s=0.0).play().findings}


@pytest.mark.parametrize(("variant", "code"), [("fee-by-model", "INV-20"), ("audit-forgotten", "INV-40")])
def test_a_trader_that_breaks_a_rule_is_caught(variant, code):
    with known_bad()[variant].patch():
        result = Run(21, patience_s=3.0).play()
    assert code in {found.code for found in result.findings}


def test_what_makes_a_trader_wrong_is_what_a_run_comes_by():
    with watched():
        assert unreached()
        for seed in (25, *KEPT, *range(100, 120)):
            if unreached():
                Run(seed).play()
    assert unreached() == set()


def test_there_are_enough_wrong_traders_and_each_says_what_is_wrong():
    assert len(known_bad()) >= 15
    assert all(variant.words and variant.name == name for name, variant in known_bad().items())
