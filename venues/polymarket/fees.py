"""Taker fees: `contracts × rate × (p × (1 − p)) ^ exponent`, in steps of 0.00001 USD, computed at the match.

Makers pay nothing. The fee comes on top of a buy and out of the proceeds of a sale; it is neither in the signed order
nor on the wire of a fill, so what this module computes is what gets booked. Published: https://docs.polymarket.com/trading/fees
The direction of the last rounding is undocumented: estimates use `Rounding.UP`, which is never below a charge; fills
are booked with `BOOKED_ROUNDING`. What is less than one step is not charged at all.
"""

from __future__ import annotations

from enum import StrEnum

from venues.polymarket.constants import FEE_QUANTUM_U
from venues.types import MICRO, FeeSchedule


class Rounding(StrEnum):
    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


BOOKED_ROUNDING = Rounding.DOWN
"""Cutting off is the one direction that makes the documented rule "below 0.00001 nothing is charged" come by itself."""


def taker_fee_u(fees: FeeSchedule, *, price_u: int, qty_u: int, rounding: Rounding = Rounding.UP) -> int:
    """µUSD for taking `qty_u` at `price_u`; the same for YES at p and NO at 1 − p. Exact integers, one rounding."""
    numerator, denominator = _fraction(fees, price_u, qty_u)
    if numerator < denominator:
        return 0
    match rounding:
        case Rounding.UP:
            steps = -(-numerator // denominator)
        case Rounding.DOWN:
            steps = numerator // denominator
        case Rounding.NEAREST:
            steps = (2 * numerator + denominator) // (2 * denominator)
    return steps * FEE_QUANTUM_U


def buy_amount_within_u(fees: FeeSchedule, *, total_u: int, price_u: int) -> int:
    """The largest amount A in whole cents with A plus its fee ≤ `total_u`: what a market buy may be given (µUSD).

    From A = S / (1 + rate × (p(1−p))^e / p), then stepped down by cents until the rounded-up fee fits as well.
    """
    rate: int = fees.taker_rate_u * (price_u * (MICRO - price_u)) ** fees.exponent
    scale: int = MICRO ** (2 * fees.exponent)
    amount_u = total_u * scale * price_u // (scale * price_u + rate)
    amount_u -= amount_u % 10_000
    while amount_u > 0 and amount_u + _fee_of_amount_u(fees, amount_u, price_u) > total_u:
        amount_u -= 10_000
    return max(amount_u, 0)


def _fee_of_amount_u(fees: FeeSchedule, amount_u: int, price_u: int) -> int:
    return taker_fee_u(fees, price_u=price_u, qty_u=-(-amount_u * MICRO // price_u))


def _fraction(fees: FeeSchedule, price_u: int, qty_u: int) -> tuple[int, int]:
    """The fee in steps of FEE_QUANTUM_U as an exact fraction."""
    numerator: int = fees.taker_rate_u * qty_u * (price_u * (MICRO - price_u)) ** fees.exponent
    return numerator, MICRO * MICRO ** (2 * fees.exponent) * FEE_QUANTUM_U
