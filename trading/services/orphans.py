"""What a person decides about an order of ours that our books do not have, each time with a reason.

Adopt: it becomes an order of ours with its fills. Close: the trader takes it off at the venue and proves it; nothing
here talks to a venue. False positive: it is not ours after all; from its next report on it counts as external.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.db import transaction

from core import clock
from core.errors import Conflict, Invalid
from markets.models import Market
from trading.models import Order, OrderStatus, OrphanedOrder, OrphanState
from trading.models.reconciliation import UNRESOLVED
from trading.services.fills import fills_adopt
from trading.services.moves import STATUS_OF, lock_ledger, refresh_reservation
from trading.services.reconciliation import reconciliation_ask
from trading.services.records import record_event
from trading.services.strangers import max_cost_u, orphan_record
from venues.types import OrderReport, OrderState, Outcome, Side, TimeInForce, Venue

ADOPTED = "adopted"


class OrphanAction(StrEnum):
    ADOPT = "adopt"
    CLOSE = "close"
    FALSE_POSITIVE = "false_positive"


def orphan_resolve(*, orphan: OrphanedOrder, action: OrphanAction, reason: str, actor: str) -> OrphanedOrder:
    """One of the three, and a comparison soon after. Raises what they raise."""
    if action is OrphanAction.ADOPT:
        orphan_adopt(orphan=orphan, reason=reason, actor=actor)
    elif action is OrphanAction.CLOSE:
        orphan_close_ask(orphan=orphan, reason=reason, actor=actor)
    else:
        orphan_mark_false(orphan=orphan, reason=reason, actor=actor)
    reconciliation_ask(venue_account=orphan.venue_account, actor=actor)
    return _fresh(orphan)


@transaction.atomic(durable=True)
def orphan_close_ask(*, orphan: OrphanedOrder, reason: str, actor: str) -> OrphanedOrder:
    """Store the wish; the trader cancels it at its next look. One that has ended at the venue is closed at once.

    Raises Invalid without a reason, Conflict when somebody decided before.
    """
    row = _undecided(orphan, reason)
    if row.is_at_venue:
        return _decide(row, OrphanState.CLOSING, reason=reason, actor=actor)
    return _decide(row, OrphanState.CLOSED, reason=reason, actor=actor, resolved_at=clock.now())


@transaction.atomic(durable=True)
def orphan_mark_false(*, orphan: OrphanedOrder, reason: str, actor: str) -> OrphanedOrder:
    """It is not ours. Raises Invalid without a reason, Conflict when somebody decided before."""
    row = _undecided(orphan, reason)
    return _decide(row, OrphanState.FALSE_POSITIVE, reason=reason, actor=actor, resolved_at=clock.now())


@transaction.atomic(durable=True)
def orphan_close_proven(*, orphan: OrphanedOrder, evidence: Mapping[str, Any]) -> OrphanedOrder:
    """The trader saw that the venue does not have it any more; the first proof stays."""
    lock_ledger(orphan.venue_account_id)
    row = _fresh(orphan)
    if row.state != OrphanState.CLOSING:
        return row
    changes = {"resolved_at": clock.now(), "evidence": dict(evidence), "venue_state": OrderState.CANCELED}
    return _decide(row, OrphanState.CLOSED, reason=row.reason, actor=row.resolved_by, **changes)


@transaction.atomic(durable=True)
def orphan_adopt(*, orphan: OrphanedOrder, reason: str, actor: str) -> Order:
    """Make it an order of ours, with the fills that named it. Raises Invalid without a reason or with an order too
    little is known of, Conflict when somebody decided before."""
    row = _undecided(orphan, reason)
    market = Market.objects.filter(market_id=row.market_id).first()
    if market is None or not (row.side and row.outcome and row.price_u and row.qty_u):
        raise Invalid("invalid", "The venue told too little of this order to adopt it: close it instead.")
    order = _order_of(row, market)
    order.save()
    refresh_reservation(order)
    record_event(order, kind=ADOPTED, before=order.status, payload={"orphan": str(row.uid), "actor": actor})
    _decide(row, OrphanState.ADOPTED, reason=reason, actor=actor, resolved_at=clock.now(), order=order)
    fills_adopt(order=order)
    return order


def _order_of(row: OrphanedOrder, market: Market) -> Order:
    """It kept no decision of ours, so it gets one of its own: the next session knows it as working."""
    taken = Order.objects.filter(client_order_id=row.client_order_id).exists()
    return Order(
        venue_account=row.venue_account,
        market=market,
        purpose="exit" if row.side == Side.SELL else "entry",
        cause=f"adopted: found at the venue at {row.created_at:%Y-%m-%d %H:%M:%S} UTC",
        decision_id=f"{ADOPTED}-{row.uid}",
        client_order_id=f"{ADOPTED}-{row.uid}" if taken or not row.client_order_id else row.client_order_id,
        venue_order_id=row.venue_order_id,
        side=row.side,
        outcome=row.outcome,
        price_u=row.price_u,
        qty_u=row.qty_u,
        time_in_force=TimeInForce.GTC,
        status=_status_of(row),
        venue_filled_u=row.filled_u,
        max_cost_u=max_cost_u(row.venue_account, market, _as_report(row)),
        claimed_at=row.venue_at,
        sent_at=row.venue_at,
        acknowledged_at=row.venue_at,
        closed_at=None if row.is_at_venue else row.venue_at,
    )


def _status_of(row: OrphanedOrder) -> OrderStatus:
    """Filled by its fills only: one whose fills are all told ends as they are counted."""
    return OrderStatus.OPEN if row.is_at_venue else STATUS_OF[OrderState(row.venue_state)]


def _as_report(row: OrphanedOrder) -> OrderReport:
    return OrderReport(
        venue=Venue(row.venue_account.venue),
        account=row.venue_account.account_key,
        venue_order_id=row.venue_order_id,
        client_order_id=row.client_order_id,
        market_id=row.market_id,
        state=OrderState(row.venue_state),
        filled_u=row.filled_u,
        remaining_u=row.remaining_u,
        venue_ms=clock.to_ms(row.venue_at),
        side=Side(row.side),
        outcome=Outcome(row.outcome),
        price_u=row.price_u,
        qty_u=row.qty_u,
    )


def _undecided(orphan: OrphanedOrder, reason: str) -> OrphanedOrder:
    if not reason.strip():
        raise Invalid("invalid", "Say why: your reason is kept with the order.")
    lock_ledger(orphan.venue_account_id)
    row = _fresh(orphan)
    if row.state not in UNRESOLVED:
        raise Conflict("conflict", f"This order is {row.state} already.")
    return row


def _fresh(orphan: OrphanedOrder) -> OrphanedOrder:
    return OrphanedOrder.objects.select_related("venue_account__user").get(pk=orphan.pk)


def _decide(row: OrphanedOrder, state: OrphanState, *, reason: str, actor: str, **set_: Any) -> OrphanedOrder:
    changes = {"state": state, "reason": reason.strip()[:300], "resolved_by": actor[:120], **set_}
    if not OrphanedOrder.objects.filter(pk=row.pk, state=row.state).update(**changes):
        raise Conflict("conflict", "Somebody decided at the same moment; look at it again.")
    for name, value in changes.items():
        setattr(row, name, value)
    orphan_record(row, kind=f"orphan.{state}", actor=actor)
    return row
