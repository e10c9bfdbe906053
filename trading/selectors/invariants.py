"""What must always be true of orders, fills, cash and their records, each as a small question with a number.

Story: ORDERS §6 gives the numbers; every check reads rows and yields a `Violation` that names rows and amounts. They
hold after every transaction, not only at rest, so they may be asked of a running system at any moment: what moves
between two reads of one look is ruled out by a second look. Invariant of
the checks themselves: they add up rows on their own and share no arithmetic with the services that wrote them.

    INV-01…12   orders            (`invariants_orders`)
    INV-20…29   fills and money   (`invariants_money`)
    INV-40…42   audit and outbox  (`invariants_records`)
    INV-02…27   against a venue's own ledger, where one can be read (`invariants_venue`)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from trading.selectors.invariants_money import MONEY
from trading.selectors.invariants_orders import ORDERS
from trading.selectors.invariants_records import RECORDS
from trading.selectors.invariants_terms import Violation
from trading.selectors.invariants_venue import venue_violations

__all__ = ["CHECKS", "Violation", "confirmed_violations", "violations"]

CONFIRM_AFTER_S = 3.0

CHECKS: Mapping[str, Callable[[], Iterator[str]]] = {**ORDERS, **MONEY, **RECORDS}
"""In the order of their numbers; each yields what is wrong in words, with row ids and amounts."""


def violations(*, ledgers: Iterable[Mapping[str, Any]] = (), without: Iterable[str] = ()) -> Iterator[Violation]:
    """Everything that is broken now, one check after the other. `ledgers` are a venue's own accounts as the
    simulator's `GET /ledger` tells them; `without` names checks that do not apply here."""
    left_out = set(without)
    for code, check in CHECKS.items():
        if code not in left_out:
            yield from (Violation(code, words) for words in check())
    for found in venue_violations(ledgers):
        if found.code not in left_out:
            yield found


def confirmed_violations(
    *, confirm_after_s: float = CONFIRM_AFTER_S, ledgers: Iterable[Mapping[str, Any]] = (), without: Iterable[str] = ()
) -> list[Violation]:
    """What a second look, real seconds later, finds in the very same words. Good rows are looked at once."""
    ledgers, without = tuple(ledgers), tuple(without)
    first = list(violations(ledgers=ledgers, without=without))
    if not first:
        return []
    time.sleep(confirm_after_s)
    second = set(violations(ledgers=ledgers, without=without))
    return [one for one in first if one in second]
