"""Taker fees: the worked table of the fee page, exactness, and the market-buy helper."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.polymarket.fees import Rounding, buy_amount_within_u, taker_fee_u
from venues.types import MICRO, FeeSchedule

SPORTS = FeeSchedule(taker_rate_u=50_000, quantum_u=10)
PROMO = FeeSchedule(taker_rate_u=30_000, quantum_u=10)
prices = st.integers(1, 999).map(lambda mills: mills * 1_000)
sizes = st.integers(1, 10**8).map(lambda hundredths: hundredths * 10_000)
schedules = st.builds(
    FeeSchedule, taker_rate_u=st.integers(0, 100_000), exponent=st.sampled_from([1, 2]), quantum_u=st.just(10)
)


@pytest.mark.parametrize(
    ("fees", "price_u", "fee_u"),
    [
        (SPORTS, 500_000, 1_250_000),
        (SPORTS, 300_000, 1_050_000),
        (SPORTS, 700_000, 1_050_000),
        (SPORTS, 200_000, 800_000),
        (SPORTS, 50_000, 237_500),
        (PROMO, 500_000, 750_000),
        (PROMO, 300_000, 630_000),
    ],
)
def test_the_published_fees_of_100_contracts(fees: FeeSchedule, price_u: int, fee_u: int) -> None:
    for rounding in Rounding:
        assert taker_fee_u(fees, price_u=price_u, qty_u=100 * MICRO, rounding=rounding) == fee_u


def test_the_direction_of_the_last_rounding_is_a_choice() -> None:
    fee_of = {
        rounding: taker_fee_u(PROMO, price_u=195_000, qty_u=100 * MICRO, rounding=rounding) for rounding in Rounding
    }
    assert fee_of == {Rounding.UP: 470_930, Rounding.DOWN: 470_920, Rounding.NEAREST: 470_930}


@given(schedules, prices, sizes)
def test_the_estimate_is_never_below_a_charge_and_at_most_one_step_above(
    fees: FeeSchedule, price_u: int, qty_u: int
) -> None:
    up, down = (taker_fee_u(fees, price_u=price_u, qty_u=qty_u, rounding=r) for r in (Rounding.UP, Rounding.DOWN))
    nearest = taker_fee_u(fees, price_u=price_u, qty_u=qty_u, rounding=Rounding.NEAREST)
    assert down <= nearest <= up <= down + 10
    assert up <= fees.fee_u(price_u=price_u, qty_u=qty_u)


@given(schedules, prices, sizes)
def test_yes_at_p_and_no_at_one_minus_p_cost_the_same(fees: FeeSchedule, price_u: int, qty_u: int) -> None:
    assert taker_fee_u(fees, price_u=price_u, qty_u=qty_u) == taker_fee_u(fees, price_u=MICRO - price_u, qty_u=qty_u)


def test_less_than_one_step_is_not_charged() -> None:
    assert taker_fee_u(SPORTS, price_u=1_000, qty_u=100_000) == 0


@given(schedules, prices, st.integers(10_000, 10**12))
def test_a_market_buy_with_its_fee_stays_within_the_total(fees: FeeSchedule, price_u: int, total_u: int) -> None:
    amount_u = buy_amount_within_u(fees, total_u=total_u, price_u=price_u)
    fee_u = taker_fee_u(fees, price_u=price_u, qty_u=amount_u * MICRO // price_u)
    assert amount_u % 10_000 == 0 and amount_u + fee_u <= total_u
    next_u = amount_u + 20_000
    assert next_u + taker_fee_u(fees, price_u=price_u, qty_u=next_u * MICRO // price_u) > total_u
