"""Numbers as people read them on pages: prices in cents, money, contracts, shares, spans of time, moments.

All take millionths (or seconds, milliseconds) and give text; None is an en dash, because an absent number is shown as
absent. Signs are typographic; rounding is half-even and only for show.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from core.clock import from_ms
from core.money import to_decimal, usd_text
from venues.types import MICRO

NOTHING = "–"
_TENTH = Decimal("0.1")
_CENT = Decimal("0.01")
_HOUR_S = 3_600


def cents_text(price_u: int | None) -> str:
    """A price of one contract: 540_000 → '54.0¢', 545_500 → '54.55¢'. Places below a tenth only where there are any."""
    if price_u is None:
        return NOTHING
    places = _TENTH if price_u % 1_000 == 0 else _CENT
    return f"{_rounded(to_decimal(price_u) * 100, places)}¢".replace("-", "−")


def tenths_text(price_u: int | None) -> str:
    """A price that is computed, not quoted: 304_712 → '30.5¢'."""
    if price_u is None:
        return NOTHING
    return f"{_rounded(to_decimal(price_u) * 100, _TENTH)}¢".replace("-", "−")


def money_text(amount_u: int | None) -> str:
    """'$1,234.50', '−$0.07'."""
    return NOTHING if amount_u is None else usd_text(amount_u)


def gain_text(amount_u: int | None) -> str:
    """Money with its sign always told: '+$12.30', '−$0.07', '$0.00'."""
    if amount_u is None:
        return NOTHING
    text = usd_text(amount_u)
    return text if text.startswith("−") or text == "$0.00" else f"+{text}"


def quantity_text(qty_u: int | None) -> str:
    """Contracts: 12_000_000 → '12.00', grouped by thousands."""
    return NOTHING if qty_u is None else f"{_rounded(to_decimal(qty_u), _CENT):,}"


def short_quantity_text(qty_u: int | None) -> str:
    """Contracts where room is scarce: '85.5', '1,240', '12.4k', '1.25M'."""
    if qty_u is None:
        return NOTHING
    whole = qty_u // MICRO
    if whole >= 1_000_000:
        return f"{_rounded(to_decimal(qty_u) / 1_000_000, _CENT)}M"
    if whole >= 10_000:
        return f"{_rounded(to_decimal(qty_u) / 1_000, _TENTH)}k"
    return f"{whole:,}" if qty_u % MICRO == 0 or whole >= 1_000 else f"{_rounded(to_decimal(qty_u), _TENTH)}"


def ratio_text(ratio_u: int | None) -> str:
    """A score within [0, 1]: 520_000 → '0.52'."""
    return NOTHING if ratio_u is None else f"{_rounded(to_decimal(ratio_u), _CENT)}"


def percent_text(ratio_u: int | None) -> str:
    """A chance or a share: 540_000 → '54 %'."""
    return NOTHING if ratio_u is None else f"{_rounded(to_decimal(ratio_u) * 100, Decimal(1))} %"


def span_text(seconds: int | None) -> str:
    """'45 s', '12 min 05 s', '3 h 20 min'."""
    if seconds is None:
        return NOTHING
    if abs(seconds) < 60:
        return f"{seconds} s"
    minutes, rest = divmod(abs(seconds), 60)
    sign = "−" if seconds < 0 else ""
    if abs(seconds) < _HOUR_S:
        return f"{sign}{minutes} min {rest:02} s" if rest else f"{sign}{minutes} min"
    return f"{sign}{minutes // 60} h {minutes % 60:02} min"


def time_text(at: datetime | int | None) -> str:
    """'19:42:07' in UTC, of a datetime or of milliseconds since 1970."""
    moment = _moment(at)
    return NOTHING if moment is None else f"{moment:%H:%M:%S}"


def moment_text(at: datetime | int | None) -> str:
    """'6 Dec 19:42:07' in UTC."""
    moment = _moment(at)
    return NOTHING if moment is None else f"{moment.day} {moment:%b %H:%M:%S}"


def day_text(at: datetime | int | None) -> str:
    """'6 Dec'."""
    moment = _moment(at)
    return NOTHING if moment is None else f"{moment.day} {moment:%b}"


def start_text(at: datetime | int | None) -> str:
    """When a game starts: 'Sat 6 Dec, 19:00'."""
    moment = _moment(at)
    return NOTHING if moment is None else f"{moment:%a} {moment.day} {moment:%b, %H:%M}"


def _moment(at: datetime | int | None) -> datetime | None:
    if isinstance(at, datetime):
        return at.astimezone(UTC)
    return from_ms(at) if at else None


def _rounded(value: Decimal, places: Decimal) -> Decimal:
    return value.quantize(places, rounding=ROUND_HALF_EVEN)
