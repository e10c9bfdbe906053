"""How far executions were from the prices decided on, newest first: what pages show and the slippage trigger judges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import VenueAccount
from trading.domain.slippage import slippage_ratio_u
from trading.models import Fill
from venues.types import SettleState

RECENT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FillSlippage:
    """One fill of ours. `slippage_u` is µUSD and `ratio_u` its share of what was decided on, in millionths (20_000 is
    2 %), rounded up; positive is worse than decided, negative better."""

    fill_uid: str
    order_uid: str
    market_id: str
    slippage_u: int
    ratio_u: int
    venue_at: datetime


def recent(account: VenueAccount, *, count: int = RECENT, since: datetime | None = None) -> list[FillSlippage]:
    """The last `count` fills of orders that had a decision price, newest first; voided ones left out. `since`: only
    those executed later, for a trigger that a person has re-armed."""
    rows = Fill.objects.filter(venue_account=account, slippage_u__isnull=False, order__isnull=False)
    rows = rows.exclude(settle_state=SettleState.FAILED).select_related("order", "market")
    rows = rows.filter(venue_at__gt=since) if since is not None else rows
    return [_of(row) for row in rows.order_by("-venue_at", "-id")[:count]]


def _of(row: Fill) -> FillSlippage:
    assert row.order is not None and row.slippage_u is not None
    decided_u = row.order.decision_price_u or 0
    return FillSlippage(
        fill_uid=str(row.uid),
        order_uid=str(row.order.uid),
        market_id=row.market.market_id,
        slippage_u=row.slippage_u,
        ratio_u=slippage_ratio_u(slippage_u=row.slippage_u, decided_u=decided_u, qty_u=row.qty_u),
        venue_at=row.venue_at,
    )
