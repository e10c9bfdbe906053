"""All shapes of a refusal, and what each proves about an order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from venues.errors import AuthFailed, NotFoundAtVenue, OutcomeUnknown, Rejected, Throttled, VenueError
from venues.kalshi.refusals import read_error, read_refusal, write_error
from venues.transport.http import HttpReply

NESTED = b'{"error":{"code":"invalid_order","message":"invalid order","details":"post only cross","service":"x"}}'
FLAT = b'{"code":"bad_request","message":"bad request","details":"json: cannot unmarshal number"}'
BARE = b'{"msg":"Parameter validation failed for GetMarkets"}'
STRING = b'{"error":"too many requests"}'


def reply(status: int, body: bytes = b"", **headers: str) -> HttpReply:
    return HttpReply(status, headers, body, 5)


def nested(code: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": code.replace("_", " ")}}).encode()


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (NESTED, "invalid_order", "invalid order, post only cross"),
        (FLAT, "bad_request", "bad request, json: cannot unmarshal number"),
        (BARE, "", "Parameter validation failed for GetMarkets"),
        (STRING, "", "too many requests"),
        (b"<html>502</html>", "", "<html>502</html>"),
        (b"", "", ""),
        (b"[1]", "", "[1]"),
        (b"\xff\xfe", "", "\ufffd\ufffd"),
        (b'{"error":null}', "", ""),
        (b'{"error":{"code":5}}', "", '{"error":{"code":5}}'),
    ],
)
def test_every_shape_of_a_refusal_is_read(body: bytes, code: str, message: str) -> None:
    refusal = read_refusal(400, body)
    assert (refusal.code, refusal.message) == (code, message)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, nested("insufficient_balance"), Rejected, "insufficient_balance"),
        (400, nested("invalid_price"), Rejected, "invalid_price"),
        (400, NESTED, Rejected, "invalid_order"),
        (400, FLAT, Rejected, "bad_request"),
        (404, nested("market_not_found"), Rejected, "market_not_found"),
        (409, nested("fill_or_kill_insufficient_resting_volume"), Rejected, "fill_or_kill_insufficient_resting_volume"),
        (409, nested("trading_is_paused"), Rejected, "trading_is_paused"),
        (409, nested("order_already_exists"), OutcomeUnknown, "order_already_exists"),
        (409, nested("brand_new_code"), OutcomeUnknown, "brand_new_code"),
        (400, BARE, OutcomeUnknown, "http_400"),
        (404, b"", OutcomeUnknown, "http_404"),
        (410, nested("deprecated_v1_order_endpoint"), OutcomeUnknown, "deprecated_v1_order_endpoint"),
        (401, nested("header_timestamp_expired"), AuthFailed, "header_timestamp_expired"),
        (403, nested("forbidden"), AuthFailed, "forbidden"),
        (429, STRING, Throttled, "throttled"),
        (500, nested("insufficient_balance"), OutcomeUnknown, "insufficient_balance"),
        (503, b"", OutcomeUnknown, "http_503"),
        (302, b"", OutcomeUnknown, "http_302"),
    ],
)
def test_only_a_known_refusal_proves_that_an_order_is_not_there(
    status: int, body: bytes, kind: type[VenueError], code: str
) -> None:
    error = write_error(reply(status, body))
    assert type(error) is kind
    assert (error.code, error.status) == (code, status)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, nested("not_found"), NotFoundAtVenue),
        (400, nested("bad_request"), Rejected),
        (401, nested("authentication_error"), AuthFailed),
        (403, b"", AuthFailed),
        (429, STRING, Throttled),
        (504, b"", OutcomeUnknown),
    ],
)
def test_a_failed_read_says_what_failed(status: int, body: bytes, kind: type[VenueError]) -> None:
    assert type(read_error(reply(status, body))) is kind


@pytest.mark.parametrize(("header", "seconds"), [("30", 30.0), ("soon", None), ("-1", None), ("٣", None), ("", None)])
def test_a_retry_after_is_believed_only_in_plain_seconds(header: str, seconds: float | None) -> None:
    error = write_error(reply(429, STRING, **{"retry-after": header}))
    assert isinstance(error, Throttled)
    assert error.retry_after_s == seconds


def test_the_recorded_refusals_of_creates_are_definitive_but_for_the_duplicate(demo: Path) -> None:
    found = {}
    for name in ("insufficient_balance", "invalid_price_structure", "post_only_cross", "numeric_field_types"):
        found[name] = type(write_error(reply(400, (demo / f"orders__{name}.json").read_bytes())))
    assert set(found.values()) == {Rejected}
    for name in ("duplicate_client_order_id", "reuse_canceled_client_id"):
        error = write_error(reply(409, (demo / f"orders__{name}.json").read_bytes()))
        assert (type(error), error.code) == (OutcomeUnknown, "order_already_exists")
