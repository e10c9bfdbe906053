"""Tasks that die are started again: after how long, and who hears of it. On virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.chaos.virtual import VirtualLoop
from trading.engine.supervised import PAUSE_MAX_S, STABLE_AFTER_S, TaskGroup


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop(start_ms=0)
    yield loop
    loop.close()


class Dying:
    """Work that lives for some seconds and then raises; remembers when it began."""

    def __init__(self, loop: VirtualLoop, problem: Exception, *, lives_s: float = 0.0) -> None:
        self._loop = loop
        self._problem = problem
        self._lives_s = lives_s
        self.began_s: list[float] = []

    async def __call__(self) -> None:
        self.began_s.append(self._loop.elapsed_s)
        await asyncio.sleep(self._lives_s)
        raise self._problem


async def watched(group: TaskGroup, work: Dying, seconds: float) -> None:
    group.supervise("work", work)
    await asyncio.sleep(seconds)
    await group.stop(drain_s=0.0)


def test_what_dies_of_a_long_outage_is_started_again_within_seconds_of_its_end(loop: VirtualLoop):
    work = Dying(loop, ConnectionError("the database is away"))
    loop.run_until_complete(watched(TaskGroup(), work, 120.0))
    pauses = [after - before for before, after in pairwise(work.began_s)]
    assert pauses[:4] == [1.0, 2.0, 4.0, PAUSE_MAX_S] and max(pauses) == PAUSE_MAX_S == 5.0


def test_what_lived_for_long_is_started_again_at_once_next_time(loop: VirtualLoop):
    work = Dying(loop, ValueError("now and then"), lives_s=STABLE_AFTER_S + 1.0)
    loop.run_until_complete(watched(TaskGroup(), work, 4 * STABLE_AFTER_S))
    assert [after - before for before, after in pairwise(work.began_s)] == [STABLE_AFTER_S + 2.0] * 3


def test_only_a_failed_assertion_is_told_as_our_own_fault(loop: VirtualLoop):
    told: list[tuple[str, str]] = []
    group = TaskGroup(broken=lambda task, problem: told.append((task, str(problem))))
    loop.run_until_complete(watched(group, Dying(loop, ValueError("a venue's")), 0.5))
    assert told == []
    loop.run_until_complete(watched(group, Dying(loop, AssertionError("ours")), 0.5))
    assert told == [("work", "ours")]
