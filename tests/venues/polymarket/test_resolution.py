"""What a resolved condition pays: the venue writes payouts in millionths of a dollar."""

from __future__ import annotations

from decimal import Decimal

import pytest

from venues.errors import ProtocolError
from venues.polymarket.schemas_data import Resolution


def resolution(*payouts: str) -> Resolution:
    return Resolution(condition_id="0x1", payouts=[Decimal(each) for each in payouts])


@pytest.mark.parametrize(
    ("payouts", "value_u"),
    [(("1000000", "0"), 1_000_000), (("0", "1000000"), 0), (("500000", "500000"), 500_000), ((), None)],
)
def test_payouts_are_millionths_of_a_dollar(payouts: tuple[str, ...], value_u: int | None) -> None:
    assert resolution(*payouts).value_u == value_u


def test_a_condition_without_payouts_has_not_resolved() -> None:
    assert Resolution(condition_id="0x1").value_u is None


@pytest.mark.parametrize("payout", ["0.5", "1000001", "-1"])
def test_a_payout_outside_the_dollar_is_refused(payout: str) -> None:
    with pytest.raises(ProtocolError, match="cannot pay"):
        _ = resolution(payout, "0").value_u
