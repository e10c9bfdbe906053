"""Times as integers and back, without a float in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.clock import from_ms, to_ms


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_survive_the_round_trip(value_ms):
    moment = from_ms(value_ms)
    assert to_ms(moment) == value_ms and moment.tzinfo is not None
