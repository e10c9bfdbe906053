"""A small seeded random stream whose whole state is one integer.

SplitMix64 (Steele, Lea, Flood 2014): every game has one stream for its score and one for its flow, derived from the
seed and a name, so that trading never changes a score and a snapshot of the world restores the stream exactly. The
bytes do not depend on the Python version, which `random.Random` does not promise for its derived distributions.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

import msgspec

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
T = TypeVar("T")


class Stream(msgspec.Struct):
    """`state` is everything there is to save."""

    state: int

    def next_u64(self) -> int:
        self.state = (self.state + _GOLDEN) & _MASK
        mixed = self.state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def uniform(self) -> float:
        """In [0, 1)."""
        return (self.next_u64() >> 11) * 2.0**-53

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.uniform()

    def integer(self, low: int, high: int) -> int:
        """In [low, high], both included."""
        return low + self.next_u64() % (high - low + 1)

    def happens(self, probability: float) -> bool:
        return self.uniform() < probability

    def exponential(self, mean: float) -> float:
        return -mean * math.log(1.0 - self.uniform())

    def normal(self) -> float:
        """Standard normal, by Box and Muller; two draws each time, so that the state stays one integer."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())

    def choice(self, items: Sequence[T]) -> T:
        return items[self.next_u64() % len(items)]


def stream(seed: int, *names: str) -> Stream:
    """The stream of `names` under `seed`; different names are independent."""
    digest = hashlib.sha256("|".join((str(seed), *names)).encode()).digest()
    return Stream(int.from_bytes(digest[:8], "big"))


def stable_fraction(*parts: int) -> float:
    """A fixed number in [0, 1) for these integers: noise that is the same whenever it is asked for."""
    state = 0
    for part in parts:
        state = (state * 0x100000001B3 + part + 1) & _MASK
    return Stream(state).uniform()
