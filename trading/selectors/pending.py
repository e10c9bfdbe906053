"""What is not certain yet: orders that may still fill, and fills the venue may still take back.

Pending settlement: matched at the venue and booked here, final only when the venue says so; one that fails is voided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from accounts.models import User
from trading.domain.lifecycle import OrderStatus
from trading.models import Fill, Order
from trading.selectors.risk import WORKING
from venues.types import SettleState, Side

Place = tuple[int, int, str]
"""(account row, market row, outcome)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """`orders`: own orders that work, `unknown` of them without an answer; `fills`: executions not final yet."""

    orders: int
    unknown: int
    fills: int


def pending_of(user: User, *, mode: str) -> Pending:
    """Over the user's enabled accounts; what others placed at the venue by hand is not ours to wait for."""
    own = {"venue_account__user": user, "venue_account__mode": mode, "venue_account__is_enabled": True}
    working = Order.objects.filter(**own, status__in=WORKING, is_external=False)
    is_unknown = Q(status=OrderStatus.CLAIMED, unknown_at__isnull=False)
    counts = working.aggregate(orders=Count("id"), unknown=Count("id", filter=is_unknown))
    return Pending(**counts, fills=Fill.objects.filter(**own, settle_state=SettleState.PENDING).count())


def pending_settlement(accounts: Iterable[int]) -> dict[Place, int]:
    """µcontracts per place that were bought (less those sold) by fills that are not final yet."""
    rows = Fill.objects.filter(venue_account_id__in=list(accounts), settle_state=SettleState.PENDING).order_by()
    sums = rows.values_list("venue_account_id", "market_id", "outcome").annotate(
        bought=Sum("qty_u", filter=Q(side=Side.BUY), default=0), sold=Sum("qty_u", filter=Q(side=Side.SELL), default=0)
    )
    return {(account, market, outcome): bought - sold for account, market, outcome, bought, sold in sums}
