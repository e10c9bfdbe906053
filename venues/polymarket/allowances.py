"""What a wallet lets the exchange contracts take of its pUSD: a buy beyond it could never be paid, so it is not sent.

Story: the reader notes what the venue tells with every read of the cash; the gateway of the same wallet asks before it
makes a buy. Invariant: only what was told is refused: a contract nobody told of is for the venue to judge. An approval
is given on chain and the venue caches it, so after a refusal the next read asks the venue to look at the chain again.
A sale is never refused here: it needs an approval of the contracts themselves, which is no amount, and the venue's
cache of what is held lags behind the fills, so that what it tells may not bar an exit. What the venue refuses for it,
it is asked to look at again.
Source: FACTS §2.8 (`/balance-allowance`), §2.11 ("not enough balance / allowance"), §3.7 (setApprovalForAll).
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from venues.errors import Rejected
from venues.types import MICRO

log = structlog.get_logger(__name__)

NO_ALLOWANCE = "no_allowance"


class Allowances:
    """Of one wallet, in µUSD by contract, whose address may be in any case. `is_doubted`: a buy was refused since the
    last read; `doubted_assets`: those of which a sale was (whether of exchange V3, by asset id)."""

    def __init__(self) -> None:
        self.is_doubted = False
        self.doubted_assets: dict[str, bool] = {}
        self._told: dict[str, int] = {}
        self._short: set[str] = set()

    def note(self, told_u: Mapping[str, int], *, cash_u: int) -> None:
        """What the venue told just now. A contract that may not take all of the cash is a line in the log, once."""
        self._told = {contract.lower(): allowed_u for contract, allowed_u in told_u.items()}
        self.is_doubted = False
        short = {contract for contract, allowed_u in self._told.items() if allowed_u < cash_u}
        for contract in sorted(short - self._short):
            log.warning("allowance_short", contract=contract, allowed_u=self._told[contract], cash_u=cash_u)
        self._short = short

    def check(self, contract: str, *, cost_u: int) -> None:
        """Raises Rejected `no_allowance` for a buy of `cost_u` that this contract is known not to be able to take."""
        allowed_u = self._told.get(contract.lower())
        if allowed_u is None or cost_u <= allowed_u:
            return
        self.is_doubted = True
        raise Rejected(
            f"Not sent: the wallet lets Polymarket's exchange {contract} take ${_usd(allowed_u)} and the order costs "
            f"${_usd(cost_u)}. Approve pUSD for it (sign in at polymarket.com with this wallet and enable trading); "
            "orders go out again when the venue has seen the approval.",
            code=NO_ALLOWANCE,
        )


def _usd(usd_u: int) -> str:
    """Dollars with all six decimals that are not zeros."""
    whole, rest = divmod(usd_u, MICRO)
    return f"{whole}.{f'{rest:06d}'.rstrip('0').ljust(2, '0')}"
