"""What a run came to, from the rows: orders, fills, fees, profit, cash."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import VenueAccount
from trading.models import CashEntry, CashKind, Fill, Order
from trading.selectors.ledgers import cash_balance


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFigures:
    """Counts, and money in µUSD. `pnl_u` is the change of cash since the opening: fees and settlements included."""

    orders: int
    fills: int
    fees_u: int
    cash_u: int
    pnl_u: int


def replay_figures(accounts: list[VenueAccount]) -> ReplayFigures:
    """Over all these accounts, from the first row on."""
    fills = Fill.objects.filter(venue_account__in=accounts)
    cash_u = sum(cash_balance(account).cash_u for account in accounts)
    openings = CashEntry.objects.filter(venue_account__in=accounts, kind=CashKind.OPENING)
    return ReplayFigures(
        orders=Order.objects.filter(venue_account__in=accounts).count(),
        fills=fills.count(),
        fees_u=sum(fills.values_list("fee_u", flat=True)),
        cash_u=cash_u,
        pnl_u=cash_u - sum(openings.values_list("amount_u", flat=True)),
    )
