"""Parts of a run start in order, come back when they die, and are all stopped, in time, whatever one of them does."""

from __future__ import annotations

import asyncio
import time

import pytest

from core.embedded.supervisor import STOP_BUDGET_S, Supervisor

DAY = 86_400.0


class SmallPart:
    """A part that writes down what is asked of it."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name = name
        self.dies_at_start = False
        self.fails_to_stop = False
        self.hangs_at_stop = False
        self.lives = asyncio.Event()
        self._told = told

    async def start(self) -> None:
        self._told.append(f"start {self.name}")
        if self.dies_at_start:
            raise ConnectionError("not today")
        self.lives.set()

    async def stop(self) -> None:
        self._told.append(f"stop {self.name}")
        self.lives.clear()
        if self.hangs_at_stop:
            await asyncio.sleep(DAY)
        if self.fails_to_stop:
            raise ConnectionError("not this way")

    def is_alive(self) -> bool:
        return self.lives.is_set()

    def die(self) -> None:
        self.lives.clear()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def parts(told: list[str]) -> list[SmallPart]:
    return [SmallPart(name, told) for name in ("venues", "worker", "trader")]


async def test_parts_start_in_order_and_the_first_stops_last(parts: list[SmallPart], told: list[str]):
    supervisor = Supervisor(parts)
    await supervisor.start()
    assert told == ["start venues", "start worker", "start trader"]
    await supervisor.stop()
    assert sorted(told[3:5]) == ["stop trader", "stop worker"] and told[5:] == ["stop venues"]


async def test_a_start_that_fails_stops_what_was_started_and_is_told(parts: list[SmallPart], told: list[str]):
    parts[2].dies_at_start = True
    with pytest.raises(ConnectionError, match="not today"):
        await Supervisor(parts).start()
    assert told[3:] == ["stop worker", "stop venues"]


async def test_a_part_that_died_is_started_again(parts: list[SmallPart], told: list[str]):
    supervisor = Supervisor(parts)
    await supervisor.start()
    parts[1].die()
    await asyncio.wait_for(parts[1].lives.wait(), 5.0)
    await supervisor.stop()
    assert told.count("start worker") == 2 and told.count("start trader") == 1


async def test_a_part_that_cannot_stop_keeps_no_other_from_stopping(parts: list[SmallPart], told: list[str]):
    parts[0].fails_to_stop = parts[1].fails_to_stop = parts[2].hangs_at_stop = True
    supervisor = Supervisor(parts)
    await supervisor.start()
    began = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - began < STOP_BUDGET_S + 0.5
    assert {"stop venues", "stop worker", "stop trader"} <= set(told)
