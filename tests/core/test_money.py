"""Between millionths and Decimals nothing is ever lost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import from_decimal, plain_text, to_decimal, usd_of, usd_text


@given(st.integers(-(10**17), 10**17))
def test_every_amount_survives_the_round_trip(amount_u):
    assert from_decimal(to_decimal(amount_u)) == amount_u
    assert from_decimal(plain_text(amount_u)) == amount_u


@pytest.mark.parametrize("text", ["0.0000001", "NaN", "Infinity", "-Infinity", "ten", "", "1e-7"])
def test_what_is_no_amount_of_millionths_is_refused(text):
    with pytest.raises(ValueError):
        from_decimal(text)


def test_amounts_are_shown_to_people_in_cents_and_to_machines_exactly():
    assert [usd_text(u) for u in (1_234_500_000, -70_000, 0, 5_000, 15_000, -4_000)] == [
        "$1,234.50", "−$0.07", "$0.00", "$0.00", "$0.02", "$0.00",
    ]  # fmt: skip
    assert [plain_text(u) for u in (425_000, 12_500_000, -3_000_000, 1, 0)] == [
        "0.425", "12.50", "-3.00", "0.000001", "0.00",
    ]  # fmt: skip


def test_an_amount_is_rounded_down_to_a_micro_dollar():
    assert usd_of(price_u=333_333, qty_u=2) == 0
    assert usd_of(price_u=420_000, qty_u=10_000_000) == 4_200_000


def test_decimals_are_exact():
    assert to_decimal(1) == Decimal("0.000001")
