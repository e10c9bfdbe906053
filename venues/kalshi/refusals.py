"""What a reply that is not a success means.

Four bodies occur: `{"error":{code,message,details}}`, `{code,message,details}`, `{"msg":…}` and `{"error":"text"}`.
For an order the question is not what went wrong but what is proven: only a code of the allow-list proves that the
order is not in the book; a 5xx, a 429, a redirect or a code nobody has described leaves it unknown.
"""

from __future__ import annotations

import msgspec

from venues.errors import (
    AuthFailed,
    Fenced,
    NotFoundAtVenue,
    OutcomeUnknown,
    Rejected,
    Throttled,
    VenueError,
)
from venues.kalshi.constants import DEFINITIVE_CREATE_REFUSALS, DUPLICATE_ORDER, FENCE_SHUT
from venues.shapes import ready
from venues.transport.http import HttpReply

_LONGEST_DETAIL = 300


class Refusal(msgspec.Struct, frozen=True):
    """A refusal in one shape: the HTTP status, a stable code (empty when the body has none) and words."""

    status: int
    code: str
    message: str

    @property
    def text(self) -> str:
        words = ": ".join(part for part in (self.code, self.message) if part)
        return f"Kalshi answered {self.status}{' ' if words else ''}{words}"


class _Nested(msgspec.Struct):
    code: str = ""
    message: str = ""
    details: str = ""


class _Body(msgspec.Struct):
    error: _Nested | str | None = None
    code: str = ""
    message: str = ""
    details: str = ""
    msg: str = ""


def read_refusal(status: int, body: bytes) -> Refusal:
    """Any of the four shapes; a body of none of them gives an empty code. Never raises."""
    try:
        parsed = msgspec.json.decode(body, type=ready(_Body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Refusal(status, "", body[:_LONGEST_DETAIL].decode("utf-8", "replace"))
    if isinstance(parsed.error, str):
        return Refusal(status, "", parsed.error[:_LONGEST_DETAIL])
    inner: _Nested | _Body = parsed.error or parsed
    words = [inner.message, inner.details, parsed.msg]
    return Refusal(status, inner.code, ", ".join(dict.fromkeys(word for word in words if word))[:_LONGEST_DETAIL])


def refusal_of(reply: HttpReply) -> Refusal:
    return read_refusal(reply.status, reply.body)


def read_error(reply: HttpReply) -> VenueError:
    """A failed read. It proves nothing about anything: even 404 is only "not seen now"."""
    refusal = refusal_of(reply)
    if refusal.status == 404:
        return NotFoundAtVenue(refusal.text, code=refusal.code or None, status=404)
    if 400 <= refusal.status < 500 and refusal.status not in (401, 403, 429):
        return Rejected(refusal.text, code=refusal.code or None, status=refusal.status)
    return _general_error(refusal, reply)


def write_error(reply: HttpReply) -> VenueError:
    """A failed create, amend or decrease: `Rejected` only for a code of the allow-list.

    `order_already_exists` is an `OutcomeUnknown` of that code: an earlier send of the same id landed, find and adopt.
    """
    refusal = refusal_of(reply)
    is_final = 400 <= refusal.status < 500 and refusal.status not in (401, 403, 429)
    if is_final and refusal.code in DEFINITIVE_CREATE_REFUSALS:
        kind = Fenced if refusal.code in FENCE_SHUT else Rejected
        return kind(refusal.text, code=refusal.code, status=refusal.status)
    if refusal.code == DUPLICATE_ORDER:
        return OutcomeUnknown(refusal.text, code=DUPLICATE_ORDER, status=refusal.status)
    return _general_error(refusal, reply)


def _general_error(refusal: Refusal, reply: HttpReply) -> VenueError:
    if refusal.status in (401, 403):
        return AuthFailed(refusal.text, code=refusal.code or None, status=refusal.status)
    if refusal.status == 429:
        return Throttled(refusal.text, retry_after_s=_retry_after_s(reply), status=429)
    return OutcomeUnknown(refusal.text, code=_unknown_code(refusal), status=refusal.status)


def _unknown_code(refusal: Refusal) -> str:
    """`http_503` when the body names no code; an unknown code is passed on for the alert."""
    return refusal.code or f"http_{refusal.status}"


def _retry_after_s(reply: HttpReply) -> float | None:
    """Kalshi sends no Retry-After; a proxy might, in seconds. Anything else is ignored."""
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None
