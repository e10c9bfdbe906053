"""The reckoning: everything that must be true at the end of a run, of our rows, of both books and of the wire."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trading.models import Order
from trading.selectors.invariants import CHECKS, Violation, violations

if TYPE_CHECKING:
    from tests.chaos.run import Run

NOT_HERE = ("INV-42",)
"""No relay runs in a chaos run, so its outbox is never delivered."""
ON_THE_WIRE = ("INV-03", "INV-04", "INV-11", "LIVENESS")
AGAINST_THE_VENUE = ("INV-05",)
APPLY = (*(code for code in CHECKS if code not in NOT_HERE), *AGAINST_THE_VENUE, *ON_THE_WIRE)
HALT_TAKES_S = 0.1


def look(run: Run) -> list[Violation]:
    return [*violations(ledgers=run.ledgers(), without=NOT_HERE), *_wire(run), *_liveness(run)]


def _wire(run: Run) -> Iterator[Violation]:
    """Every order that arrived was written down before it left, arrived once, and left while nothing was halted."""
    rows = {row.body_sha256: row for row in Order.objects.exclude(body_sha256="")}
    seen: Counter[int] = Counter()
    for arrival in run.network.arrivals:
        row = rows.get(hashlib.sha256(arrival.body).hexdigest())
        if row is None or row.sent_at is None:
            yield Violation("INV-04", f"bytes reached {arrival.venue} that no order was written down for")
            continue
        seen[row.pk] += 1
        if seen[row.pk] > 1:
            yield Violation("INV-03", f"order {row.pk} arrived {seen[row.pk]} times")
        for since_s, until_s in run.halts:
            if since_s + HALT_TAKES_S < arrival.left_s < until_s:
                yield Violation("INV-11", f"order {row.pk} left {arrival.left_s - since_s:.2f} s after a halt")


def _liveness(run: Run) -> Iterator[Violation]:
    for row in run.working():
        words = f"order {row.pk} at {row.venue_account.venue} is {row.status} ({row.time_in_force}) in the end"
        yield Violation("LIVENESS", words + (", nobody knows its fate" if row.is_unknown else ""))
