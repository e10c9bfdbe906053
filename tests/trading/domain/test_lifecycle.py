"""The table of an order's moves: ends are ends, and only what reached the venue may fill."""

from __future__ import annotations

import pytest

from trading.domain.lifecycle import (
    ENDED,
    LATE_FILL_ALLOWED,
    NEVER_AT_VENUE,
    TRANSITIONS,
    OrderStatus,
    may_correct,
    may_fill,
    may_move,
)

S = OrderStatus


def test_every_status_is_in_the_table_and_no_one_stays() -> None:
    assert set(TRANSITIONS) == set(OrderStatus)
    assert not any(may_move(status, status) for status in OrderStatus)


@pytest.mark.parametrize("end", [S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.DENIED, S.VOID])
def test_no_move_leads_out_of_an_end(end: OrderStatus) -> None:
    assert end in ENDED
    assert not any(may_move(end, status) for status in OrderStatus)
    assert may_move(S.CLAIMED, end)


def test_an_open_order_was_taken_so_it_cannot_turn_out_never_to_have_been() -> None:
    assert TRANSITIONS[S.OPEN] == {S.FILLED, S.CANCELED, S.EXPIRED}
    assert not any(may_move(S.OPEN, status) for status in NEVER_AT_VENUE | {S.CLAIMED})


def test_late_fills_are_for_orders_that_were_at_the_venue() -> None:
    assert {status for status in OrderStatus if may_fill(status)} == {S.CLAIMED, S.OPEN} | LATE_FILL_ALLOWED
    assert ENDED == LATE_FILL_ALLOWED | NEVER_AT_VENUE


def test_fills_alone_correct_an_end_and_only_to_filled() -> None:
    corrected = {(end, status) for end in S for status in S if may_correct(end, status)}
    assert corrected == {(S.CANCELED, S.FILLED), (S.EXPIRED, S.FILLED)}
