"""The only door to an object of this app from the outside: another user's is as absent as none."""

from __future__ import annotations

from uuid import UUID

from accounts.models import User
from core.errors import NotFound
from trading.models import Order
from trading.selectors.ledgers import orders_of


def get_order_for(user: User, uid: UUID | str) -> Order:
    """Raises NotFound."""
    order = orders_of(user).filter(uid=uid).first()
    if order is None:
        raise NotFound
    return order
