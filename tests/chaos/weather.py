"""What goes wrong, drawn from a seed: each request, frame and database call asks, in the order in which they happen.

How bad it is differs from seed to seed: a seed also draws how likely each kind of trouble is. `calm` ends all of it.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, NamedTuple

from django.db import OperationalError

PAGE = (b"content-type", b"text/html")
JSON = (b"content-type", b"application/json")
CREATE_FAULTS = (
    "lost", "late", "reply_lost", "reply_late", "before_500", "after_500", "before_503", "after_502", "429", "slow",
    "truncated", "html", "no_order", "wrong_type", "redirect", "cut_before", "cut_after", "refused",
)  # fmt: skip
OTHER_FAULTS = ("lost", "reply_lost", "before_500", "after_500", "429", "truncated", "html", "cut_after")
LATEST_S = 45.0


class HttpFault(NamedTuple):
    """What happens to one request."""

    name: str = ""
    hold_s: float = 0.0
    is_lost: bool = False
    answer_before: tuple[int, list[tuple[bytes, bytes]], bytes, bool] | None = None
    answer_after: tuple[int, list[tuple[bytes, bytes]], bytes, bool] | None = None
    reply_hold_s: float = 0.0
    is_reply_lost: bool = False
    body: bytes | None = None
    cuts: int = 0

    def spoiled(self, answer: tuple[Any, ...]) -> tuple[Any, ...]:
        """The answer as it arrives."""
        if self.answer_after is not None:
            return self.answer_after
        status, headers, body, is_cut = answer
        if self.body is not None:
            return status, [JSON], self.body, is_cut
        return status, headers, body[: len(body) // 2] if self.cuts else body, is_cut


def _page(status: int) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool]:
    headers = [PAGE, (b"location", b"http://elsewhere.invalid/")] if status == 307 else [PAGE]
    return status, headers, b"<html>upstream trouble</html>", False


class Weather:
    """`shares` are probabilities in parts of one."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(f"weather {seed}")
        strength = self.dice.choice((0.3, 1.0, 1.0, 2.0))
        self.of_creates = 0.35 * strength * self.dice.random()
        self.of_others = 0.06 * strength * self.dice.random()
        self.of_frames = 0.10 * strength * self.dice.random()
        self.of_commits = 0.02 * strength * self.dice.random()
        self.is_calm = False
        self.database_away_until_s = 0.0
        self._late_by_s = 0.0
        self.struck: Counter[str] = Counter()

    def calm(self) -> None:
        """From now on everything works."""
        self.is_calm = True
        self.database_away_until_s = 0.0

    def be_late(self, seconds: float) -> None:
        """From now on every order arrives so much later, and is not answered; 0: no longer."""
        self._late_by_s = seconds

    def latency_s(self) -> float:
        return 0.002 + 0.04 * self.dice.random() ** 2

    def thread_s(self) -> float:
        return 0.0005 + 0.003 * self.dice.random() ** 3

    def refuses(self) -> bool:
        return not self.is_calm and self.dice.random() < self.of_others / 6 and self._strike("refused")

    def http(self, method: str, path: str, *, is_create: bool) -> HttpFault:
        if is_create and self._late_by_s and not self.is_calm:
            self._strike("create.late")
            return HttpFault("late", hold_s=self._late_by_s, is_reply_lost=True)
        share = self.of_creates if is_create else self.of_others
        if method == "DELETE":
            share = max(share, self.of_creates)
        if self.is_calm or self.dice.random() >= share:
            return HttpFault()
        name = self.dice.choice(CREATE_FAULTS if is_create or method == "DELETE" else OTHER_FAULTS)
        self._strike(f"{'create' if is_create else method.lower()}.{name}")
        return self._fault(name)

    def _fault(self, name: str) -> HttpFault:
        match name:
            case "lost":
                return HttpFault(name, is_lost=True)
            case "late":
                return HttpFault(name, hold_s=3.0 + self.dice.random() * (LATEST_S - 3.0), is_reply_lost=True)
            case "reply_lost":
                return HttpFault(name, is_reply_lost=True)
            case "reply_late":
                return HttpFault(name, reply_hold_s=2.0 + 10.0 * self.dice.random())
            case "slow":
                return HttpFault(name, hold_s=1.5 * self.dice.random(), reply_hold_s=1.5 * self.dice.random())
            case "before_500" | "before_503":
                return HttpFault(name, answer_before=_page(int(name[-3:])))
            case "after_500" | "after_502":
                return HttpFault(name, answer_after=_page(int(name[-3:])))
            case "429":
                return HttpFault(name, answer_before=(429, [JSON], b'{"error":"too many requests"}', False))
            case "redirect":
                return HttpFault(name, answer_before=_page(307))
            case "cut_before" | "refused":
                return HttpFault(name, answer_before=(0, [], b"", True))
            case "cut_after":
                return HttpFault(name, answer_after=(0, [], b"", True))
        return self._spoiled(name)

    def _spoiled(self, name: str) -> HttpFault:
        bodies = {"html": b"<html>hello</html>", "no_order": b"{}", "wrong_type": b'{"order":7,"orderID":{},"x":NaN}'}
        return HttpFault(name, cuts=1) if name == "truncated" else HttpFault(name, body=bodies[name])

    def frames(self, connection: Any) -> tuple[float, ...]:
        """How often a frame leaves, each time with a delay of its own: what is delayed is overtaken."""
        if self.is_calm or self.dice.random() >= self.of_frames:
            return (0.0,)
        name = self.dice.choice(("drop", "double", "reorder", "cut"))
        self._strike(f"frame.{name}")
        if name == "cut":
            connection.cut()
        return {"double": (0.0, 0.0), "reorder": (0.5,)}.get(name, ())

    def database(self, now_s: float) -> str:
        """`away`: not even tried; `forgotten`: done, and its answer lost; or nothing."""
        if self.is_calm:
            return ""
        if now_s < self.database_away_until_s:
            return "away"
        if self.dice.random() < self.of_commits:
            self._strike("commit.unknown")
            return "forgotten"
        return ""

    def raise_away(self) -> None:
        raise OperationalError("the database is away")

    def _strike(self, name: str) -> bool:
        self.struck[name] += 1
        return True
