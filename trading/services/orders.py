"""The life of an order after its claim: what was sent, what the venue said, what was asked of it.

Three steps, two of them here: T1 `order_claim` → `order_prepare_store` → one send → T2, one of `order_acknowledge`,
`order_reject`, `order_mark_not_sent`, `order_mark_unknown`. Reports from streams and reads come in any order, twice or
late: `order_apply_report` takes each as evidence and never moves an order backwards. An order that no report will ever
end is ended by proof (`order_end_proven`) or by an operator (`order_void`). Fills are booked elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import VenueAccount
from core import clock
from core.errors import Conflict, Invalid
from core.kill_points import kill_point
from trading.domain.lifecycle import OrderStatus, may_correct, may_move
from trading.models import Order
from trading.selectors.cancel_contexts import cancel_contexts
from trading.services.claims import OrderIntent, at_or_now, order_claim
from trading.services.fills import fills_adopt
from trading.services.moves import STATUS_OF, find_order, lock_ledger, move_order, note_order, reload
from trading.services.strangers import max_cost_u, stranger_note
from venues.ports import OrderAck, PreparedOrder
from venues.types import OrderReport, OrderState

__all__ = [
    "OrderIntent",
    "order_acknowledge",
    "order_apply_report",
    "order_cancel_requested",
    "order_claim",
    "order_end_proven",
    "order_mark_not_sent",
    "order_mark_unknown",
    "order_prepare_store",
    "order_reject",
    "order_void",
    "orders_cancel_requested",
]

PROVABLE_ENDS = frozenset({OrderStatus.VOID, OrderStatus.EXPIRED, OrderStatus.CANCELED})
UNKNOWN_FOR_GOOD = timedelta(seconds=150)
"""After this long, real time, no venue still takes a lost request: a person may judge what became of it."""


@transaction.atomic(durable=True)
def order_prepare_store(*, order: Order, prepared: PreparedOrder, at: datetime | None = None) -> Order:
    """Keep the hash of the exact bytes, the quantity they ask for (never more than was claimed), and the venue's id
    where it is known before the send. The send follows once.

    Raises Conflict `order_transition` when the order is not merely claimed, or was prepared before.
    """
    order = reload(order)
    kill_point("P3.locked")
    if order.status != OrderStatus.CLAIMED or order.sent_at is not None:
        raise Conflict("order_transition", "This order was prepared before; an order is sent at most once.")
    changes: dict[str, Any] = {"body_sha256": prepared.body_sha256, "venue_order_id": prepared.venue_order_id}
    changes["qty_u"] = min(order.qty_u, prepared.request.qty_u)
    note_order(order, kind="prepared", payload=changes, sent_at=at_or_now(at), **changes)
    kill_point("P3.before_commit")
    return order


@transaction.atomic(durable=True)
def order_acknowledge(*, order: Order, ack: OrderAck, at: datetime | None = None) -> Order:
    """The venue took it: OPEN, or already at its end. Late or repeated acknowledgements are kept as evidence."""
    order = reload(order)
    moment = at_or_now(at)
    changes: dict[str, Any] = {
        "venue_order_id": ack.venue_order_id or order.venue_order_id,
        "acknowledged_at": order.acknowledged_at or moment,
        "venue_filled_u": max(order.venue_filled_u, ack.filled_u),
    }
    facts = {"state": ack.state, "venue_order_id": ack.venue_order_id, "venue_filled_u": ack.filled_u}
    digest = hashlib.sha256(ack.raw).hexdigest()
    to = STATUS_OF[ack.state]
    if may_move(OrderStatus(order.status), to):
        move_order(order, to, kind="acknowledged", at=moment, payload=facts, raw_sha256=digest, **changes)
    else:
        note_order(order, kind="acknowledged", payload=facts, raw_sha256=digest, **changes)
    _adopt_fills(order)
    kill_point("P7.acknowledged_before_commit")
    return order


@transaction.atomic(durable=True)
def order_reject(*, order: Order, code: str, reason: str = "", at: datetime | None = None) -> Order:
    """The venue refused it with a definitive code: nothing of it is in the book, its reservation is free again."""
    order = reload(order)
    why: dict[str, Any] = {"reason_code": code[:64], "reason": reason[:300]}
    move_order(order, OrderStatus.REJECTED, kind="rejected", at=at_or_now(at), payload=why, **why)
    kill_point("P7.rejected_before_commit")
    return order


@transaction.atomic(durable=True)
def order_mark_not_sent(*, order: Order, code: str, reason: str = "", at: datetime | None = None) -> Order:
    """Proven: no byte of it left this machine (refused by a gate, or no connection). DENIED."""
    order = reload(order)
    why: dict[str, Any] = {"reason_code": code[:64], "reason": reason[:300]}
    move_order(order, OrderStatus.DENIED, kind="not_sent", at=at_or_now(at), payload=why, **why)
    kill_point("P7.unsent_before_commit")
    return order


@transaction.atomic(durable=True)
def order_mark_unknown(*, order: Order, code: str, reason: str = "", at: datetime | None = None) -> Order:
    """The send has no definitive answer: it stays CLAIMED with all its reservation until evidence decides."""
    order = reload(order)
    why: dict[str, Any] = {"reason_code": code[:64], "reason": reason[:300]}
    if order.status == OrderStatus.CLAIMED:
        note_order(order, kind="unknown", payload=why, unknown_at=at_or_now(at), **why)
    else:
        note_order(order, kind="unknown", payload=why)
    kill_point("P7.unknown_before_commit")
    return order


@transaction.atomic(durable=True)
def order_end_proven(
    *, order: Order, to: OrderStatus, evidence: Mapping[str, Any], at: datetime | None = None
) -> Order:
    """End a working order that no report will end, by the proof in `evidence`; what it reserved is free again.

    VOID: the venue never took it, so its decision may be claimed anew; EXPIRED, CANCELED: it is in the book no more.
    One that has ended in the meantime stays as it is. Raises Invalid for another end or no evidence, Conflict
    `order_transition` for VOID of an order that the venue is known to have taken.
    """
    if to not in PROVABLE_ENDS or not evidence:
        raise Invalid("invalid", f"An order is not ended as {to} by this evidence: {dict(evidence)}.")
    order = reload(order)
    if order.is_working:
        _end(order, to, kind="ended_by_proof", why={"reason_code": "proven"}, payload=evidence, at=at_or_now(at))
    kill_point("P12.proven")
    return order


@transaction.atomic(durable=True)
def order_void(*, order: Order, reason: str, actor: str) -> Order:
    """An operator's word that the venue never took an order whose answer was lost. Frees its reservation.

    Raises Invalid without a reason, Conflict `order_transition` unless it is CLAIMED, 150 s old and without a fill.
    """
    if not reason:
        raise Invalid("invalid", "Say how you know that the venue never took it.")
    order = reload(order)
    if order.status != OrderStatus.CLAIMED or clock.now() - order.created_at < UNKNOWN_FOR_GOOD:
        raise Conflict("order_transition", "Only an order whose answer has been missing for 150 s can be voided.")
    why = {"reason_code": "voided_by_operator", "reason": reason[:300]}
    _end(order, OrderStatus.VOID, kind="voided", why=why, payload={**why, "actor": actor}, at=clock.now())
    return order


def _end(
    order: Order, to: OrderStatus, *, kind: str, why: dict[str, Any], payload: Mapping[str, Any], at: datetime
) -> None:
    """A fill, booked or only told, is proof that the venue took the order: then it cannot be void."""
    if to is OrderStatus.VOID and (order.filled_u or order.venue_filled_u):
        raise Conflict("order_transition", "The venue has filled some of this order: it was taken.")
    move_order(order, to, kind=kind, at=at, payload=payload, **why)


@transaction.atomic(durable=True)
def order_cancel_requested(
    *, order: Order, reason: str = "", at: datetime | None = None, context: Mapping[str, Any] | None = None
) -> Order:
    """Remember that a cancel was asked for; only the venue's evidence ends the order. `context`: for its audit."""
    order = _cancel_asked(order, reason, at_or_now(at), context or {})
    kill_point("P10.before_commit")
    return order


@transaction.atomic(durable=True)
def orders_cancel_requested(*, orders: Iterable[Order], reason: str, at: datetime | None = None) -> None:
    """The same of many at once: after an emergency stop nobody waits for a commit each. Nobody who asks for many has a
    session: the rows tell what was known."""
    orders = list(orders)
    contexts = cancel_contexts(orders, reason=reason)
    for order in orders:
        _cancel_asked(order, reason, at_or_now(at), contexts[order.pk])


def _cancel_asked(order: Order, reason: str, at: datetime, context: Mapping[str, Any]) -> Order:
    order = reload(order)
    if order.is_working and order.cancel_requested_at is None:
        asked: dict[str, Any] = {"cancel_requested_at": at, "cancel_reason": reason[:80]}
        audit = {"record": "CANCEL", "context": dict(context)}
        note_order(order, kind="cancel_requested", payload={"reason": reason}, audit=audit, **asked)
    return order


@transaction.atomic(durable=True)
def order_apply_report(*, venue_account: VenueAccount, report: OrderReport) -> Order | None:
    """Take the venue's word on one of our orders. None when it is not known and says too little to adopt it.

    An order of the account that our books do not have is kept as what it is (`trading.services.strangers`).
    """
    lock_ledger(venue_account.pk)
    kill_point("P8.report_locked")
    order = find_order(venue_account, client_order_id=report.client_order_id, venue_order_id=report.venue_order_id)
    if order is None:
        stranger = stranger_note(venue_account, report)
        if stranger is not None:
            _adopt_fills(stranger)
        return stranger
    moment = clock.from_ms(report.venue_ms)
    changes = _changes(order, report)
    to = STATUS_OF[report.state]
    facts = {"state": report.state, "venue_filled_u": report.filled_u, "reason": report.reason}
    if may_move(OrderStatus(order.status), to):
        move_order(order, to, kind="reported", at=moment, payload=facts, **changes)
    elif changes:
        note_order(order, kind="reported", payload=facts, **changes)
    if may_correct(OrderStatus(order.status), OrderStatus.FILLED) and order.is_filled_whole:
        move_order(order, OrderStatus.FILLED, kind="filled", at=moment, payload=facts, corrects=True)
    _adopt_fills(order)
    kill_point("P8.report_before_commit")
    return order


def _adopt_fills(order: Order) -> None:
    """Fills that were read before the order's id at the venue was known are its own from now on."""
    if order.venue_filled_u > order.filled_u:
        fills_adopt(order=order)


def _changes(order: Order, report: OrderReport) -> dict[str, Any]:
    """Columns that this report improves; empty for a repetition of what is known."""
    changes: dict[str, Any] = {}
    if report.venue_order_id and not order.venue_order_id:
        changes["venue_order_id"] = report.venue_order_id
    if report.filled_u > order.venue_filled_u:
        changes["venue_filled_u"] = report.filled_u
    if order.reduce_only and report.state is OrderState.FILLED and 0 < report.filled_u < order.qty_u:
        changes["qty_u"] = report.filled_u  # the venue cut it to what was held, and filled that whole
    if order.acknowledged_at is None:
        changes["acknowledged_at"] = clock.from_ms(report.venue_ms)
    if report.reason and not order.reason_code:
        changes["reason_code"] = report.reason[:64]
    return changes | (_amended(order, report) if order.is_external else {})


def _amended(order: Order, report: OrderReport) -> dict[str, Any]:
    """Its owner changed it at the venue: what it may cost follows what was told last, never below what is filled."""
    if not (report.price_u and report.qty_u and report.side and report.outcome):
        return {}
    told = (report.price_u, max(report.qty_u, order.filled_u))
    if told == (order.price_u, order.qty_u):
        return {}
    cost_u = max_cost_u(order.venue_account, order.market, report)
    return {"price_u": told[0], "qty_u": told[1], "max_cost_u": cost_u}
