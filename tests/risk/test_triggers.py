"""Every trigger at its boundary: the last calm number, and the first that stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from risk import triggers
from risk.triggers import Trip
from venues.types import MICRO

LOST, WON = -1, 1
BAD, GOOD = (0, True), (0, False)


@pytest.mark.parametrize(
    ("trigger", "calm", "stops", "code"),
    [
        (triggers.daily_loss, (99, 100), (100, 100), "daily_loss"),
        (triggers.daily_loss, (0, 0), (1, 0), "daily_loss"),
        (triggers.consecutive_losses, ([LOST] * 3 + [WON] * 2 + [LOST],), ([LOST] * 3 + [WON] + [LOST],),
         "consecutive_losses"),
        (triggers.consecutive_losses, ([LOST] * 3,), ([LOST] * 4,), "consecutive_losses"),
        (triggers.consecutive_losses, ([LOST, LOST, 0, 0, LOST, LOST],), ([LOST, LOST, 0, LOST, LOST],),
         "consecutive_losses"),
        (triggers.max_drawdown, (800_001, MICRO), (800_000, MICRO), "max_drawdown"),
        (triggers.max_drawdown, (-5, 0), (0, 1), "max_drawdown"),
        (triggers.balance_drop, (750_001 * 1_000, MICRO * 1_000), (750_000 * 1_000, MICRO * 1_000), "balance_drop"),
        (triggers.balance_drop, (50 * MICRO, 60 * MICRO), (50 * MICRO - 1, 60 * MICRO), "balance_floor"),
        (triggers.balance_drop, (48 * MICRO, 49 * MICRO), (36 * MICRO, 49 * MICRO), "balance_drop"),
        (triggers.api_error_rate, ([BAD] * 9 + [GOOD] * 11, 0), ([BAD] * 10 + [GOOD] * 10, 0), "api_error_rate"),
        (triggers.api_error_rate, ([BAD] * 19, 0), ([BAD] * 20, 0), "api_error_rate"),
        (triggers.api_error_rate, ([BAD] * 20, 60_001), ([BAD] * 20, 60_000), "api_error_rate"),
        (triggers.slippage_spike, ([20_001, 20_001, 20_000],), ([20_001] * 3,), "slippage_spike"),
        (triggers.slippage_spike, ([20_001] * 2,), ([20_001] * 3 + [0],), "slippage_spike"),
        (triggers.orphaned_order, (0,), (1,), "orphaned_order"),
        (triggers.unwind_streak, ([0, 0], 0), ([0, 0, 0], 0), "unwind_streak"),
        (triggers.unwind_streak, ([0, 1, 1], 600_001), ([1, 1, 1], 600_001), "unwind_streak"),
        (triggers.stale_data, (5_000,), (5_001,), "stale_data"),
        (triggers.clock_skew, (-5_000,), (-5_001,), "clock_skew"),
        (triggers.clock_skew, (5_000,), (5_001,), "clock_skew"),
        (triggers.lost_lease, (2_000,), (1_999,), "lost_lease"),
        (triggers.db_lost, (5_000,), (5_001,), "db_lost"),
    ],
)  # fmt: skip
def test_a_trigger_is_calm_at_its_last_number_and_stops_at_the_next(
    trigger: Callable[..., Trip | None], calm: Any, stops: Any, code: str
):
    assert trigger(*calm) is None
    trip = trigger(*stops)
    assert trip is not None and trip.code == code


def test_what_waits_for_a_person_is_never_a_pause():
    """Only what ends by itself is a pause."""
    trips = [triggers.stale_data(10**6), triggers.clock_skew(10**6), triggers.lost_lease(0), triggers.db_lost(10**6)]
    assert {trip.stop for trip in trips if trip} == {triggers.Stop.PAUSED}
    kept = [triggers.daily_loss(1, 1), triggers.max_drawdown(0, 1), triggers.orphaned_order(1)]
    assert triggers.Stop.PAUSED not in {trip.stop for trip in kept if trip}
