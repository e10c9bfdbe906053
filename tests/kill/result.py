"""What a run came to, as one line of JSON between the process that played it and the one that asked for it."""

from __future__ import annotations

from collections import Counter

import msgspec


class Result(msgspec.Struct, kw_only=True):
    """`died` at these points; `missed` were never passed in time (the process was then killed wherever it was).
    `others` died on their own so often. `cut_off` orders had no answer when something died, of which `arrived_never`
    never came to a venue. `messages` of the outbox and `comparisons` that somebody asked for were done by the worker.
    `back_s`: seconds from each start to a trader that has read and compared everything. `lost`, `doubled` and
    `unaudited` count orders and fills; `findings` is every violation in words. A good run has none of them."""

    number: int
    seed: int
    died: list[str] = []
    missed: list[str] = []
    stopped: list[str] = []
    passed: dict[str, int] = {}
    others: dict[str, int] = {}
    cut_off: int = 0
    arrived_never: int = 0
    messages: int = 0
    comparisons: int = 0
    back_s: list[float] = []
    orders: int = 0
    fills: int = 0
    settlements: int = 0
    lost: int = 0
    doubled: int = 0
    unaudited: int = 0
    findings: list[str] = []
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        return not (self.findings or self.lost or self.doubled or self.unaudited)

    def note_passed(self, points: list[str]) -> None:
        self.passed = dict(Counter(self.passed) + Counter(points))
