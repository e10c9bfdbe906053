"""Numbers as Polymarket writes them: trimmed decimal strings, 1e6 integers, and an order's price and size.

Invariant: nothing here passes through a float except Gamma's JSON numbers, which are floats on the wire.
Source: polymarket/FACTS §2.3, §2.7.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from venues.types import MICRO


@lru_cache(maxsize=65536)
def decimal_text(value_u: int) -> str:
    """Millionths as a decimal string without trailing zeros: 200_000 is "0.2", 8_238_690_000 is "8238.69"."""
    sign, value_u = ("-", -value_u) if value_u < 0 else ("", value_u)
    whole, fraction = divmod(value_u, MICRO)
    tail = f"{fraction:06d}".rstrip("0")
    return f"{sign}{whole}.{tail}" if tail else f"{sign}{whole}"


def json_number(value_u: int) -> float | int:
    """Millionths as a JSON number: an integer where it is one."""
    return value_u // MICRO if value_u % MICRO == 0 else float(Decimal(value_u) / MICRO)


def limit_price_u(*, usd_u: int, qty_u: int, tick_u: int) -> int | None:
    """The price an order means: its amounts' quotient, put on the grid where rounding of the amounts moved it off by
    less than a twentieth of a tick. None for a price that is truly between two ticks."""
    if qty_u <= 0:
        return None
    ticks = round(Decimal(usd_u * MICRO) / (qty_u * tick_u))
    distance = abs(usd_u * MICRO - ticks * tick_u * qty_u)
    return ticks * tick_u if distance * 20 <= tick_u * qty_u else None


def iso_time(ms: int) -> str:
    """2026-10-09T00:15:00Z"""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def game_time(ms: int) -> str:
    """Gamma's `gameStartTime`: 2026-10-09 00:15:00+00"""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S+00")
