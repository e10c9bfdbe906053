"""A fault plan that a test writes as it goes, and that remembers every request."""

from __future__ import annotations

from collections import Counter

from venues.simulator.faults import Call, Disturbance, NoFaults
from venues.types import Venue

DROP = Disturbance(drop=True)
ERROR_500 = Disturbance(status=500, body=b"upstream trouble")
_PRIVATE = {"user", "fill", "user_orders", "market_positions", "order_group_updates"}
"""The channels that tell an account of itself. Kalshi's books come over a socket that has an account, too."""


class Trouble(NoFaults):
    """`before` and `after` by (venue, operation); `is_deaf` withholds all frames of private channels."""

    def __init__(self) -> None:
        self.before_ops: dict[tuple[str, str], Disturbance] = {}
        self.after_ops: dict[tuple[str, str], Disturbance] = {}
        self.is_deaf = False
        self.asked: Counter[tuple[str, str]] = Counter()
        self.answered: Counter[tuple[str, str]] = Counter()

    def creates(self, venue: Venue) -> int:
        """How many orders arrived at this venue, accepted or not."""
        return self.asked[venue.value, "create"]

    def before(self, call: Call) -> Disturbance | None:
        self.asked[call.venue, call.op] += 1
        return self.before_ops.get((call.venue, call.op))

    def after(self, call: Call) -> Disturbance | None:
        self.answered[call.venue, call.op] += 1
        return self.after_ops.get((call.venue, call.op))

    def frame(self, call: Call) -> Disturbance | None:
        return DROP if self.is_deaf and _PRIVATE & {call.op, call.reference} else None
