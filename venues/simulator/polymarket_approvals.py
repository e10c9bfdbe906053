"""How much of a wallet's pUSD the exchange contracts may take: without an approval no buy can ever be paid.

A simulated wallet has approved all of them without limit, until a test takes that away for every wallet. An approval is
not used up by trades, as an unlimited one is not on chain. Source: polymarket/FACTS §2.8, §2.11.
"""

from __future__ import annotations

UNLIMITED_U = (1 << 256) - 1
SPENDERS = (
    "0xE111180000d2663C0091e4f400237545B87B996B",
    "0xe2222d279d744050d28e00520010520000310F59",
    "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa",
)


class Approvals:
    """`limit_u`: µUSD that each of the contracts may take from any wallet."""

    def __init__(self) -> None:
        self.limit_u = UNLIMITED_U

    def told(self) -> dict[str, str]:
        """By contract, as the venue tells them."""
        return dict.fromkeys(SPENDERS, str(self.limit_u))
