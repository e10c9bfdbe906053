"""Whatever a gateway stumbles over once it was asked to place an order is an unknown outcome, never a crash."""

from __future__ import annotations

import pytest

from trading.engine.placing import place
from venues.errors import NotSent, OutcomeUnknown, Rejected, VenueError
from venues.ports import OrderAck, PreparedOrder


class Stumbling:
    """An adapter that meets what its author did not foresee."""

    def __init__(self, problem: Exception) -> None:
        self._problem = problem

    async def place(self, prepared: PreparedOrder) -> OrderAck:
        raise self._problem


@pytest.mark.parametrize(
    "problem", [ValueError("x"), KeyError("id"), RecursionError(), UnicodeDecodeError("a", b"", 0, 0, "")]
)
async def test_a_stumble_leaves_the_outcome_unknown_and_names_itself(problem: Exception):
    with pytest.raises(OutcomeUnknown, match=type(problem).__name__) as raised:
        await place(Stumbling(problem), None)  # type: ignore[arg-type]
    assert raised.value.__cause__ is problem


@pytest.mark.parametrize(
    "known", [NotSent("no byte left"), Rejected("no", code="market_closed"), OutcomeUnknown("late")]
)
async def test_what_a_gateway_says_itself_stays_as_it_is(known: VenueError):
    with pytest.raises(type(known)) as raised:
        await place(Stumbling(known), None)  # type: ignore[arg-type]
    assert raised.value is known
