"""A thin version of `make chaos-kill`: three deaths of real processes on an order's way; and what the plan promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from core.kill_points import KILL_POINTS
from tests.kill.__main__ import play
from tests.kill.circumstances import CIRCUMSTANCES
from tests.kill.database import Template
from tests.kill.plan import ANYWHERE, OTHERS, Death, RunPlan, plans

DEATHS = (Death("P2.after_commit"), Death("P12.never_prepared"), Death("P6.answered", 2))
"""Written down and never sent; found so by the next one; at the venue, and the answer lost."""


@pytest.mark.whole
def test_killed_three_times_it_comes_to_the_venues_own_books(tmp_path: Path):
    template = Template(tmp_path, server="")
    template.make()
    result = play(RunPlan(1, 7, DEATHS), template=template, folder=tmp_path)
    assert result.findings == [] and result.is_good
    assert result.died == [death.point for death in DEATHS]
    assert result.orders > 0


def test_fifty_runs_die_at_every_point_and_the_same_numbers_make_the_same_plan():
    made = list(plans(50, seed=7))
    assert made == list(plans(50, seed=7)) != list(plans(50, seed=8))
    dies = Counter(death.point for plan in made for death in plan.deaths if not plan.is_stop)
    assert dies.keys() == KILL_POINTS and min(dies.values()) >= 2
    stops = Counter(death.point for plan in made for death in plan.deaths if plan.is_stop)
    assert stops.total() == 8 and stops[ANYWHERE] == 4
    others = Counter(death.other for plan in made for death in plan.deaths)
    assert all(others[name] >= 3 for name in OTHERS)


def test_circumstances_are_of_points_that_are_there():
    assert CIRCUMSTANCES.keys() <= KILL_POINTS
