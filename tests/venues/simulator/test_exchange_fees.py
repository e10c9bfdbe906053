"""Fees against the venues' published and recorded numbers (../shared/venues/*/FACTS.md), not against our adapters."""

from __future__ import annotations

import msgspec
import pytest

from venues.simulator.exchange_fees import fill_fee
from venues.simulator.exchange_rules import KALSHI_RULES, POLYMARKET_RULES, VenueRules
from venues.simulator.exchange_types import FeeSpec

FULL = FeeSpec(70_000, 17_500)
HALF = FeeSpec(35_000, 8_750)
QUADRATIC = FeeSpec(70_000, 0)
SPORTS = FeeSpec(50_000)
PROMO = FeeSpec(30_000)
BROKER = msgspec.structs.replace(KALSHI_RULES, cash_step_u=10_000)


def fee_of(rules: VenueRules, spec: FeeSpec, price_u: int, qty_u: int, *, is_taker: bool = True) -> int:
    revenue_u = -(price_u * qty_u // 1_000_000)
    fee_u, _ = fill_fee(
        rules, spec, yes_price_u=price_u, qty_u=qty_u, is_taker=is_taker, revenue_u=revenue_u, carry_u=0
    )
    return fee_u


@pytest.mark.parametrize(
    ("spec", "qty_u", "price_u", "is_taker", "expected_u"),
    [
        (FULL, 1_000_000, 520_000, True, 17_500),
        (FULL, 100_000_000, 500_000, True, 1_750_000),
        (HALF, 10_000_000, 270_000, True, 69_000),
        (HALF, 270_000, 270_000, True, 1_900),
        (FULL, 227_270_000, 1_000, True, 15_930),
        (FULL, 10_000_000, 550_000, False, 43_400),
        (HALF, 10_000_000, 550_000, False, 21_700),
        (QUADRATIC, 10_000_000, 550_000, False, 0),
    ],
)
def test_kalshi_fees_reproduce_recorded_fills(
    spec: FeeSpec, qty_u: int, price_u: int, is_taker: bool, expected_u: int
) -> None:
    assert fee_of(KALSHI_RULES, spec, price_u, qty_u, is_taker=is_taker) == expected_u


def test_a_brokers_member_is_aligned_to_whole_cents() -> None:
    assert fee_of(BROKER, FULL, 55_000, 1_000_000) == 5_000


def test_what_rounding_took_is_paid_back_over_the_fills_of_an_order() -> None:
    carry_u, total_u = 0, 0
    for _ in range(100):
        fee_u, carry_u = fill_fee(
            KALSHI_RULES, FULL, yes_price_u=520_000, qty_u=1_000_000, is_taker=True, revenue_u=-520_000, carry_u=carry_u
        )
        assert fee_u >= 0
        total_u += fee_u
    assert abs(total_u - 1_747_200) <= 200
    assert 0 <= carry_u < KALSHI_RULES.cash_step_u


@pytest.mark.parametrize(
    ("spec", "price_u", "expected_u"),
    [
        (SPORTS, 500_000, 1_250_000),
        (SPORTS, 300_000, 1_050_000),
        (SPORTS, 700_000, 1_050_000),
        (SPORTS, 200_000, 800_000),
        (SPORTS, 50_000, 237_500),
        (PROMO, 300_000, 630_000),
    ],
)
def test_polymarket_fees_match_the_worked_examples_for_a_hundred_shares(
    spec: FeeSpec, price_u: int, expected_u: int
) -> None:
    assert fee_of(POLYMARKET_RULES, spec, price_u, 100_000_000) == expected_u
    assert fee_of(POLYMARKET_RULES, spec, price_u, 100_000_000, is_taker=False) == 0


def test_a_polymarket_fee_below_its_unit_is_nothing() -> None:
    assert fee_of(POLYMARKET_RULES, SPORTS, 1_000, 10_000) == 0
