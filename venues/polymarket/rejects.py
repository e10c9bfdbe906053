"""What a refusal means. The venue speaks in sentences, so sentences are what we match, against a closed list.

Only a text on `DEFINITIVE` proves that an order was not taken; every other 4xx, every 5xx but the three documented 503
modes, and every unreadable reply leave the outcome unknown. "Duplicated" means that the venue already has this very
order: unknown as well, to be found by its hash and adopted. Source: FACTS §2.11; extend the list only with evidence.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from venues.errors import AuthFailed, NotFoundAtVenue, OutcomeUnknown, Rejected, Throttled, VenueError
from venues.polymarket.schemas import ErrorReply
from venues.shapes import ready
from venues.transport.http import HttpReply
from venues.wire import UNREADABLE

DUPLICATE = "duplicate_order"

DEFINITIVE: tuple[tuple[str, str], ...] = (
    ("invalid post-only order", "post_only_crosses"),
    ("crosses the book", "post_only_crosses"),
    ("breaks minimum tick size rule", "invalid_tick"),
    ("invalid price (", "invalid_price"),
    ("lower than the minimum", "below_minimum"),
    ("invalid amount for a marketable buy order", "below_minimum"),
    ("not enough balance / allowance", "insufficient_funds"),
    ("fok orders are fully filled or killed", "fok_not_filled"),
    ("no orders found to match with fak order", "no_match"),
    ("the market is not yet ready to process new orders", "market_not_ready"),
    ("no orderbook exists for the requested token id", "market_not_found"),
    ("market not found", "market_not_found"),
    ("invalid expiration", "invalid_expiration"),
    ("invalid nonce", "invalid_nonce"),
    ("order_version_mismatch", "order_version_mismatch"),
    ("invalid signature", "invalid_signature"),
    ("invalid order payload", "invalid_payload"),
    ("too many orders in payload", "invalid_payload"),
    ("order owner has to be the owner of the api key", "wrong_owner"),
    ("order signer address has to be the address of the api key", "wrong_signer"),
    ("address banned", "account_banned"),
    ("address in closed only mode", "account_closed_only"),
    ("order canceled in the ctf exchange contract", "canceled_on_chain"),
)
"""Part of the text in lower case → our code. The first that occurs counts."""

_DEFAULT_WAIT_S = {"engine_restarting": 5.0, "post_only": 5.0, "cancel_only": 10.0, "trading_disabled": 30.0}


class VenueMode(StrEnum):
    """What the exchange takes at the moment. RESTARTING: nothing, not even cancels (HTTP 425, about 90 s)."""

    NORMAL = "normal"
    RESTARTING = "engine_restarting"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    DISABLED = "trading_disabled"


class ModeRefused(Rejected):
    """Not taken, because of the mode the exchange is in: a state, not a fault. Ask again after `retry_after_s`, which
    the venue itself named where `is_told`."""

    def __init__(self, mode: VenueMode, *, retry_after_s: float | None, status: int) -> None:
        super().__init__(f"The exchange refuses this now: {mode.value}.", code=mode.value, status=status)
        self.mode = mode
        self.is_told = retry_after_s is not None
        self.retry_after_s = retry_after_s if retry_after_s is not None else _DEFAULT_WAIT_S[mode.value]


def error_of(reply: HttpReply) -> ErrorReply:
    """The error body, or an empty one with the raw text where it is no JSON object."""
    try:
        return msgspec.json.decode(reply.body, type=ready(ErrorReply))
    except UNREADABLE:
        return ErrorReply(error=reply.body[:200].decode("utf-8", "replace"))


def retry_after_s(reply: HttpReply, error: ErrorReply) -> float | None:
    """Seconds from the body or from a numeric Retry-After; None for a date, garbage or nothing."""
    if error.retry_after_seconds is not None:
        return max(0.0, error.retry_after_seconds)
    header = reply.headers.get("retry-after", "").strip()
    return float(header) if header.isascii() and header.isdecimal() and len(header) < 7 else None


def mode_of(reply: HttpReply, error: ErrorReply) -> VenueMode | None:
    """The mode a 425 or 503 speaks of; None for any other reply, an unexplained 503 included."""
    if reply.status == 425:
        return VenueMode.RESTARTING
    if reply.status != 503:
        return None
    text = error.text.lower()
    if error.code == "post_only_mode" or text.startswith("post-only mode"):
        return VenueMode.POST_ONLY
    if "cancel-only" in text:
        return VenueMode.CANCEL_ONLY
    return VenueMode.DISABLED if "trading is currently disabled" in text else None


def order_refusal(reply: HttpReply) -> VenueError:
    """The error to raise for any reply to a new order that is not a readable acceptance."""
    error = error_of(reply)
    mode = mode_of(reply, error)
    if mode is not None:
        return ModeRefused(mode, retry_after_s=retry_after_s(reply, error), status=reply.status)
    general = _general(reply, error)
    if general is not None:
        return general
    return refusal_of_text(error.text, status=reply.status)


def refusal_of_text(text: str, *, status: int) -> VenueError:
    """Rejected when the text is on the list and the status is not a server error, else OutcomeUnknown."""
    lower = text.lower()
    if status < 500:
        if "duplicated" in lower:
            return OutcomeUnknown(
                "The venue already has this order; read it by its hash.", code=DUPLICATE, status=status
            )
        for part, code in DEFINITIVE:
            if part in lower:
                return Rejected(_quoted(text), code=code, status=status)
    return OutcomeUnknown(f"HTTP {status}: {_quoted(text)}", status=status)


def read_failure(reply: HttpReply) -> VenueError:
    """The error to raise for any reply to a read that is not 200."""
    error = error_of(reply)
    general = _general(reply, error)
    if general is not None:
        return general
    if reply.status == 404:
        return NotFoundAtVenue(_quoted(error.text), status=404)
    mode = mode_of(reply, error)
    return OutcomeUnknown(
        f"HTTP {reply.status}: {_quoted(error.text)}",
        code=mode.value if mode is not None else None,
        status=reply.status,
    )


def _general(reply: HttpReply, error: ErrorReply) -> VenueError | None:
    """What means the same for every call: key trouble and too many requests."""
    if reply.status in (401, 403):
        return AuthFailed(f"The venue does not accept this key: {_quoted(error.text)}", status=reply.status)
    if reply.status == 429:
        return Throttled("Too many requests.", retry_after_s=retry_after_s(reply, error))
    return None


def _quoted(text: str) -> str:
    return text.strip()[:300] or "no text"
