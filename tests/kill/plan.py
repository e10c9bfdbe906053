"""Which points the processes of each run die at: all of them in turn, in another order every time round, by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from core.kill_points import KILL_POINTS
from tests.kill.circumstances import NOTHING, of

DEATHS = 3
STOPS_EVERY = 6
"""Every sixth run stops a trader (SIGSTOP) instead, and lets it go on beside its successor."""
ANYWHERE = "anywhere"
"""Not at a named point but from outside, some seconds after it began to trade."""
NAMED_STOPS = ("P2.locked", "P2.after_insert", "P2.after_commit", "P3.stored", "P4.before_send", "P6.answered")
OFTEN = 6
"""A point on every order's way kills at its first to sixth passing."""
AT_START = "P14."
OTHERS = {"": 6, "worker": 4, "guard": 3, "database": 3, "redis": 2, "venues": 3}
"""Who else dies in the life of a trader within its first seconds, by weight; "": nobody."""
OTHER_WITHIN_S = 4.0


@dataclass(frozen=True)
class Death:
    """`nth`: at which passing. `is_host`: everything else dies with it, the simulated venues too. `other`: a process
    that dies on its own `after_s` seconds after the trader began to trade, as then a stop anywhere happens."""

    point: str
    nth: int = 1
    is_host: bool = False
    other: str = ""
    after_s: float = 0.0


@dataclass(frozen=True)
class RunPlan:
    number: int
    seed: int
    deaths: tuple[Death, ...]
    is_stop: bool = False


def plans(runs: int, *, seed: int, deaths: int = DEATHS) -> Iterator[RunPlan]:
    """The same for the same numbers."""
    dice = random.Random(seed)
    points, stops = _points(dice), _stops(dice)
    for number in range(1, runs + 1):
        if number % STOPS_EVERY == 0:
            yield RunPlan(number, seed + number, (next(stops),), is_stop=True)
            continue
        chosen = tuple(_death(point, dice) for point in islice(points, deaths))
        yield RunPlan(number, seed + number, tuple(_with_their_first(chosen)))


def _stops(dice: random.Random) -> Iterator[Death]:
    while True:
        yield Death(ANYWHERE, after_s=round(dice.uniform(0.0, OTHER_WITHIN_S), 2))
        yield Death(dice.choice(NAMED_STOPS), 2)


def _points(dice: random.Random) -> Iterator[str]:
    while True:
        yield from dice.sample(sorted(KILL_POINTS), len(KILL_POINTS))


def _death(point: str, dice: random.Random) -> Death:
    is_often = of(point).within_s <= 30.0 and not point.startswith(AT_START) and not of(point).first
    nth, is_host = dice.randint(1, OFTEN) if is_often else 1, dice.random() < 0.1
    return Death(point, nth, is_host, _other(point, dice), round(dice.uniform(0.0, OTHER_WITHIN_S), 1))


def _other(point: str, dice: random.Random) -> str:
    """Venues that start again have forgotten what a circumstance asked of them."""
    name = dice.choices(list(OTHERS), weights=list(OTHERS.values()))[0]
    return name if name != "venues" or of(point) == NOTHING else ""


def _with_their_first(deaths: tuple[Death, ...]) -> Iterator[Death]:
    for death in deaths:
        if first := of(death.point).first:
            yield Death(first)
        yield death
