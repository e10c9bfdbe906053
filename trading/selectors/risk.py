"""The account as the risk rules see it, read inside the claim's own transaction."""

from __future__ import annotations

from datetime import date, datetime
from itertools import takewhile

from django.db.models import Count, F, Sum

from accounts.models import VenueAccount
from markets.models import Market
from risk.rules import RiskSnapshot
from trading.models import AccountLedger, Order, OrderStatus, PnlDay, Position
from venues.types import Outcome, Side

WORKING = (OrderStatus.CLAIMED, OrderStatus.OPEN)


def risk_snapshot(
    account: VenueAccount,
    market: Market,
    *,
    ledger: AccountLedger,
    day: date,
    unrealized_u: int,
    losses_limit: int,
    losses_from: datetime | None,
) -> RiskSnapshot:
    """Exposure is what open positions cost plus what orders hold in reserve; five small queries."""
    cost = Sum(F("paid_u") + F("fees_u"), default=0)
    held = Position.objects.filter(venue_account=account, is_open=True)
    reserved = Order.objects.filter(venue_account=account, reserved_u__gt=0)
    open_orders = Order.objects.filter(venue_account=account, status__in=WORKING).aggregate(n=Count("id"))["n"]
    in_market = held.filter(market=market).aggregate(u=cost)["u"]
    in_market += reserved.filter(market=market).aggregate(u=Sum("reserved_u", default=0))["u"]
    return RiskSnapshot(
        cash_u=ledger.cash_u,
        reserved_u=ledger.reserved_u,
        market_exposure_u=in_market,
        total_exposure_u=held.aggregate(u=cost)["u"] + ledger.reserved_u,
        open_orders=open_orders,
        realized_today_u=realized_on(account, day),
        unrealized_u=unrealized_u,
        losses_in_a_row=losses_in_a_row(account, at_most=losses_limit, since=losses_from),
    )


def realized_on(account: VenueAccount, day: date) -> int:
    """µUSD earned for good on a UTC day, after fees."""
    row = PnlDay.objects.filter(venue_account=account, day=day).values_list("realized_u", flat=True).first()
    return row or 0


def losses_in_a_row(account: VenueAccount, *, at_most: int, since: datetime | None = None) -> int:
    """How many of the last closed positions lost, counted back to the last one that did not; up to `at_most`."""
    closed = Position.objects.filter(venue_account=account, is_open=False, bought_u__gt=0)
    if since is not None:
        closed = closed.filter(closed_at__gte=since)
    results = closed.order_by("-closed_at", "-id").values_list("realized_u", flat=True)[:at_most]
    return sum(1 for _ in takewhile(lambda realized_u: realized_u < 0, results))


def reducible_u(account: VenueAccount, market: Market, outcome: Outcome) -> int:
    """µcontracts held that no working order sells already."""
    held = Position.objects.filter(venue_account=account, market=market, outcome=outcome, is_open=True)
    selling = Order.objects.filter(
        venue_account=account, market=market, outcome=outcome, side=Side.SELL, status__in=WORKING
    )
    held_u = held.aggregate(u=Sum("qty_u", default=0))["u"]
    selling_u = selling.aggregate(u=Sum(F("qty_u") - F("filled_u"), default=0))["u"]
    return int(held_u - selling_u)
