"""Damaged bodies: what proxies, tired servers and changed APIs make of a true reply.

Each keeps as much of the truth as its kind of damage allows, so that a reader who guesses is caught guessing. Pure.
"""

from __future__ import annotations

import functools
import gzip
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from venues.simulator.faults import Spoil

HUGE_BYTES = 2 * 1024 * 1024
BOMB_BYTES = 64 * 1024 * 1024
HTML = b"<!DOCTYPE html><html><head><title>One moment</title></head><body>Checking your browser.</body></html>"
_TEXT_NUMBER = re.compile(rb'(?<=[:\[,])\s*"-?\d+(?:\.\d+)?"')
_BARE_NUMBER = re.compile(rb"(?<=[:\[,])\s*-?\d+(?:\.\d+)?(?=[,}\]])")


class Damage(msgspec.Struct, frozen=True):
    """A body in place of the true one; empty `content_type` keeps the true one's. `is_cut`: the connection ends
    before the announced end of the body."""

    body: bytes
    content_type: str = ""
    headers: Mapping[str, str] = {}
    is_cut: bool = False


def damaged(body: bytes, spoil: Spoil) -> Damage:
    """The damage of this kind done to a body; a body that is no JSON suffers what it can."""
    match spoil:
        case Spoil.HTML:
            return Damage(HTML, "text/html; charset=UTF-8")
        case Spoil.WRONG_CONTENT_TYPE:
            return Damage(body, "text/html; charset=UTF-8")
        case Spoil.GZIP_BOMB:
            return Damage(_bomb(), headers={"Content-Encoding": "gzip"})
        case Spoil.CUT_SHORT:
            return Damage(body, is_cut=True)
        case _:
            return Damage(_SIMPLE[spoil](body))


def damaged_text(text: str, spoil: Spoil) -> str:
    """The same for a frame, which has neither headers nor an announced end."""
    return damaged(text.encode(), spoil).body.decode("utf-8", "replace")


def _truncated(body: bytes) -> bytes:
    return body.rstrip()[: max(1, len(body.rstrip()) * 2 // 3)]


def _wrong_type(body: bytes) -> bytes:
    """Every value of the outermost object (or of each object of an array) has another type."""
    return _edited(body, lambda fields: {name: _other_type(value) for name, value in fields.items()})


def _other_type(value: object) -> object:
    if isinstance(value, str):
        return [value]
    if isinstance(value, bool) or value is None:
        return "maybe"
    return {"value": "x"} if isinstance(value, int | float) else "x"


def _error_body(body: bytes) -> bytes:
    """An error under a status of success; the words of both venues at once."""
    words = {"code": "internal_error", "message": "internal error"}
    return msgspec.json.encode({"error": words, "errorMsg": "internal error", "success": False})


def _no_order(body: bytes) -> bytes:
    """An object, and nothing in it that tells of an order."""
    return b'{"ts_ms":1781159360866}'


def _huge(body: bytes) -> bytes:
    """The true reply with two megabytes in one more field."""
    return _edited(body, lambda fields: {**fields, "padding": "x" * HUGE_BYTES}) or b"x" * HUGE_BYTES


def _nan(body: bytes) -> bytes:
    """No number is one: bare ones are NaN, those in quotes say so."""
    return _BARE_NUMBER.sub(b"NaN", _TEXT_NUMBER.sub(b'"NaN"', body))


def _quoted_nan(body: bytes) -> bytes:
    """Valid JSON, in which every number in quotes is `"NaN"`."""
    return _TEXT_NUMBER.sub(b'"NaN"', body)


def _duplicate_keys(body: bytes) -> bytes:
    """Each key of the outermost object twice, the second time with another value of the same type."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return body + body
    again = {name: _other_value(value) for name, value in fields.items()}
    first, second = msgspec.json.encode(fields), msgspec.json.encode(again)
    return first[:-1] + b"," + second[1:] if fields else first


def _other_value(value: object) -> object:
    if isinstance(value, str):
        return re.sub(r"[0-9]", lambda digit: str((int(digit[0]) + 1) % 10), value) or "other"
    if isinstance(value, bool) or value is None:
        return value
    return value + 1 if isinstance(value, int | float) else value


def _no_rows(body: bytes) -> bytes:
    """Every list of the outermost object is empty: rows that exist are not shown."""

    def emptied(fields: dict[str, Any]) -> dict[str, Any]:
        shown = {name: [] if isinstance(value, list) else value for name, value in fields.items()}
        return shown | ({"count": 0} if "count" in shown else {})

    return _edited(body, emptied)


def _edited(body: bytes, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    try:
        value = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return body
    if isinstance(value, dict):
        return msgspec.json.encode(edit(value))
    if isinstance(value, list):
        return msgspec.json.encode([edit(each) if isinstance(each, dict) else each for each in value] or {})
    return b"[[]]"


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(bytes(BOMB_BYTES), compresslevel=1)


_SIMPLE: Mapping[Spoil, Callable[[bytes], bytes]] = {
    Spoil.NONE: lambda body: body,
    Spoil.EMPTY: lambda body: b"",
    Spoil.TRUNCATED: _truncated,
    Spoil.WRONG_TYPE: _wrong_type,
    Spoil.ERROR_BODY: _error_body,
    Spoil.NO_ORDER: _no_order,
    Spoil.HUGE: _huge,
    Spoil.NAN: _nan,
    Spoil.QUOTED_NAN: _quoted_nan,
    Spoil.DUPLICATE_KEYS: _duplicate_keys,
    Spoil.NO_ROWS: _no_rows,
}
