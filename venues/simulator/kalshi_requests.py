"""Reading what clients send: order bodies in the strict way of the venue, query parameters in its lenient one.

Prices and counts are strings; a number there is refused with Go's own words. Sources: FACTS §2, §3.2, openapi 3.34.0.
"""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

import msgspec

from venues.simulator.asgi import Request
from venues.simulator.exchange_types import NewOrder, Stp
from venues.simulator.kalshi_json import KalshiError, decode_error, error, parse_decimal, validation_error
from venues.types import MICRO, Outcome, Side, TimeInForce

T = TypeVar("T")
CLIENT_ID = re.compile(r"^[A-Za-z0-9_-]{0,64}$")
TIFS = {
    "good_till_canceled": TimeInForce.GTC,
    "immediate_or_cancel": TimeInForce.IOC,
    "fill_or_kill": TimeInForce.FOK,
}
STPS = {"taker_at_cross": Stp.TAKER_AT_CROSS, "maker": Stp.MAKER}
GO_TYPES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}


class Body:
    """A JSON object whose fields are read by type; `name` is the Go struct that the venue decodes into."""

    def __init__(self, fields: dict[str, Any], name: str) -> None:
        self._fields = fields
        self._name = name

    @classmethod
    def of(cls, request: Request, name: str) -> Body:
        """Raises KalshiError for anything but a JSON object. An empty body is an empty object."""
        try:
            fields = msgspec.json.decode(request.body or b"{}")
        except msgspec.DecodeError as problem:
            raise decode_error(f"invalid JSON: {problem}") from problem
        if not isinstance(fields, dict):
            raise decode_error(f"json: cannot unmarshal {_go_type(fields)} into Go value of type {name}")
        return cls(fields, name)

    def text(self, field: str, default: str = "") -> str:
        return self._typed(field, str, "string", default)

    def flag(self, field: str) -> bool:
        return self._typed(field, bool, "bool", False)

    def integer(self, field: str) -> int | None:
        value = self._fields.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._mismatch(field, value, "int64")
        return value

    def items(self, field: str) -> list[Body]:
        values = self._typed(field, list, "array", [])
        if not all(isinstance(value, dict) for value in values):
            raise self._mismatch(field, values, "object")
        return [Body(value, self._name) for value in values]

    def required(self, field: str) -> str:
        value = self.text(field)
        if not value:
            raise error(400, "invalid_parameters", details=f"{field} is required")
        return value

    def decimal(self, field: str, *, places: int, code: str = "invalid_parameters") -> int | None:
        """Millionths of a decimal string; None when absent."""
        text = self.text(field)
        if not text:
            return None
        try:
            return parse_decimal(text, max_places=places)
        except ValueError:
            raise error(400, code, details="" if code == "invalid_price" else field) from None

    def _typed(self, field: str, kind: type[T], go_name: str, default: T) -> T:
        value = self._fields.get(field)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise self._mismatch(field, value, go_name)
        return value

    def _mismatch(self, field: str, value: object, go_name: str) -> KalshiError:
        return decode_error(
            f"json: cannot unmarshal {_go_type(value)} into Go struct field {self._name}.{field} of type {go_name}"
        )


def new_order(body: Body, now_ms: int) -> NewOrder:
    """A create body as the exchange wants it. An ask is a purchase of NO: so costs are those of what is held."""
    price_u = body.decimal("price", places=6, code="invalid_price")
    qty_u = body.decimal("count", places=2)
    side, tif = body.required("side"), body.required("time_in_force")
    stp = body.required("self_trade_prevention_type")
    if side not in ("bid", "ask") or tif not in TIFS or stp not in STPS or price_u is None or qty_u is None:
        raise error(400, "invalid_parameters")
    expires_s = body.integer("expiration_time")
    if expires_s is not None and TIFS[tif] is not TimeInForce.GTC:
        raise error(400, "invalid_parameters", details="expiration_time needs good_till_canceled")
    client_id = body.text("client_order_id")
    if not CLIENT_ID.match(client_id):
        raise error(400, "invalid_parameters", details="client_order_id")
    return NewOrder(
        native_id=body.required("ticker"),
        side=Side.BUY,
        outcome=Outcome.YES if side == "bid" else Outcome.NO,
        price_u=price_u if side == "bid" else MICRO - price_u,
        qty_u=qty_u,
        tif=TIFS[tif],
        client_order_id=client_id,
        expires_ms=None if expires_s is None else expires_s * 1000,
        post_only=body.flag("post_only"),
        reduce_only=body.flag("reduce_only"),
        stp=STPS[stp],
        cancel_on_pause=body.flag("cancel_order_on_pause"),
        group_id=body.text("order_group_id"),
    )


class Page(msgspec.Struct, Generic[T], frozen=True):
    items: list[T]
    cursor: str


def paged(request: Request, rows: list[T], *, operation: str, most: int, default: int, param: str = "limit") -> Page[T]:
    """One page. The cursor is opaque; one that cannot be read is page 1, as it is at the venue."""
    size = limit_of(request, operation=operation, most=most, default=default, param=param)
    cursor = request.one("cursor")
    start = int(cursor[1:], 36) if re.fullmatch(r"C[0-9a-z]{1,9}", cursor) else 0
    end = start + size
    return Page(rows[start:end], f"C{_base36(end)}" if end < len(rows) else "")


def limit_of(request: Request, *, operation: str, most: int, default: int, param: str = "limit") -> int:
    """Raises the venue's query-validation error beyond the maximum."""
    text = request.one(param)
    if not text:
        return default
    field = "".join(part.capitalize() for part in param.split("_"))
    if not text.isdigit():
        raise validation_error(operation, field, "number")
    if int(text) > most:
        raise validation_error(operation, field, "lte")
    return int(text) or default


def seconds(request: Request, name: str) -> int | None:
    """A query parameter in seconds, as milliseconds."""
    text = request.one(name)
    return int(text) * 1000 if text.lstrip("-").isdigit() else None


def within(request: Request, at_ms: int) -> bool:
    """The `min_ts`/`max_ts` filter."""
    least_ms, most_ms = seconds(request, "min_ts"), seconds(request, "max_ts")
    return (least_ms is None or at_ms >= least_ms) and (most_ms is None or at_ms < most_ms + 1000)


def shard_of(request: Request) -> int | None:
    """The `exchange_index` of the query; None when omitted or -1 (route by ticker)."""
    text = request.one("exchange_index")
    return int(text) if text.isdigit() else None


def raw_field(request: Request, field: str) -> object:
    """A field of the body before it is checked; None when there is nothing to read."""
    try:
        body = msgspec.json.decode(request.body or b"{}")
    except msgspec.DecodeError:
        return None
    return body.get(field) if isinstance(body, dict) else None


def _go_type(value: object) -> str:
    return GO_TYPES.get(type(value), "null")


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"
