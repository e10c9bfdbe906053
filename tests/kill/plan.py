"""Which points the processes of each run die at: all of them in turn, in another order every time round, by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from core.kill_points import KILL_POINTS
from tests.kill.circumstances import of

DEATHS = 4
STOPS_EVERY = 10
"""Every tenth run stops a trader (SIGSTOP) instead, and lets it go on beside its successor."""
OFTEN = 6
"""A point on every order's way kills at its first to sixth passing."""
AT_START = "P14."


@dataclass(frozen=True)
class Death:
    """`nth`: at which passing. `is_host`: everything else dies with it, the simulated venues too."""

    point: str
    nth: int = 1
    is_host: bool = False

    def __str__(self) -> str:
        return f"{self.point}:{self.nth}" + (" with its host" if self.is_host else "")


@dataclass(frozen=True)
class RunPlan:
    number: int
    seed: int
    deaths: tuple[Death, ...]
    is_stop: bool = False


def plans(runs: int, *, seed: int, deaths: int = DEATHS) -> Iterator[RunPlan]:
    """The same for the same numbers."""
    dice = random.Random(seed)
    points = _points(dice)
    for number in range(1, runs + 1):
        if number % STOPS_EVERY == 0:
            stop = Death(dice.choice(("P2.after_commit", "P3.stored", "P4.before_send", "P6.answered")), 2)
            yield RunPlan(number, seed + number, (stop,), is_stop=True)
            continue
        chosen = tuple(_death(point, dice) for point in islice(points, deaths))
        yield RunPlan(number, seed + number, tuple(_with_their_first(chosen)))


def _points(dice: random.Random) -> Iterator[str]:
    while True:
        yield from dice.sample(sorted(KILL_POINTS), len(KILL_POINTS))


def _death(point: str, dice: random.Random) -> Death:
    is_often = of(point).within_s <= 30.0 and not point.startswith(AT_START) and not of(point).first
    return Death(point, dice.randint(1, OFTEN) if is_often else 1, is_host=dice.random() < 0.1)


def _with_their_first(deaths: tuple[Death, ...]) -> Iterator[Death]:
    for death in deaths:
        if first := of(death.point).first:
            yield Death(first)
        yield death
