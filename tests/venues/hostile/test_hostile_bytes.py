"""Bytes nobody would send, read by every parser of both adapters: a value or a ProtocolError, nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import venues.kalshi.schemas
import venues.kalshi.schemas_portfolio
import venues.kalshi.schemas_replies
import venues.polymarket.schemas
import venues.polymarket.schemas_data
import venues.polymarket.schemas_gamma
from venues.errors import ProtocolError, VenueError
from venues.kalshi.refusals import read_error as kalshi_read_error
from venues.kalshi.refusals import write_error as kalshi_write_error
from venues.polymarket.parse import Identity
from venues.polymarket.rejects import error_of as polymarket_error_of
from venues.polymarket.rejects import order_refusal, read_failure, retry_after_s
from venues.polymarket.stream_user import UserChannel
from venues.transport.http import HttpReply
from venues.transport.limiter import LONGEST_STOP_S, RateLimiter
from venues.wire import Census, Wire, decode, decode_answer, decode_list

_MODULES = (
    venues.kalshi.schemas,
    venues.kalshi.schemas_portfolio,
    venues.kalshi.schemas_replies,
    venues.polymarket.schemas,
    venues.polymarket.schemas_data,
    venues.polymarket.schemas_gamma,
)
SCHEMAS = sorted(
    {
        one
        for module in _MODULES
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Wire) and one is not Wire
    },
    key=lambda one: f"{one.__module__}.{one.__name__}",
)
FIELDS = sorted({name for one in SCHEMAS for name in one.__struct_fields__})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["NaN", "Infinity", "-0", "1e400", "0.5", "99999999999999999999", "\u0000", "２"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    st.binary(max_size=64),
    VALUES.map(lambda value: json.dumps(value).encode()),
    VALUES.map(lambda value: json.dumps(value).encode()[:-2]),
    st.just(b"[" * 100_000),
    st.just(b'{"order_id":"\\ud800","error":1}'),
)
FUZZ = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(body=BODIES)
def test_every_schema_reads_or_refuses(body: bytes):
    census = Census()
    for schema in SCHEMAS:
        for read in (decode, decode_list):
            try:
                read(body, schema, census)
            except ProtocolError:
                continue


@FUZZ
@given(body=BODIES, content_type=st.sampled_from(["", "application/json", "text/html"]))
def test_an_answer_is_read_or_refused(body: bytes, content_type: str):
    for schema in (venues.kalshi.schemas_portfolio.CreateReply, venues.polymarket.schemas.PostOrderReply):
        try:
            decode_answer(body, content_type, schema, Census())
        except ProtocolError:
            continue


@FUZZ
@given(
    body=BODIES,
    status=st.integers(min_value=100, max_value=599),
    retry_after=st.text(max_size=8) | st.sampled_from(["1", "-1", "NaN", "1e9", "Fri, 01 Jan 2100 00:00:00 GMT"]),
)
def test_every_refusal_has_a_type(body: bytes, status: int, retry_after: str):
    reply = HttpReply(status, {"retry-after": retry_after}, body, 1)
    for verdict in (kalshi_read_error, kalshi_write_error, order_refusal, read_failure):
        error: Any = verdict(reply)
        assert isinstance(error, VenueError)
        assert error.code and error.message


def nested(name: str) -> bytes:
    return b'{"order_id":"a","fill_count":"0","remaining_count":"1","ts_ms":1,"%s":{"x":1,"x":2}}' % name.encode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"order_id":"a","fill_count":"0","remaining_count":"1","ts_ms":1,"order_id":"b"}',
        nested("more"),
        b'{"order_id":"a","fill_count":"0","remaining_count":"1","ts_ms":NaN}',
        b'{"order_id":"a","fill_count":"0","remaining_count":"1"}',
    ],
)
def test_an_answer_that_contradicts_itself_is_not_believed(body: bytes):
    with pytest.raises(ProtocolError):
        decode_answer(body, "application/json", venues.kalshi.schemas_portfolio.CreateReply, Census())


DEEP = b"[" * 100_000


@pytest.mark.parametrize("frame", [DEEP, b'{"a":' * 100_000, b"[" + DEEP + b"]", b'{"event_type":' + DEEP], ids=len)
def test_a_frame_of_the_user_channel_never_raises(frame: bytes):
    channel = UserChannel(Identity("0x1", "k", "0x2"), lambda _: None)
    assert channel.feed(frame) == []
    assert channel.is_doubtful


def test_a_wait_that_nobody_meant_ends():
    """Retry-After of thirty-one years, in a body that a proxy made up."""
    reply = HttpReply(429, {}, b'{"error":"x","retry_after_seconds":1e9}', 1)
    limiter = RateLimiter()
    assert limiter.penalise("reads", retry_after_s(reply, polymarket_error_of(reply))) == LONGEST_STOP_S
