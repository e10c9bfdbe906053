"""What the session remembers for its checks: budgets, clocks, fills that were taken back, what was sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading.engine.vitals import (
    BURST_S,
    DECISIONS_KEPT,
    LAST_FILLS,
    SKEW_SAMPLES,
    ClockSkew,
    SentLog,
    TokenBucket,
    Vitals,
)
from venues.types import MICRO, FillReport, Outcome, SettleState, Side, Venue

PER_S = 5


def a_fill(number: int, *, is_failed: bool = False, venue: Venue = Venue.KALSHI) -> FillReport:
    return FillReport(
        venue=venue, account="a", trade_id=f"t-{number}", leg="", venue_order_id="", client_order_id="",
        market_id="kalshi:M", side=Side.BUY, outcome=Outcome.YES, price_u=400_000, qty_u=MICRO, fee_u=0, is_taker=True,
        settle_state=SettleState.FAILED if is_failed else SettleState.CONFIRMED, venue_ms=0,
    )  # fmt: skip


@given(pauses_us=st.lists(st.integers(0, 900_000), min_size=1, max_size=200))
def test_in_any_stretch_of_time_no_more_is_taken_than_the_burst_and_the_rate_allow(pauses_us: list[int]):
    bucket, now_us, taken = TokenBucket(), 0, []
    for pause_us in pauses_us:
        now_us += pause_us
        if bucket.tokens_milli(now_us, per_s=PER_S) >= 1_000:
            bucket.take()
            taken.append(now_us)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            spent_us = taken[last] - taken[first]
            assert last - first + 1 <= BURST_S * PER_S + spent_us * PER_S // 1_000_000 + 1


def test_a_clock_that_runs_back_gives_no_tokens_and_takes_none():
    bucket = TokenBucket()
    bucket.tokens_milli(10_000_000, per_s=PER_S)
    for _ in range(BURST_S * PER_S):
        bucket.take()
    assert bucket.tokens_milli(9_000_000, per_s=PER_S) == 0
    assert bucket.tokens_milli(10_200_000, per_s=PER_S) == 1_000


def test_the_least_delay_of_enough_prints_is_the_skew_and_one_late_print_is_none():
    skew = ClockSkew()
    for _ in range(SKEW_SAMPLES - 1):
        skew.note(venue_ms=1_000, now_ms=9_000)
    assert skew.ms == 0, "too few"
    skew.note(venue_ms=0, now_ms=1)
    assert skew.ms == 0, "a print without a time says nothing"
    skew.note(venue_ms=1_000, now_ms=8_500)
    assert skew.ms == 7_500
    for _ in range(SKEW_SAMPLES):
        skew.note(venue_ms=9_000, now_ms=8_000)
    assert skew.ms == -1_000


def test_of_the_last_fifty_fills_of_a_venue_those_taken_back_are_counted_each_once():
    vitals = Vitals()
    for number in range(LAST_FILLS):
        vitals.note_fill(a_fill(number))
    assert vitals.failed_of_50(Venue.KALSHI) == 0
    for _ in range(2):
        vitals.note_fill(a_fill(LAST_FILLS - 1, is_failed=True))
    vitals.note_fill(a_fill(LAST_FILLS - 1))
    assert vitals.failed_of_50(Venue.KALSHI) == 1, "failed stays failed, told twice or told otherwise"
    for number in range(LAST_FILLS, 2 * LAST_FILLS):
        vitals.note_fill(a_fill(number))
    assert vitals.failed_of_50(Venue.KALSHI) == 0
    assert vitals.failed_of_50(Venue.POLYMARKET) == 0


def test_a_decision_is_made_once_and_what_is_sent_of_it_adds_up():
    log = SentLog()
    log.decide("d", 10)
    log.decide("d", 99)
    log.send("d", 4)
    log.send("d", 6)
    assert log.of("d") == (10, 10)
    assert log.of("never heard of") == (0, 0)
    for number in range(DECISIONS_KEPT):
        log.decide(f"later-{number}", 1)
    assert log.of("d") == (0, 0)
