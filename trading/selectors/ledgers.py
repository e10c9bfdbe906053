"""What an account or a user owns: cash, orders, fills, positions. All owner-scoped."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from accounts.models import User, VenueAccount
from core.money import usd_of
from trading.models import AccountLedger, CashEntry, CashKind, Decision, Fill, Order, Position
from trading.selectors.risk import WORKING
from venues.types import MICRO, Outcome


@dataclass(frozen=True, slots=True)
class CashBalance:
    """µUSD: all cash, what working orders hold of it, and the rest."""

    cash_u: int
    reserved_u: int

    @property
    def available_u(self) -> int:
        return self.cash_u - self.reserved_u


@dataclass(frozen=True, slots=True)
class Mark:
    """Best bid and ask of YES, µUSD; None where that side of the book is empty."""

    bid_u: int | None
    ask_u: int | None

    def exit_price_u(self, outcome: Outcome) -> int | None:
        """What a sale of `outcome` would get now: NO is sold by buying YES."""
        if outcome is Outcome.YES:
            return self.bid_u
        return None if self.ask_u is None else MICRO - self.ask_u


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position with its value at a mark; `value_u` and `unrealized_u` are None without one."""

    position: Position
    price_u: int | None
    value_u: int | None
    unrealized_u: int | None
    pending_u: int = 0
    """Of its quantity, what the venue may still take back."""


def cash_balance(account: VenueAccount) -> CashBalance:
    row = AccountLedger.objects.filter(venue_account=account).first()
    return CashBalance(row.cash_u, row.reserved_u) if row else CashBalance(0, 0)


def cash_refolded_u(account: VenueAccount) -> int:
    """The sum of all entries; exact on both databases, because amounts are integers."""
    return int(CashEntry.objects.filter(venue_account=account).aggregate(u=Sum("amount_u", default=0))["u"])


def opening_cash_u(account: VenueAccount) -> int:
    """The balance the account brought along, µUSD."""
    rows = CashEntry.objects.filter(venue_account=account, kind=CashKind.OPENING)
    return int(rows.aggregate(u=Sum("amount_u", default=0))["u"])


def has_fills(account: VenueAccount) -> bool:
    return Fill.objects.filter(venue_account=account).exists()


def orders_of(user: User) -> QuerySet[Order]:
    return Order.objects.filter(venue_account__user=user).select_related("venue_account", "market__game")


def open_orders(account: VenueAccount) -> QuerySet[Order]:
    """Claimed (in flight, unknown) and open orders, oldest first."""
    rows = Order.objects.filter(venue_account=account, status__in=WORKING).order_by("id")
    return rows.select_related("venue_account__user", "market__game")


def fills_of(user: User) -> QuerySet[Fill]:
    return Fill.objects.filter(venue_account__user=user).select_related("venue_account", "market__game", "order")


def decisions_of(user: User) -> QuerySet[Decision]:
    return Decision.objects.filter(user=user).select_related("market", "game")


def positions_of(user: User, *, is_open: bool | None = None) -> QuerySet[Position]:
    """Stays that were ever held; voided ones with nothing in them are left out."""
    rows = Position.objects.filter(venue_account__user=user, bought_u__gt=0)
    if is_open is not None:
        rows = rows.filter(is_open=is_open)
    return rows.select_related("venue_account", "market__game")


def position_view(position: Position, mark: Mark | None) -> PositionView:
    """Value at the price a sale would get, before its fee; gain against all that the contracts cost."""
    price_u = mark.exit_price_u(Outcome(position.outcome)) if mark else None
    if price_u is None or not position.is_open:
        return PositionView(position, None, None, None)
    value_u = usd_of(price_u=price_u, qty_u=position.qty_u)
    return PositionView(position, price_u, value_u, value_u - position.cost_u)
