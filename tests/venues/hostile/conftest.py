"""Both real adapters against a simulator whose answers a plan damages."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable

import pytest

from tests.contract.bench import Bench, bench
from venues.errors import VenueError
from venues.simulator.fault_plan import FaultRule, Match, ScheduledFaults
from venues.simulator.faults import Call, Disturbance
from venues.types import Venue


class Watched(ScheduledFaults):
    """A plan that counts what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    def before(self, call: Call) -> Disturbance | None:
        self.asked[call.op] += 1
        return super().before(call)

    def only(self, fault: str, **options: object) -> None:
        self.clear()
        self.asked.clear()
        op = options.pop("op", "create")
        self.add(FaultRule(fault=fault, match=Match(op=str(op)), **options))  # type: ignore[arg-type]


@pytest.fixture
def plan() -> Watched:
    return Watched()


@pytest.fixture(params=list(Venue), ids=str)
async def venue(request: pytest.FixtureRequest, plan: Watched) -> AsyncIterator[Bench]:
    async with bench(request.param, faults=plan) as on:
        yield on


async def error_of(answer: Awaitable[object]) -> VenueError | None:
    """What it raised of ours; anything else is a crash and passes through."""
    try:
        await answer
    except VenueError as error:
        return error
    return None
