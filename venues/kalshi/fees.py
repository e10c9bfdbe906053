"""What Kalshi charges for a fill, to the millionth of a dollar.

`raw = 0.07 × multiplier × contracts × p × (1 − p)` for takers; makers pay nothing, a quarter or half of it by the
series' fee type. The raw fee is rounded up to $0.000001 (to $0.0001 before 2026-08-28). Then the member's cash change
(price and fee together) is rounded down to the precision of the account, $0.0001 for direct members, and the
difference is a rounding fee. An accumulator per order collects those and pays whole steps back, so that many small
fills cost what one large fill costs, to within a step. What a fill says it cost is the truth; this engine explains it.
Source: Kalshi fee rounding page and 33 real fills.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from venues.errors import ProtocolError
from venues.kalshi.constants import MAKER_SHARE, TAKER_RATE_U
from venues.types import MICRO, FeeSchedule, Side

DIRECT_PRECISION_U = 100
"""$0.0001: cash of a direct member."""

BROKER_PRECISION_U = 10_000
"""$0.01: cash of a member behind a broker."""


class FeeRates(msgspec.Struct, frozen=True):
    """Coefficients in millionths: 0.07 is 70_000."""

    taker_rate_u: int
    maker_rate_u: int

    @classmethod
    def of(cls, fee_type: str, multiplier: Decimal) -> FeeRates:
        """Rates of a series or an event override, rounded up. Raises ProtocolError for a fee type with no formula."""
        share = MAKER_SHARE.get(fee_type)
        if share is None:
            raise ProtocolError(f"fee type {fee_type!r} has no known formula", code="unknown_fee_type")
        taker_rate_u = _ceil_div(TAKER_RATE_U * _multiplier_u(multiplier), MICRO)
        return cls(taker_rate_u, _ceil_div(taker_rate_u * share[0], share[1]))

    def schedule(self) -> FeeSchedule:
        """The estimate that decisions use. It covers every fill whose cost needs no more than four decimals."""
        return FeeSchedule(
            taker_rate_u=self.taker_rate_u, maker_rate_u=self.maker_rate_u, exponent=1, quantum_u=DIRECT_PRECISION_U
        )


NO_FEES = FeeRates(0, 0)


class FillFee(msgspec.Struct, frozen=True):
    """The parts of one fill's fee, µUSD. `net_u` is what `fee_cost` says."""

    trade_fee_u: int
    rounding_fee_u: int
    rebate_u: int

    @property
    def net_u(self) -> int:
        return self.trade_fee_u + self.rounding_fee_u - self.rebate_u


class OrderFees:
    """The fee account of one order: feed it the order's fills in sequence, taker and maker fills alike."""

    __slots__ = ("_accumulated_u", "_precision_u", "_rates", "_trade_quantum_u")

    def __init__(self, rates: FeeRates, *, precision_u: int = DIRECT_PRECISION_U, trade_quantum_u: int = 1) -> None:
        """`trade_quantum_u=100` gives the four-decimal trade fees of before 2026-08-28."""
        self._rates = rates
        self._precision_u = precision_u
        self._trade_quantum_u = trade_quantum_u
        self._accumulated_u = 0

    def fill(self, *, side: Side, price_u: int, qty_u: int, is_taker: bool) -> FillFee:
        """The fee of the next fill; `price_u` is of the outcome that `side` buys or sells. Never below 0 in all."""
        rate_u = self._rates.taker_rate_u if is_taker else self._rates.maker_rate_u
        trade_fee_u = trade_fee(rate_u=rate_u, price_u=price_u, qty_u=qty_u, quantum_u=self._trade_quantum_u)
        value_u = price_u * qty_u // MICRO
        change_u = (value_u if side is Side.SELL else -value_u) - trade_fee_u
        rounding_fee_u = change_u % self._precision_u
        return FillFee(trade_fee_u, rounding_fee_u, self._rebate_u(trade_fee_u, rounding_fee_u))

    def _rebate_u(self, trade_fee_u: int, rounding_fee_u: int) -> int:
        """Whole steps of what has accumulated, and never more than this fill pays."""
        self._accumulated_u += rounding_fee_u
        payable_u = min(self._accumulated_u, trade_fee_u + rounding_fee_u)
        rebate_u = payable_u // self._precision_u * self._precision_u
        self._accumulated_u -= rebate_u
        return rebate_u


def trade_fee(*, rate_u: int, price_u: int, qty_u: int, quantum_u: int = 1) -> int:
    """µUSD of `rate × qty × p × (1 − p)`, rounded up to the quantum; the same for YES and NO."""
    numerator = rate_u * qty_u * price_u * (MICRO - price_u)
    return _ceil_div(numerator, MICRO**3 * quantum_u) * quantum_u


def _multiplier_u(multiplier: Decimal) -> int:
    scaled = multiplier * MICRO
    if not scaled.is_finite() or scaled < 0 or scaled != scaled.to_integral_value() or multiplier > 1_000:
        raise ProtocolError(f"a fee multiplier of {multiplier} cannot be used", code="bad_number")
    return int(scaled)


def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
