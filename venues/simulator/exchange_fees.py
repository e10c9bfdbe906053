"""What a match costs each side, computed the way each venue says it does, in exact integers.

Kalshi (FACTS §9.2): the trade fee is rounded up to $0.000001; the cash change of the fill is then floored to the
member's precision; what that took goes into the order's accumulator, which pays itself back in whole steps of the
precision as soon as it holds one, but never below a net fee of 0. Polymarket (FACTS §8): takers only, five decimals;
the direction of the rounding is undocumented, here it is down, because less than one unit is documented to be nothing.
"""

from __future__ import annotations

from venues.simulator.exchange_rules import FeeStyle, VenueRules
from venues.simulator.exchange_types import FeeSpec
from venues.types import MICRO

POLYMARKET_QUANTUM_U = 10


def raw_fee(spec: FeeSpec, *, yes_price_u: int, qty_u: int, is_taker: bool) -> tuple[int, int]:
    """The unrounded fee in µUSD as a fraction `(numerator, denominator)`."""
    rate_u = spec.taker_rate_u if is_taker else spec.maker_rate_u
    spread = (yes_price_u * (MICRO - yes_price_u)) ** spec.exponent
    return rate_u * qty_u * spread, MICRO * MICRO ** (2 * spec.exponent)


def fill_fee(
    rules: VenueRules, spec: FeeSpec, *, yes_price_u: int, qty_u: int, is_taker: bool, revenue_u: int, carry_u: int
) -> tuple[int, int]:
    """`(fee_u, new_carry_u)` of one fill; `revenue_u` is its cash change without fees, negative for a purchase."""
    numerator, denominator = raw_fee(spec, yes_price_u=yes_price_u, qty_u=qty_u, is_taker=is_taker)
    if rules.fee_style is FeeStyle.POLYMARKET:
        units = numerator // (denominator * POLYMARKET_QUANTUM_U) if is_taker else 0
        return units * POLYMARKET_QUANTUM_U, 0
    return _aligned(-(-numerator // denominator), revenue_u=revenue_u, carry_u=carry_u, step_u=rules.cash_step_u)


def _aligned(trade_fee_u: int, *, revenue_u: int, carry_u: int, step_u: int) -> tuple[int, int]:
    rounding_u = (revenue_u - trade_fee_u) % step_u
    carry_u += rounding_u
    rebate_u = min(carry_u, trade_fee_u + rounding_u) // step_u * step_u
    return trade_fee_u + rounding_u - rebate_u, carry_u - rebate_u


def fee_hold_u(rules: VenueRules, spec: FeeSpec, *, price_u: int, qty_u: int, lot_u: int, is_taker: bool) -> int:
    """An upper bound of all fees of an order, however it is split into fills: what is held with its collateral.

    Every fill may round up by 1 µUSD, and what the accumulator has not paid back yet is less than one step.
    """
    numerator, denominator = raw_fee(spec, yes_price_u=price_u, qty_u=qty_u, is_taker=is_taker)
    if not numerator:
        return 0
    if rules.fee_style is FeeStyle.POLYMARKET:
        return -(-numerator // denominator)
    return -(-numerator // denominator) + rules.cash_step_u + qty_u // lot_u
