"""How long a key that was refused is left alone.

Who knocks again and again with a key that a venue does not take is blocked by it, and each use of a key is a line in
the audit trail. Invariant: another key is tried at once, the same one ever more rarely.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

FIRST_S = 5.0
MOST_S = 300.0


class Refusal(NamedTuple):
    """This key is not tried before `due_s`, `pause_s` after it was refused."""

    key: Hashable
    pause_s: float
    due_s: float


class KeyPatience:
    """By name of who needs the key. Times are seconds of one monotonic clock; `most_s`: the longest pause."""

    def __init__(self, *, most_s: float = MOST_S) -> None:
        self._most_s = most_s
        self._refusals: dict[Hashable, Refusal] = {}

    def has_refused(self, name: Hashable) -> bool:
        return name in self._refusals

    def is_waiting(self, name: Hashable, key: Hashable, *, now_s: float) -> bool:
        """This very key was refused, and it is too early to try it again."""
        refusal = self._refusals.get(name)
        return refusal is not None and refusal.key == key and now_s < refusal.due_s

    def refuse(self, name: Hashable, key: Hashable, *, now_s: float) -> float:
        """The key was refused: the seconds that it is left alone, twice as many each time, up to the longest pause."""
        before = self._refusals.get(name)
        pause_s = FIRST_S if before is None or before.key != key else min(self._most_s, before.pause_s * 2)
        self._refusals[name] = Refusal(key, pause_s, now_s + pause_s)
        return pause_s

    def accept(self, name: Hashable) -> None:
        self._refusals.pop(name, None)
