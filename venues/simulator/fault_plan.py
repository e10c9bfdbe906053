"""A plan of faults: by rules ("the third create of this account is accepted and its reply lost") and by a seed.

    plan = ScheduledFaults([FaultRule(fault="accept_then_drop", match=Match(op="create", nth=3))], seed=7)
    disturbance = plan.before(call)      # then the effect, unless it says otherwise
    disturbance = plan.after(call)       # the SAME Call object
    disturbance = plan.frame(call)       # per frame

Pure: no I/O, no clock, no sleep, no global randomness. Delays are told, in milliseconds, and lived through by whoever
asked: real time on the wire, virtual time in a simulation. One question is asked per request; the plan decides in
`before`, and hands over in `after` what it decided to do to the answer. Counting ("nth") is of arriving requests, so
a request that is lost counts too. Invariant: the same rules, seed and calls give the same strikes; what a seed does to
the n-th call of one (venue, op, account) depends on nothing else, so the interleaving of accounts cannot change it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable

import msgspec

from venues.simulator.fault_kinds import (
    CONNECTION_FAULTS,
    KINDS,
    ORDER_FAULTS,
    STREAM_FAULTS,
    Options,
    Phase,
    disturbance_of,
    tells_of_fill,
)
from venues.simulator.faults import Call, Disturbance

CONNECT = "connect"
_KEPT_STRIKES = 10_000
_MILLION = 1_000_000


class BadRule(ValueError):
    """A rule that could never strike, or a name that no fault has; the message says what to write instead."""


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which calls: empty fields match all. Of those the `nth` (from 1), and with `every` = k each k-th from there on.

    `reference` is compared as a part: `/portfolio/fills` matches every path that contains it.
    """

    venue: str = ""
    op: str = ""
    account: str = ""
    reference: str = ""
    nth: int = 0
    every: int = 0

    def covers(self, call: Call) -> bool:
        return (
            self.venue in ("", call.venue)
            and self.op in ("", call.op)
            and self.account in ("", call.account_id)
            and self.reference in call.reference
        )

    def takes(self, number: int) -> bool:
        """Whether the `number`-th covered call is struck."""
        first = self.nth or self.every or 1
        if number < first:
            return False
        if self.every:
            return (number - first) % self.every == 0
        return not self.nth or number == first


class FaultRule(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`fault` is a name of `fault_kinds.KINDS`; `times` is how often at most (0: without end)."""

    fault: str
    match: Match = Match()
    times: int = 0

    def check(self) -> FaultRule:
        """Itself. Raises BadRule."""
        if self.fault not in KINDS:
            raise BadRule(f"there is no fault {self.fault!r}: one of {', '.join(sorted(KINDS))}")
        if min(self.delay_ms, self.times, self.match.nth, self.match.every) < 0:
            raise BadRule("delay_ms, times, nth and every are 0 or more")
        if self.status and not 400 <= self.status < 600:
            raise BadRule("status is the error to answer with: 400 to 599")
        return self


class SeededFaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Faults drawn by a seed: `rate_ppm` of a million requests whose op is in `ops`, `frame_rate_ppm` of frames.

    `max_delay_ms` bounds every drawn delay. Empty `ops` are all but "connect".
    """

    seed: int
    rate_ppm: int = 100_000
    frame_rate_ppm: int = 0
    kinds: tuple[str, ...] = ORDER_FAULTS
    frame_kinds: tuple[str, ...] = STREAM_FAULTS
    ops: tuple[str, ...] = ("create", "cancel")
    max_delay_ms: int = 10_000

    def check(self) -> SeededFaults:
        """Itself. Raises BadRule."""
        if not (0 <= self.rate_ppm <= _MILLION and 0 <= self.frame_rate_ppm <= _MILLION):
            raise BadRule("rates are parts of a million: 0 to 1000000")
        if unknown := {*self.kinds, *self.frame_kinds} - KINDS.keys():
            raise BadRule(f"there are no faults {', '.join(sorted(unknown))}")
        if any((KINDS[kind].phase is Phase.FRAME) for kind in self.kinds):
            raise BadRule("kinds strike requests: put faults of frames into frame_kinds")
        if any((KINDS[kind].phase is not Phase.FRAME) for kind in self.frame_kinds):
            raise BadRule("frame_kinds strike frames: put faults of requests into kinds")
        return self


class Strike(msgspec.Struct, frozen=True):
    """One fault that happened: to which call, and the how-manieth of its kind that was."""

    fault: str
    call: Call
    number: int


class ScheduledFaults:
    """`seed` alone draws with the defaults of SeededFaults; pass a SeededFaults to say more. Raises BadRule."""

    def __init__(self, rules: Iterable[FaultRule] = (), seed: SeededFaults | int | None = None) -> None:
        self.seeded: SeededFaults | None = None
        self.strikes: deque[Strike] = deque(maxlen=_KEPT_STRIKES)
        self.struck: Counter[str] = Counter()
        self._rules: list[FaultRule] = []
        self._seen: list[int] = []
        self._hits: list[int] = []
        self._drawn: Counter[tuple[str, str, str]] = Counter()
        self._owed: dict[int, tuple[Call, Disturbance]] = {}
        for rule in rules:
            self.add(rule)
        if seed is not None:
            self.draw_by(SeededFaults(seed=seed) if isinstance(seed, int) else seed)

    @property
    def rules(self) -> list[tuple[FaultRule, int]]:
        """What is scheduled, each with how often it struck."""
        return list(zip(self._rules, self._hits, strict=True))

    def add(self, rule: FaultRule) -> None:
        """Earlier rules win where two would strike one call; both count it. Raises BadRule."""
        self._rules.append(rule.check())
        self._seen.append(0)
        self._hits.append(0)

    def draw_by(self, seeded: SeededFaults) -> None:
        """Begin the sequence of a seed, from its first number. Raises BadRule."""
        self.seeded = seeded.check()
        self._drawn.clear()

    def clear(self) -> None:
        """No rules, no seed; what struck stays on record."""
        for kept in (self._rules, self._seen, self._hits, self._drawn, self._owed):
            kept.clear()
        self.seeded = None

    def before(self, call: Call) -> Disturbance | None:
        told = self._decide(call, is_frame=False)
        if told is None or KINDS[told.fault].phase is Phase.BEFORE:
            return told
        self._owed[id(call)] = (call, told)
        return None

    def after(self, call: Call) -> Disturbance | None:
        owed = self._owed.pop(id(call), None)
        return owed[1] if owed is not None else None

    def frame(self, call: Call) -> Disturbance | None:
        if not self._rules and (self.seeded is None or not self.seeded.frame_rate_ppm):
            return None
        return self._decide(call, is_frame=True)

    def _decide(self, call: Call, *, is_frame: bool) -> Disturbance | None:
        rule = self._due_rule(call, is_frame=is_frame)
        if rule is not None:
            return self._struck(rule.fault, rule, call)
        drawn = self._draw(call, is_frame=is_frame)
        return self._struck(*drawn, call) if drawn is not None else None

    def _due_rule(self, call: Call, *, is_frame: bool) -> FaultRule | None:
        """The first rule that takes this call; all that cover it count it."""
        due: FaultRule | None = None
        for index, rule in enumerate(self._rules):
            if not _concerns(rule, call, is_frame=is_frame):
                continue
            self._seen[index] += 1
            is_spent = rule.times and self._hits[index] >= rule.times
            if due is None and not is_spent and rule.match.takes(self._seen[index]):
                self._hits[index] += 1
                due = rule
        return due

    def _draw(self, call: Call, *, is_frame: bool) -> tuple[str, Options] | None:
        seeded = self.seeded
        if seeded is None or call.op == CONNECT or (not is_frame and seeded.ops and call.op not in seeded.ops):
            return None
        rate_ppm, kinds = (seeded.frame_rate_ppm, seeded.frame_kinds) if is_frame else (seeded.rate_ppm, seeded.kinds)
        key = (call.venue, call.op, call.account_id)
        self._drawn[key] += 1
        luck = _numbers(f"{seeded.seed}:{':'.join(key)}:{self._drawn[key]}")
        if not kinds or luck[0] % _MILLION >= rate_ppm:
            return None
        delay_ms = 1 + luck[2] % seeded.max_delay_ms if seeded.max_delay_ms else 0
        kind = kinds[luck[1] % len(kinds)]
        return kind, Options(delay_ms=delay_ms if KINDS[kind].disturbance.delay_ms else 0)

    def _struck(self, fault: str, options: Options, call: Call) -> Disturbance:
        self.struck[fault] += 1
        self.strikes.append(Strike(fault, call, self.struck[fault]))
        return disturbance_of(fault, options, call)


def _concerns(rule: FaultRule, call: Call, *, is_frame: bool) -> bool:
    """Faults of frames meet frames only, faults of connections meet connections only."""
    kind = KINDS[rule.fault]
    if (kind.phase is Phase.FRAME) is not is_frame or (kind.only_fills and not tells_of_fill(call)):
        return False
    if not is_frame and (call.op == CONNECT) is not (rule.fault in CONNECTION_FAULTS or rule.match.op == CONNECT):
        return False
    return rule.match.covers(call)


def _numbers(text: str) -> tuple[int, int, int]:
    digest = hashlib.blake2b(text.encode(), digest_size=24).digest()
    return int.from_bytes(digest[:8]), int.from_bytes(digest[8:16]), int.from_bytes(digest[16:])
