"""Kalshi's numbers: fixed-point strings on the wire, exact integer millionths inside, and nothing in between.

`"0.5600"` is 560_000 µUSD, `"227.27"` is 227_270_000 µcontracts. A number that is not plain decimal digits with at
most six decimals (NaN, 1e5, "", "½", eleven integer digits too many) raises ProtocolError: no float is ever made.
Source: docs.kalshi.com, fixed-point migration.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from venues.errors import ProtocolError
from venues.types import MICRO

_DECIMAL = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,6}))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_CENT_U = 10_000


def signed_u(text: str) -> int:
    """Millionths of a signed decimal string. Raises ProtocolError."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ProtocolError(f"{text!r} is not a fixed-point number with at most six decimals", code="bad_number")
    sign, whole, fraction = match.groups()
    value = int(whole) * MICRO + int((fraction or "").ljust(6, "0"))
    return -value if sign else value


def amount_u(text: str) -> int:
    """Millionths of a decimal string that must not be negative: a quantity, a cost, a fee. Raises ProtocolError."""
    value = signed_u(text)
    if value < 0:
        raise ProtocolError(f"{text!r} must not be negative", code="bad_number")
    return value


def price_u(text: str) -> int:
    """µUSD of a price in [0, 1]; both ends stand for "no quote" and settlement values. Raises ProtocolError."""
    value = amount_u(text)
    if value > MICRO:
        raise ProtocolError(f"a price of {text!r} is above one dollar", code="bad_number")
    return value


def cents_u(cents: int) -> int:
    """µUSD of the integer cents that a few old fields still carry."""
    return cents * _CENT_U


def price_text(price_u: int) -> str:
    """A price for a request, four decimals. Raises ValueError when it is finer than the wire allows."""
    if price_u % 100:
        raise ValueError(f"{price_u} µUSD is finer than $0.0001")
    return f"{price_u // MICRO}.{price_u % MICRO // 100:04d}"


def count_text(qty_u: int) -> str:
    """A quantity for a request, two decimals. Raises ValueError when it is finer than 0.01 contract."""
    if qty_u % _CENT_U:
        raise ValueError(f"{qty_u} µcontracts is finer than 0.01 contract")
    return f"{qty_u // MICRO}.{qty_u % MICRO // _CENT_U:02d}"


def time_ms(text: str) -> int:
    """UTC milliseconds of an RFC 3339 time, rounded down; any number of second decimals. Raises ProtocolError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ProtocolError(f"{text!r} is not a time", code="bad_time") from error
    if moment.tzinfo is None:
        raise ProtocolError(f"{text!r} has no time zone", code="bad_time")
    return (moment - _EPOCH) // _MILLISECOND


class NumberCache(dict[str, int]):
    """Remembers what a string parsed to: a stream repeats a few thousand of them. Forgets all when it is full."""

    def __init__(self, parse: Callable[[str], int], *, limit: int = 65_536) -> None:
        super().__init__()
        self._parse = parse
        self._limit = limit

    def __missing__(self, text: str) -> int:
        value = self._parse(text)
        if len(self) >= self._limit:
            self.clear()
        self[text] = value
        return value
