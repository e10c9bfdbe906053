"""Texts of the wire become exact integers, or a ProtocolError; nothing passes through a float."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.errors import ProtocolError
from venues.polymarket.micro import (
    MAX_U,
    MicroCache,
    decimal_text,
    exact_micro_of,
    micro_of,
    parse_micro,
    parse_micro_or_zero,
    parse_ms,
)


@given(st.integers(0, MAX_U))
def test_every_amount_survives_the_way_to_the_wire_and_back(value_u: int) -> None:
    assert parse_micro(decimal_text(value_u)) == value_u
    assert MicroCache()[decimal_text(value_u)] == value_u
    assert exact_micro_of(Decimal(decimal_text(value_u))) == value_u


@pytest.mark.parametrize(
    ("text", "value_u"),
    [
        ("0.2", 200_000),
        (".5", 500_000),
        ("0.50", 500_000),
        ("8238.69", 8_238_690_000),
        ("5", 5_000_000),
        ("1.", MAX_U // 10**12),
    ],
)
def test_forms_seen_on_the_wire(text: str, value_u: int) -> None:
    assert parse_micro(text) == value_u


@pytest.mark.parametrize(
    "text", ["", ".", "-1", "+1", "NaN", "inf", "1e-3", "0.0000001", " 1", "1,5", "0x10", "9" * 14, "٣"]
)
def test_anything_else_is_a_protocol_error(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_micro(text)


def test_empty_and_null_are_zero_only_where_the_venue_uses_them_so() -> None:
    assert parse_micro_or_zero("") == parse_micro_or_zero(None) == 0
    assert parse_micro_or_zero("1.9") == 1_900_000


@pytest.mark.parametrize("number", ["-0.5", "NaN", "Infinity"])
def test_a_json_number_that_is_no_amount_is_refused(number: str) -> None:
    with pytest.raises(ProtocolError):
        micro_of(Decimal(number))


def test_sums_of_doubles_are_rounded_and_terms_must_be_exact() -> None:
    assert micro_of(Decimal("104.26000000000001")) == 104_260_000
    with pytest.raises(ProtocolError):
        exact_micro_of(Decimal("0.01000000000000001"))


@pytest.mark.parametrize(
    ("stamp", "at_ms"),
    [
        ("1791258810641", 1791258810641),
        ("1725841741", 1725841741000),
        (1703875200, 1703875200000),
        ("2026-10-09 00:15:00+00", 1791504900000),
        ("2026-10-09T00:15:00Z", 1791504900000),
        ("2026-01-05T05:11:54.888627Z", 1767589914888),
        ("", 0),
        (None, 0),
    ],
)
def test_seconds_milliseconds_and_iso_times_are_told_apart(stamp: str | int | None, at_ms: int) -> None:
    assert parse_ms(stamp) == at_ms


@pytest.mark.parametrize("stamp", ["soon", "2026-10-09T00:15:00"])
def test_a_time_that_cannot_be_placed_is_a_protocol_error(stamp: str) -> None:
    with pytest.raises(ProtocolError):
        parse_ms(stamp)
