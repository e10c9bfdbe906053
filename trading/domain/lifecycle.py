"""The life of one of our orders, as one literal table that the session, the services and the database share.

Story: an order is born `claimed` (durable, not yet sent). A claimed order past its send deadline without evidence *is*
the unknown state, so a crash cannot skip it. From `claimed` and `open` the venue's evidence leads to one of the six
ends. Invariant: ends never change but by one correction: what was called canceled or expired, and whose booked fills
add up to all of it, was filled. What may still change at some ends is how much was filled (a late fill, a void).

Protocol: write the intent durably, send it at most once, never send it again; a timeout is not a rejection.
"""

from __future__ import annotations

from enum import StrEnum


class OrderStatus(StrEnum):
    CLAIMED = "claimed"
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    DENIED = "denied"
    VOID = "void"


_S = OrderStatus

TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.CLAIMED: frozenset({_S.OPEN, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED, _S.DENIED, _S.VOID}),
    _S.OPEN: frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.DENIED: frozenset(),
    _S.VOID: frozenset(),
}

CORRECTIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.CANCELED: frozenset({_S.FILLED}),
    _S.EXPIRED: frozenset({_S.FILLED}),
}
"""Only booked fills, never a report, correct an end: word of the end overtook the fills that made it."""

ENDED: frozenset[OrderStatus] = frozenset(status for status, moves in TRANSITIONS.items() if not moves)
"""No move leads out of these."""

LATE_FILL_ALLOWED: frozenset[OrderStatus] = frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED})
"""Ended, and yet the filled amount may be corrected: the fill message came after the end, or a fill was voided.
The status stays. A fill for `rejected`, `denied` or `void` breaks the protocol: alert and pause, never absorb."""

NEVER_AT_VENUE: frozenset[OrderStatus] = frozenset({_S.REJECTED, _S.DENIED, _S.VOID})


def may_move(current: OrderStatus, new: OrderStatus) -> bool:
    """True if `new` is a legal next status; staying where one is counts as no move and is not legal."""
    return new in TRANSITIONS[current]


def may_correct(current: OrderStatus, new: OrderStatus) -> bool:
    """True if fills that add up to the whole order may turn the end `current` into `new`."""
    return new in CORRECTIONS.get(current, frozenset())


def may_fill(status: OrderStatus) -> bool:
    """True if a fill may be booked on an order in this status."""
    return status not in NEVER_AT_VENUE


RESTED = "rested long enough"
NOT_FILLED_IN_TIME = "not filled in time"
"""Why the session asks to cancel: a limit that stands in for an immediate order; any order after its timeout."""


class Confirmation(StrEnum):
    """What came of an order, as its owner asks: PARTIAL, TIMEOUT and CANCELED have ended; PENDING has not."""

    PENDING = "pending"
    FILLED = "filled"
    PARTIAL = "partial"
    CANCELED = "canceled"
    TIMEOUT = "timeout"
    ERROR = "error"


def confirmation(status: OrderStatus, *, filled_u: int, qty_u: int, cancel_reason: str = "") -> Confirmation:
    """Judged on booked fills only: an order that the venue calls filled is PENDING until they are here."""
    if status in NEVER_AT_VENUE:
        return Confirmation.ERROR
    if filled_u >= qty_u:
        return Confirmation.FILLED
    if status not in ENDED or status is OrderStatus.FILLED:
        return Confirmation.PENDING
    if filled_u:
        return Confirmation.PARTIAL
    timed_out = status is OrderStatus.EXPIRED or cancel_reason in (RESTED, NOT_FILLED_IN_TIME)
    return Confirmation.TIMEOUT if timed_out else Confirmation.CANCELED
