"""A few seeds of the chaos in every run of the suite; `make chaos` plays hundreds."""

from __future__ import annotations

import pytest

from tests.chaos.run import Run
from tests.chaos.seeds import KEPT

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("seed", KEPT)
def test_nothing_is_lost_doubled_or_unaudited(seed):
    result = Run(seed).play()
    assert result.findings == [], "\n".join(map(str, result.findings))
    assert result.orders


def test_the_same_seed_is_the_same_run():
    first, second = Run(KEPT[0]).play(), Run(KEPT[0]).play()
    assert (first.digest, first.statuses, first.faults) == (second.digest, second.statuses, second.faults)
    assert Run(KEPT[1]).play().digest != first.digest
