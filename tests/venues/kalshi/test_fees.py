"""Golden fees: what real fills cost, the documented examples, and what many fills of one order come to."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.errors import ProtocolError
from venues.kalshi.fees import BROKER_PRECISION_U, DIRECT_PRECISION_U, FeeRates, OrderFees, trade_fee
from venues.types import Side

FULL = FeeRates.of("quadratic_with_maker_fees", Decimal(1))
HALF = FeeRates.of("quadratic_with_maker_fees", Decimal("0.5"))
PLAIN = FeeRates.of("quadratic", Decimal(1))
AUGUST = 100
"""The trade fee's quantum before 2026-08-28."""


@pytest.mark.parametrize(
    ("rates", "price_u", "qty_u", "is_taker", "fee_u"),
    [
        (FULL, 520_000, 1_000_000, True, 17_500),
        (FULL, 500_000, 100_000_000, True, 1_750_000),
        (HALF, 270_000, 10_000_000, True, 69_000),
        (HALF, 270_000, 270_000, True, 1_900),
        (FULL, 1_000, 227_270_000, True, 15_930),
        (FULL, 550_000, 10_000_000, False, 43_400),
        (HALF, 550_000, 10_000_000, False, 21_700),
        (PLAIN, 550_000, 10_000_000, False, 0),
        (FULL, 990_000, 1_000_000, True, 700),
    ],
)
@pytest.mark.parametrize("quantum_u", [1, AUGUST])
def test_one_fill_costs_what_the_venue_charged(
    rates: FeeRates, price_u: int, qty_u: int, is_taker: bool, fee_u: int, quantum_u: int
) -> None:
    fees = OrderFees(rates, trade_quantum_u=quantum_u)
    assert fees.fill(side=Side.BUY, price_u=price_u, qty_u=qty_u, is_taker=is_taker).net_u == fee_u


def test_a_member_behind_a_broker_pays_to_whole_cents() -> None:
    fee = OrderFees(FULL, precision_u=BROKER_PRECISION_U).fill(
        side=Side.BUY, price_u=55_000, qty_u=1_000_000, is_taker=True
    )
    assert (fee.trade_fee_u, fee.rounding_fee_u, fee.net_u) == (3_639, 1_361, 5_000)


def test_the_raw_fee_is_rounded_up_to_the_quantum_of_its_time() -> None:
    assert trade_fee(rate_u=70_000, price_u=520_000, qty_u=1_000_000) == 17_472
    assert trade_fee(rate_u=70_000, price_u=520_000, qty_u=1_000_000, quantum_u=AUGUST) == 17_500


@pytest.mark.parametrize(
    ("fee_type", "multiplier", "taker_u", "maker_u"),
    [
        ("quadratic", "1", 70_000, 0),
        ("quadratic", "0.5", 35_000, 0),
        ("quadratic_with_maker_fees", "1", 70_000, 17_500),
        ("quadratic_with_maker_fees", "0.35", 24_500, 6_125),
        ("quadratic_with_combo_maker_fees", "1", 70_000, 35_000),
        ("quadratic", "0", 0, 0),
    ],
)
def test_rates_follow_from_fee_type_and_multiplier(fee_type: str, multiplier: str, taker_u: int, maker_u: int) -> None:
    assert FeeRates.of(fee_type, Decimal(multiplier)) == FeeRates(taker_u, maker_u)


@pytest.mark.parametrize(("fee_type", "multiplier"), [("flat", "1"), ("quadratic", "-1"), ("quadratic", "NaN")])
def test_a_fee_nobody_can_compute_is_refused(fee_type: str, multiplier: str) -> None:
    with pytest.raises(ProtocolError):
        FeeRates.of(fee_type, Decimal(multiplier))


PRICES = st.integers(min_value=1, max_value=99).map(lambda cents: cents * 10_000)
SIZES = st.integers(min_value=1, max_value=50_000).map(lambda hundredths: hundredths * 10_000)
FILLS = st.lists(st.tuples(SIZES, st.booleans()), min_size=1, max_size=30)


@given(PRICES, FILLS, st.sampled_from(list(Side)))
def test_many_small_fills_cost_one_large_fill_to_within_a_step(
    price_u: int, fills: list[tuple[int, bool]], side: Side
) -> None:
    sizes = [qty_u for qty_u, _ in fills]
    parts = OrderFees(FULL)
    in_parts = sum(parts.fill(side=side, price_u=price_u, qty_u=qty_u, is_taker=True).net_u for qty_u in sizes)
    at_once = OrderFees(FULL).fill(side=side, price_u=price_u, qty_u=sum(sizes), is_taker=True).net_u
    assert abs(in_parts - at_once) <= 2 * DIRECT_PRECISION_U + len(sizes)


@given(PRICES, FILLS, st.sampled_from(list(Side)), st.sampled_from([DIRECT_PRECISION_U, BROKER_PRECISION_U]))
def test_no_fill_is_ever_paid_for_and_cash_stays_on_its_precision(
    price_u: int, fills: list[tuple[int, bool]], side: Side, precision_u: int
) -> None:
    fees = OrderFees(FULL, precision_u=precision_u)
    for qty_u, is_taker in fills:
        net_u = fees.fill(side=side, price_u=price_u, qty_u=qty_u, is_taker=is_taker).net_u
        change_u = price_u * qty_u // 10**6 * (1 if side is Side.SELL else -1) - net_u
        assert net_u >= 0
        assert change_u % precision_u == 0


@given(PRICES, SIZES, st.booleans())
def test_the_estimate_is_never_below_the_charge_on_whole_cents(price_u: int, qty_u: int, is_taker: bool) -> None:
    charged_u = OrderFees(FULL).fill(side=Side.BUY, price_u=price_u, qty_u=qty_u, is_taker=is_taker).net_u
    assert FULL.schedule().fee_u(price_u=price_u, qty_u=qty_u, is_taker=is_taker) >= charged_u
