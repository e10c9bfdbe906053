"""The venue's decimal texts as exact integers in millionths, and its odd clocks as milliseconds.

Every number on this venue's wire is a decimal text ("0.19", "8238.69") or, in Gamma and the Data API, a JSON number
that the decoder hands over as `Decimal`, digit for digit. Nothing here goes through a float. Prices and sizes repeat
all day, so a parse is a dictionary hit in the hot path (`MicroCache`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from venues.errors import ProtocolError
from venues.types import MICRO

MAX_U = 10**18
"""One million million contracts: far above anything listed, far below 2^63."""

_DECIMALS = 6
_WHOLE_DIGITS = 13
_CACHE_LIMIT = 65_536
_STAMP_DIGITS = 22
_LAST_MS = 253_402_300_799_999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_BELOW = 10**11
"""The venue mixes seconds and milliseconds in fields of one name; nothing before 1973 is in milliseconds."""


def parse_micro(text: str) -> int:
    """Millionths of a plain decimal text, exact. ProtocolError for a sign, NaN, an exponent, a seventh decimal."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > _DECIMALS:
        fraction = fraction.rstrip("0")
    digits = whole + fraction.ljust(_DECIMALS, "0")
    is_plain = digits.isascii() and digits.isdigit() and bool(whole or fraction)
    if not is_plain or len(fraction) > _DECIMALS or len(whole) > _WHOLE_DIGITS:
        raise ProtocolError(f"not an amount with up to six decimals: {text[:40]!r}", code="bad_number")
    return _checked(int(digits))


def parse_micro_or_zero(text: str | None) -> int:
    """As `parse_micro`, but the venue's empty text and null count as 0 (`size_matched`, `makingAmount`)."""
    return parse_micro(text) if text else 0


def micro_of(number: Decimal) -> int:
    """Millionths of a JSON number, rounded half even: the Data API prints doubles such as 104.26000000000001."""
    if not number.is_finite() or number < 0 or number.adjusted() > _WHOLE_DIGITS:
        raise ProtocolError(f"not an amount: {number!s:.40}", code="bad_number")
    return _checked(int((number * MICRO).to_integral_value(ROUND_HALF_EVEN)))


def exact_micro_of(number: Decimal) -> int:
    """Millionths of a JSON number that has at most six decimals (ticks, fee rates, minimum sizes)."""
    value_u = micro_of(number)
    if Decimal(value_u) != number * MICRO:
        raise ProtocolError(f"more than six decimals: {number}", code="bad_number")
    return value_u


@lru_cache(maxsize=_CACHE_LIMIT)
def decimal_text(value_u: int) -> str:
    """The venue's own form of an amount: no trailing zeros, no exponent ("0.2", "8238.69", "5")."""
    whole, fraction = divmod(value_u, MICRO)
    return f"{whole}.{fraction:06d}".rstrip("0") if fraction else str(whole)


def parse_ms(stamp: str | int | None) -> int:
    """UTC milliseconds of a timestamp in seconds, in milliseconds, or as ISO text; 0 for an empty one."""
    if stamp is None or stamp == "":
        return 0
    if isinstance(stamp, int) or stamp.isdecimal():
        value = _whole(str(stamp))
        return _checked_ms(value * 1000 if value < _SECONDS_BELOW else value)
    return parse_iso_ms(stamp)


def parse_nano_ms(stamp: str) -> int:
    """UTC milliseconds of a timestamp in nanoseconds."""
    return _checked_ms(_whole(stamp) // 1_000_000)


def parse_iso_ms(text: str) -> int:
    """UTC milliseconds of "2026-10-09T00:15:00Z" or Gamma's "2026-10-09 00:15:00+00"."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ProtocolError(f"not a time: {text[:40]!r}", code="bad_time") from error
    if at.tzinfo is None:
        raise ProtocolError(f"a time without its zone: {text[:40]!r}", code="bad_time")
    return (at - _EPOCH) // timedelta(milliseconds=1)


class MicroCache(dict[str, int]):
    """`cache[text]` is `parse_micro(text)`. Forgets everything when full rather than tracking ages."""

    __slots__ = ()

    def __missing__(self, text: str) -> int:
        value_u = parse_micro(text)
        if len(self) >= _CACHE_LIMIT:
            self.clear()
        self[text] = value_u
        return value_u


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _STAMP_DIGITS):
        raise ProtocolError(f"not a time: {text[:40]!r}", code="bad_time")
    return int(text)


def _checked_ms(value_ms: int) -> int:
    if value_ms > _LAST_MS:
        raise ProtocolError(f"a time beyond the year 9999: {value_ms}", code="bad_time")
    return value_ms


def _checked(value_u: int) -> int:
    if value_u > MAX_U:
        raise ProtocolError("a number is out of range", code="bad_number")
    return value_u
