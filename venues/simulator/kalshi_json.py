"""How Kalshi writes numbers, times and errors, and how it reads them.

Prices have 4 decimals, counts 2, money 6, all as strings; times are Go's RFC3339Nano, which trims trailing zeros of
the fraction; object keys of REST replies are alphabetical, error objects are not. Source: FACTS §2, §3.6, §12.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec

from venues.simulator.asgi import Reply
from venues.types import MICRO

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECIMAL = re.compile(r"^-?\d+(?:\.(\d+))?$")


class KalshiError(Exception):
    """An answer that is an error; carries the whole reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body.decode())
        self.reply = reply


def price(price_u: int) -> str:
    """`"0.5600"`."""
    return f"{price_u // MICRO}.{price_u % MICRO // 100:04d}"


def money(usd_u: int) -> str:
    """`"-0.520000"`."""
    sign, size_u = ("-", -usd_u) if usd_u < 0 else ("", usd_u)
    return f"{sign}{size_u // MICRO}.{size_u % MICRO:06d}"


def balance(usd_u: int) -> str:
    """Account balances have 4 decimals, cut off."""
    return price(usd_u) if usd_u >= 0 else f"-{price(-usd_u)}"


def count(qty_u: int) -> str:
    """`"-3.00"`."""
    sign, size_u = ("-", -qty_u) if qty_u < 0 else ("", qty_u)
    return f"{sign}{size_u // MICRO}.{size_u % MICRO // 10_000:02d}"


def stamp_us(at_ms: int, number: int = 0) -> int:
    """A microsecond within the millisecond: events of one millisecond keep their order."""
    return at_ms * 1000 + number % 1000


def rfc3339(at_us: int) -> str:
    """`2026-06-11T06:29:47.42784Z`: no trailing zeros, no fraction when it is 0."""
    text = (_EPOCH + timedelta(microseconds=at_us)).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{at_us % 1_000_000:06d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def rfc3339_ms(at_ms: int) -> str:
    return rfc3339(at_ms * 1000)


def parse_decimal(text: str, *, max_places: int) -> int:
    """Millionths of a decimal string. Raises ValueError."""
    match = _DECIMAL.match(text)
    if match is None or len(match.group(1) or "") > max_places:
        raise ValueError(text)
    whole, _, fraction = text.partition(".")
    size_u = abs(int(whole)) * MICRO + int(fraction.ljust(6, "0") or "0")
    return -size_u if text.startswith("-") else size_u


def ok(body: object, status: int = 200) -> Reply:
    """A reply with alphabetical keys."""
    return Reply(status=status, body=msgspec.json.encode(body, order="deterministic"))


def no_content() -> Reply:
    return Reply(status=204)


def error(status: int, code: str, *, message: str = "", details: str = "") -> KalshiError:
    """The nested shape; the message is the code in words unless given."""
    inner = {"code": code, "message": message or code.replace("_", " ")}
    if details:
        inner["details"] = details
    return KalshiError(Reply(status=status, body=msgspec.json.encode({"error": inner})))


def decode_error(details: str) -> KalshiError:
    """The flat shape of a body that Go could not unmarshal."""
    body = {"code": "bad_request", "message": "bad request", "details": details}
    return KalshiError(Reply(status=400, body=msgspec.json.encode(body)))


def validation_error(operation: str, field: str, tag: str) -> KalshiError:
    """The shape of query validation."""
    text = (
        f"Parameter validation failed for {operation}: Key: '{operation}Params.{field}' "
        f"Error:Field validation for '{field}' failed on the '{tag}' tag"
    )
    return KalshiError(Reply(status=400, body=msgspec.json.encode({"msg": text})))


TOO_MANY_REQUESTS = Reply(status=429, body=b'{"error":"too many requests"}')
