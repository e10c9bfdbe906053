"""A simulated Kalshi on a real port, with a quoted market; tests of other venues have a `stand` of their own. And both
venues with their control port, their clock paused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.venues.simulator.kalshi_stand import Stand, kalshi_stand
from venues.simulator.config import SimulatorConfig
from venues.simulator.simulator import Simulator


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with kalshi_stand() as made:
        made.quote([(47, 300), (1, 1_000_000)], [(52, 300), (99, 1_000_000)])
        yield made


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    running = Simulator(SimulatorConfig(port=0, is_paused=True, games=1))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def control(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulator.endpoints.control) as client:
        yield client
