"""Fixed-point strings and integers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.errors import ProtocolError
from venues.kalshi.numbers import (
    NumberCache,
    amount_u,
    cents_u,
    count_text,
    price_text,
    price_u,
    signed_u,
    time_ms,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5600", 560_000),
        ("0.56", 560_000),
        ("1", 1_000_000),
        ("1.0000", 1_000_000),
        ("227.27", 227_270_000),
        ("0.017500", 17_500),
        ("-1.00", -1_000_000),
        ("-0.01", -10_000),
        ("1058328.00", 1_058_328_000_000),
        ("999999999999.999999", 999_999_999_999_999_999),
    ],
)
def test_a_decimal_string_becomes_exact_millionths(text: str, value: int) -> None:
    assert signed_u(text) == value


NOT_NUMBERS = (
    *("", " 1", "1 ", "1\n", "1.", ".5", "+1", "1e3", "0x1", "1,0", "-", "--1"),
    *("NaN", "Infinity", "½", "１", "0.1234567", "1000000000000"),
)


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        signed_u(text)


def test_amounts_and_prices_have_their_range() -> None:
    assert (price_u("0.0000"), price_u("1.0000")) == (0, 1_000_000)
    for refuse in (lambda: amount_u("-0.01"), lambda: price_u("1.0001"), lambda: price_u("-0.10")):
        with pytest.raises(ProtocolError):
            refuse()


@given(st.integers(min_value=0, max_value=10_000))
def test_a_price_survives_the_wire(step: int) -> None:
    assert price_u(price_text(step * 100)) == step * 100


@given(st.integers(min_value=0, max_value=10**12))
def test_a_quantity_survives_the_wire(hundredths: int) -> None:
    assert amount_u(count_text(hundredths * 10_000)) == hundredths * 10_000


def test_what_the_wire_cannot_hold_is_not_rounded() -> None:
    with pytest.raises(ValueError, match=r"finer than \$0.0001"):
        price_text(123_450 + 1)
    with pytest.raises(ValueError, match=r"finer than 0\.01 contract"):
        count_text(10_001)


def test_old_integer_cents_are_ten_thousand_millionths() -> None:
    assert cents_u(9801) == 98_010_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-06-11T06:29:47.42784Z", 1_781_159_387_427),
        ("2026-06-11T06:29:47.427999999Z", 1_781_159_387_427),
        ("2026-06-11T02:29:47-04:00", 1_781_159_387_000),
    ],
)
def test_times_are_utc_milliseconds_rounded_down(text: str, value: int) -> None:
    assert time_ms(text) == value


@pytest.mark.parametrize("text", ["", "yesterday", "2026-06-11T06:29:47", "2026-13-01T00:00:00Z"])
def test_a_time_without_a_zone_or_sense_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        time_ms(text)


def test_a_cache_parses_once_and_forgets_when_it_is_full() -> None:
    seen: list[str] = []

    def parse(text: str) -> int:
        seen.append(text)
        return signed_u(text)

    cache = NumberCache(parse, limit=2)
    assert [cache["1"], cache["1"], cache["2"], cache["3"], cache["1"]] == [10**6, 10**6, 2 * 10**6, 3 * 10**6, 10**6]
    assert seen == ["1", "2", "3", "1"]
