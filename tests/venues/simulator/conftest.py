"""A simulated Kalshi on a real port, with a quoted market; tests of other venues have a `stand` of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.venues.simulator.kalshi_stand import Stand, kalshi_stand


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with kalshi_stand() as made:
        made.quote([(47, 300), (1, 1_000_000)], [(52, 300), (99, 1_000_000)])
        yield made
