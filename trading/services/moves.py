"""The only place that changes an order's status: compare-and-set against the literal table of legal moves.

Invariant: `reserved_u` of an order is what it may still cost, and the ledger's `reserved_u` is the sum over orders;
both change in the same transaction, here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F

from accounts.models import VenueAccount
from core.errors import Conflict
from core.kill_points import kill_point
from trading.domain.lifecycle import ENDED, OrderStatus, may_correct, may_move
from trading.models import AccountLedger, Order
from trading.services.lease import bound_epoch
from trading.services.records import record_event
from venues.types import OrderState

STATUS_OF: dict[OrderState, OrderStatus] = {
    OrderState.RESTING: OrderStatus.OPEN,
    OrderState.DELAYED: OrderStatus.OPEN,
    OrderState.FILLED: OrderStatus.FILLED,
    OrderState.CANCELED: OrderStatus.CANCELED,
    OrderState.EXPIRED: OrderStatus.EXPIRED,
}


def lock_ledger(venue_account_id: int) -> AccountLedger:
    """The account's row first, always: every writer of an account queues here, so there is no order to deadlock in.

    Raises Conflict `lease_lost` on a thread that writes for a trader whose epoch is over.
    """
    rows, epoch = AccountLedger.objects.select_for_update(of=("self",)), bound_epoch(venue_account_id)
    mine = rows if epoch is None else rows.filter(venue_account__lease__epoch=epoch)
    row = mine.filter(venue_account_id=venue_account_id).first()
    if row is not None:
        return row
    if epoch is not None and AccountLedger.objects.filter(venue_account_id=venue_account_id).exists():
        raise Conflict("lease_lost")
    AccountLedger.objects.bulk_create([AccountLedger(venue_account_id=venue_account_id)], ignore_conflicts=True)
    return AccountLedger.objects.select_for_update().get(venue_account_id=venue_account_id)


def reload(order: Order) -> Order:
    """The row as it is now, read after the ledger's lock, with what its evidence needs."""
    lock_ledger(order.venue_account_id)
    rows = Order.objects.select_related("venue_account__user", "market__game")
    return rows.get(pk=order.pk)


def find_order(venue_account: VenueAccount, *, client_order_id: str, venue_order_id: str) -> Order | None:
    """By our own name first, else by the venue's; always inside the account."""
    rows = Order.objects.select_related("venue_account__user", "market__game").filter(venue_account=venue_account)
    found = rows.filter(client_order_id=client_order_id).first() if client_order_id else None
    return found or (rows.filter(venue_order_id=venue_order_id).first() if venue_order_id else None)


def move_order(
    order: Order,
    to: OrderStatus,
    *,
    kind: str,
    at: datetime,
    payload: Mapping[str, Any],
    raw_sha256: str = "",
    corrects: bool = False,
    **set_: Any,
) -> None:
    """Set the status and the columns `set_`, then reservation, evidence, audit and outbox. `corrects`: booked fills
    prove it, so that an end may be corrected too.

    Raises Conflict `order_transition` for a move the table does not have or when another writer was first.
    """
    before = OrderStatus(order.status)
    if not (may_move(before, to) or (corrects and may_correct(before, to))):
        raise Conflict("order_transition", f"An order cannot go from {before} to {to}.", uid=str(order.uid))
    if to in ENDED:
        set_ = {**set_, "closed_at": at}
    if not Order.objects.filter(pk=order.pk, status=before).update(status=to, **set_):
        raise Conflict("order_transition", "Another writer changed the order first.", uid=str(order.uid))
    for name, value in {"status": to, **set_}.items():
        setattr(order, name, value)
    refresh_reservation(order)
    kill_point("P7.after_move")
    record_event(order, kind=kind, before=before, payload=payload, raw_sha256=raw_sha256)


def note_order(
    order: Order,
    *,
    kind: str,
    payload: Mapping[str, Any],
    raw_sha256: str = "",
    audit: Mapping[str, Any] | None = None,
    **set_: Any,
) -> None:
    """Evidence that changes columns but not the status; `audit`: what only the audit entry keeps."""
    if set_:
        Order.objects.filter(pk=order.pk).update(**set_)
        for name, value in set_.items():
            setattr(order, name, value)
        refresh_reservation(order)
    record_event(order, kind=kind, before=order.status, payload=payload, raw_sha256=raw_sha256, audit=audit)


def outstanding_u(order: Order) -> int:
    """µcontracts that may still be bought: what is left while it works, then what the venue filled unseen by us.

    What the venue took back buys nothing any more once the order has ended, though it goes on calling it filled.
    """
    return order.qty_u - order.filled_u if order.is_working else order.unseen_u


def reservation_u(order: Order) -> int:
    """The share of its greatest cost that an order may still cost, rounded up to a µUSD."""
    return -(-order.max_cost_u * outstanding_u(order) // order.qty_u)


def refresh_reservation(order: Order) -> None:
    """Bring the order's reservation and the ledger's sum to what they must be now."""
    target_u = reservation_u(order)
    change_u = target_u - order.reserved_u
    if not change_u:
        return
    Order.objects.filter(pk=order.pk).update(reserved_u=target_u)
    AccountLedger.objects.filter(venue_account_id=order.venue_account_id).update(reserved_u=F("reserved_u") + change_u)
    order.reserved_u = target_u
