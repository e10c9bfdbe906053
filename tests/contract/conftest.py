"""Every card is dealt to every venue."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.bench import Bench, bench
from venues.types import Venue


@pytest.fixture(params=list(Venue), ids=str)
async def venue(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with bench(request.param) as on:
        yield on
