"""Between the integers of the hot path (millionths) and the Decimals people read. Exact both ways; no floats."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from venues.types import MICRO

_SCALE = Decimal(MICRO)
_CENT = Decimal("0.01")


def to_decimal(amount_u: int) -> Decimal:
    """Millionths as a Decimal with six places: 1_500_000 → Decimal('1.500000'). Exact."""
    return Decimal(amount_u).scaleb(-6)


def from_decimal(amount: Decimal | str) -> int:
    """A Decimal (or its text) in millionths. Raises ValueError for more than six places, for infinity and NaN."""
    try:
        scaled = Decimal(amount) * _SCALE
        whole = int(scaled)
    except (InvalidOperation, ValueError, OverflowError) as problem:
        raise ValueError(f"'{amount}' is not an amount") from problem
    if whole != scaled:
        raise ValueError(f"'{amount}' has more than six decimal places")
    return whole


def usd_of(*, price_u: int, qty_u: int) -> int:
    """µUSD of `qty_u` µcontracts at `price_u` µUSD: rounded down to a µUSD (exact on every venue's grid)."""
    return price_u * qty_u // MICRO


def usd_text(amount_u: int) -> str:
    """For people: '$1,234.50', '−$0.07'. Rounded half-even to cents."""
    cents = to_decimal(abs(amount_u)).quantize(_CENT, rounding=ROUND_HALF_EVEN)
    return f"{'−' if amount_u < 0 and cents else ''}${cents:,}"


def plain_text(amount_u: int) -> str:
    """For the API: a decimal string without trailing zeros beyond cents: '0.4250', '12.50', '-3.00'."""
    text = f"{to_decimal(amount_u):f}"
    whole, _, places = text.partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"
