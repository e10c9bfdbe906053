"""Wallet addresses as the chain's factories give them; expected values from the official SDK (0.14.0)."""

from __future__ import annotations

import pytest

from venues.simulator.polymarket_addresses import funder_address

SIGNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.mark.parametrize(
    ("signature_type", "address"),
    [
        (0, SIGNER),
        (1, "0x365f0CA36Ae1f641E02fE3B7743673da42A13A70"),
        (2, "0xd93B25cb943D14d0d34FBaF01Fc93a0f8b5F6E47"),
        (3, "0xBc0fF067b7740Eff76C1ca93c875Ba6B890d6B50"),
    ],
)
def test_a_wallets_money_lies_where_the_factory_puts_it(signature_type: int, address: str) -> None:
    assert funder_address(SIGNER, signature_type) == address


def test_an_unknown_signature_type_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="signature_type 4 is not one of 0, 1, 2, 3"):
        funder_address(SIGNER, 4)
