"""What a row of the fault matrix is, and the tests that prove many rows at once."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """`left`: what no test proves, and why."""

    expected: str
    tests: tuple[str, ...]
    left: str = ""


def row(expected: str, *tests: tuple[str, ...], left: str = "") -> Row:
    return Row(expected, tuple(name for names in tests for name in names), left)


def of(file: str, *names: str) -> tuple[str, ...]:
    """Node ids: `file` below `tests/`, each name without its `test_`."""
    return tuple(f"tests/{file}.py::test_{name}" for name in names)


CHAOS = of("chaos/test_chaos", "nothing_is_lost_doubled_or_unaudited")
KILLED = of("kill/test_kill", "killed_three_times_it_comes_to_the_venues_own_books")
HOSTILE = of(
    "venues/hostile/test_hostile_orders", "a_hostile_answer_to_an_order_leaves_it_unknown_and_is_asked_for_once"
)
ADOPTED = of("trading/engine/test_executor", "an_order_whose_answer_was_lost_is_adopted_and_never_sent_again")
KEPT = of("trading/engine/test_executor", "an_order_that_may_have_arrived_keeps_its_money_and_is_not_sent_again")
