"""Prove that what is kept for speed is what the rows say: `cached == refold`, for cash, reservations, positions, days.

A difference is never repaired here: it is reported, because it means that a rule of the ledger was broken.
"""

from __future__ import annotations

from django.db.models import Sum

from accounts.models import VenueAccount
from markets.models import Market
from trading.models import AccountLedger, Fill, Order, PnlDay, Position
from trading.selectors.ledgers import cash_refolded_u
from trading.services.moves import reservation_u
from trading.services.positions import stays_kept, stays_refolded
from trading.services.stays import MarketStays
from venues.types import SettleState


def account_differences(account: VenueAccount) -> list[str]:
    """A sentence for each number of the account that differs from its rows; empty is well."""
    ledger = AccountLedger.objects.filter(venue_account=account).first() or AccountLedger(venue_account=account)
    found = []
    if (cash_u := cash_refolded_u(account)) != ledger.cash_u:
        found.append(f"cash is kept as {ledger.cash_u}, its entries sum to {cash_u} µUSD")
    orders = list(Order.objects.filter(venue_account=account))
    if (reserved_u := sum(order.reserved_u for order in orders)) != ledger.reserved_u:
        found.append(f"reserved is kept as {ledger.reserved_u}, orders hold {reserved_u} µUSD")
    found += _order_differences(account, orders)
    for market in Market.objects.filter(fills__venue_account=account).distinct():
        if _visible(stays_kept(account, market)) != _visible(stays_refolded(account, market)):
            found.append(f"the positions in {market.market_id} are not the fold of their fills")
    return found + _day_differences(account)


def _order_differences(account: VenueAccount, orders: list[Order]) -> list[str]:
    """What orders say of their fills against the fills themselves, and what they hold against what they may cost."""
    booked, voided = _fill_sums(account, is_void=False), _fill_sums(account, is_void=True)
    found = []
    for order in orders:
        name, kept = order.client_order_id, (order.filled_u, order.voided_u)
        order.filled_u, order.voided_u = booked.get(order.pk, 0), voided.get(order.pk, 0)
        if kept != (order.filled_u, order.voided_u):
            found.append(
                f"order {name} is kept as filled {kept[0]} and voided {kept[1]}, "
                f"its fills sum to {order.filled_u} and {order.voided_u} µcontracts"
            )
        if (held_u := reservation_u(order)) != order.reserved_u:
            found.append(f"order {name} is kept as reserving {order.reserved_u}, it may still cost {held_u} µUSD")
    return found


def _fill_sums(account: VenueAccount, *, is_void: bool) -> dict[int, int]:
    """µcontracts by the order's key."""
    fills = Fill.objects.filter(venue_account=account, order__isnull=False)
    fills = fills.filter(settle_state=SettleState.FAILED) if is_void else fills.exclude(settle_state=SettleState.FAILED)
    return dict(fills.values_list("order").annotate(u=Sum("qty_u")).values_list("order", "u"))


def _day_differences(account: VenueAccount) -> list[str]:
    days_u = PnlDay.objects.filter(venue_account=account).aggregate(u=Sum("realized_u", default=0))["u"]
    stays_u = Position.objects.filter(venue_account=account).aggregate(u=Sum("realized_u", default=0))["u"]
    return [] if days_u == stays_u else [f"the days sum to {days_u}, the positions to {stays_u} µUSD"]


def _visible(stays: MarketStays) -> list[tuple[object, ...]]:
    """What must agree."""
    return sorted(
        (stay.outcome, stay.sequence, stay.leg.qty_u, stay.leg.paid_u, stay.leg.fees_u, stay.realized_u, stay.bought_u)
        for stay in stays.stays
    )
