"""What an emergency stop is about: which accounts, which of their orders and positions.

Invariant: a stop reaches exactly what its halt stops in a claim.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import VenueAccount
from core import clock
from risk.models import HaltScope, KillSwitchEvent, KillSwitchPart, TradingHalt
from trading.models import Order, OrderStatus, Position, TraderLease
from trading.selectors.reconciliation import why_not_clean
from trading.selectors.risk import WORKING

WIDE = (HaltScope.GLOBAL, HaltScope.VENUE, HaltScope.USER, HaltScope.ACCOUNT)
"""Scopes that stop whole accounts."""

Stop = KillSwitchEvent | TradingHalt
"""Whatever has a scope and its key."""


def open_stops() -> list[KillSwitchEvent]:
    """Stops that nobody has ended, oldest first."""
    return list(KillSwitchEvent.objects.filter(rearmed_at=None).order_by("started_at", "id"))


def accounts_in(event: Stop) -> list[VenueAccount]:
    """The enabled accounts of this deployment's mode that the stop concerns: all of a wide scope; for a strategy, a
    game or a market those that have orders or positions there."""
    rows = VenueAccount.objects.select_related("user").filter(mode=settings.TRADING_MODE, is_enabled=True)
    if event.scope in WIDE:
        return list(rows.filter(_wide(event)).order_by("id"))
    return [row for row in rows.order_by("id") if orders_in(event, row).exists() or positions_in(event, row).exists()]


def orders_in(event: Stop, account: VenueAccount) -> QuerySet[Order]:
    """Our working orders that the stop takes off; an order that is not ours is never managed."""
    rows = Order.objects.filter(venue_account=account, status__in=WORKING, is_external=False).filter(_narrow(event))
    return rows.select_related("market", "venue_account").order_by("id")


def positions_in(event: Stop, account: VenueAccount) -> QuerySet[Position]:
    """Open positions in the scope; a strategy's are those in markets where it has sent orders."""
    rows = Position.objects.filter(venue_account=account, is_open=True)
    if event.scope == HaltScope.STRATEGY:
        sent = Order.objects.filter(venue_account=account, strategy=event.scope_key)
        return rows.filter(market__in=sent.order_by().values("market"))
    return rows.filter(_narrow(event)).select_related("market")


def realized_u(account: VenueAccount) -> int:
    """µUSD earned for good over all positions of the account, after fees."""
    return int(Position.objects.filter(venue_account=account).aggregate(u=Sum("realized_u", default=0))["u"])


def is_traded_now(account: VenueAccount) -> bool:
    """A trader holds the account's lease at this moment."""
    return TraderLease.objects.filter(venue_account=account, expires_at__gt=clock.now()).exists()


def is_obeyed(event: KillSwitchEvent, account: VenueAccount, *, within: timedelta, now: datetime) -> bool:
    """The stop is proven at this account, or a living trader still has time for it."""
    part = KillSwitchPart.objects.filter(event=event, venue_account=account).first()
    if part is not None and part.proven_gone_at is not None:
        return True
    return is_traded_now(account) and now - event.started_at < within


def traded_accounts() -> list[VenueAccount]:
    """Enabled accounts of this deployment's mode that a trader holds, or has held: where orders of ours may rest."""
    rows = VenueAccount.objects.select_related("user").filter(mode=settings.TRADING_MODE, is_enabled=True)
    return list(rows.filter(lease__isnull=False).order_by("id"))


def why_not_rearm(halt: TradingHalt) -> list[str]:
    """What stands against trading again in a halt's scope: orders not proven gone, books not proven equal.

    An account that never sent an order has no books to compare.
    """
    parts = KillSwitchPart.objects.filter(event__halt=halt, event__rearmed_at=None, proven_gone_at=None)
    found = [f"The orders of {part.venue_account} are not proven gone." for part in parts]
    for account in accounts_in(halt):
        if Order.objects.filter(venue_account=account).exclude(status=OrderStatus.DENIED).exists():
            found += why_not_clean(account)
    return found


def unproven_stops(*, older_than: timedelta, now: datetime) -> list[KillSwitchEvent]:
    """Stops of which an account is still not proven empty, or that nobody has taken up, after `older_than`."""
    late = KillSwitchEvent.objects.filter(rearmed_at=None, started_at__lte=now - older_than)
    late = late.annotate(begun=Count("parts"), open_parts=Count("parts", filter=Q(parts__proven_gone_at=None)))
    return [event for event in late if event.open_parts or (not event.begun and accounts_in(event))]


def _wide(event: Stop) -> Q:
    """Of accounts."""
    key = event.scope_key
    return {
        HaltScope.GLOBAL: Q(),
        HaltScope.VENUE: Q(venue=key),
        HaltScope.USER: Q(user__uid=key) if event.scope == HaltScope.USER else Q(),
        HaltScope.ACCOUNT: Q(uid=key) if event.scope == HaltScope.ACCOUNT else Q(),
    }[HaltScope(event.scope)]


def _narrow(event: Stop) -> Q:
    """Of orders and positions."""
    key = event.scope_key
    narrow = {
        HaltScope.STRATEGY: Q(strategy=key),
        HaltScope.GAME: Q(market__game__game_id=key),
        HaltScope.MARKET: Q(market__market_id=key),
    }
    return narrow.get(HaltScope(event.scope), Q())
