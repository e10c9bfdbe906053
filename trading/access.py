"""The only door to an object of this app from the outside: another user's is as absent as none."""

from __future__ import annotations

from uuid import UUID

from accounts.models import User
from core.errors import NotFound
from trading.models import Finding, Order, OrphanedOrder
from trading.selectors.ledgers import orders_of
from trading.selectors.reconciliation import findings_for, orphans_for


def get_order_for(user: User, uid: UUID | str) -> Order:
    """Raises NotFound."""
    order = orders_of(user).filter(uid=uid).first()
    if order is None:
        raise NotFound
    return order


def get_orphan_for(user: User, uid: UUID | str) -> OrphanedOrder:
    """Raises NotFound."""
    orphan = orphans_for(user).filter(uid=uid).first()
    if orphan is None:
        raise NotFound
    return orphan


def get_finding_for(user: User, uid: UUID | str) -> Finding:
    """Raises NotFound."""
    finding = findings_for(user).filter(uid=uid).first()
    if finding is None:
        raise NotFound
    return finding
