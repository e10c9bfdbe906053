"""What an emergency stop is about: which accounts, which of their orders and positions.

Invariant: a stop reaches exactly what its halt stops in a claim.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

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
    """The accounts of this deployment's mode that the stop concerns: all of a wide scope; for a strategy, a game or a
    market those that have orders or positions there. Where it has begun it goes on to its proof, whatever is left."""
    parts = KillSwitchPart.objects
    begun = parts.filter(event=event) if isinstance(event, KillSwitchEvent) else parts.none()
    rows = _in_use(begun).order_by("id")
    if event.scope in WIDE:
        return list(rows.filter(_wide(event)))
    places = set(begun.values_list("venue_account_id", flat=True))
    return [
        row for row in rows if row.pk in places or orders_in(event, row).exists() or positions_in(event, row).exists()
    ]


def orders_in(event: Stop, account: VenueAccount) -> QuerySet[Order]:
    """Our working orders that the stop takes off; an order that is not ours is never managed."""
    rows = Order.objects.filter(venue_account=account, status__in=WORKING, is_external=False).filter(_narrow(event))
    return rows.select_related("market", "venue_account").order_by("id")


def orders_over_in(event: Stop, account: VenueAccount, names: set[str]) -> QuerySet[Order]:
    """Our orders in the scope that are over in our books, among those of these names, ours or the venue's."""
    named = Q(venue_order_id__in=names) | Q(client_order_id__in=names)
    rows = Order.objects.filter(named, venue_account=account, is_external=False).filter(_narrow(event))
    return rows.exclude(status__in=WORKING).select_related("market", "venue_account").order_by("id")


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
    """The stop is proven at this account, or a living trader still has time for it; none where our clock has run back
    since it began."""
    part = KillSwitchPart.objects.filter(event=event, venue_account=account).first()
    if part is not None and part.proven_gone_at is not None:
        return True
    return is_traded_now(account) and timedelta(0) <= now - event.started_at < within


def traded_accounts() -> list[VenueAccount]:
    """Accounts of this deployment's mode that a trader holds, or has held: where orders of ours may rest."""
    begun = KillSwitchPart.objects.filter(event__rearmed_at=None)
    return list(_in_use(begun).filter(lease__isnull=False).order_by("id"))


def why_not_rearm(halt: TradingHalt) -> list[str]:
    """What stands against trading again in a halt's scope: orders not proven gone, books not proven equal since it
    was set.

    An account that never sent an order has no books to compare.
    """
    parts = {part.venue_account_id: part for part in _parts_of(halt)}
    unproven = [part.venue_account for part in parts.values() if part.proven_gone_at is None]
    found = []
    for account in accounts_in(halt):
        if account.pk not in parts and orders_in(halt, account).exists():
            unproven.append(account)
        if Order.objects.filter(venue_account=account).exclude(status=OrderStatus.DENIED).exists():
            found += why_not_clean(account, since=halt.changed_at)
    return [f"The orders of {account} are not proven gone." for account in unproven] + found


def _parts_of(halt: TradingHalt) -> QuerySet[KillSwitchPart]:
    """Of the stop that is open."""
    return KillSwitchPart.objects.filter(event__halt=halt, event__rearmed_at=None).select_related("venue_account")


def accounts_unheard(event: KillSwitchEvent) -> list[VenueAccount]:
    """Accounts that an open stop concerns, where orders of ours may rest, and that nobody has come to yet."""
    if event.rearmed_at is not None:
        return []
    heard = set(event.parts.values_list("venue_account_id", flat=True))
    return [row for row in accounts_in(event) if row.pk not in heard and _may_have_orders(row)]


def unproven_stops(*, older_than: timedelta, now: datetime) -> list[KillSwitchEvent]:
    """Stops of which an account is still not proven empty, or that nobody has taken up at some account, after
    `older_than`. At an account where no trader has been there is nothing to take off."""
    late = KillSwitchEvent.objects.filter(rearmed_at=None, started_at__lte=now - older_than)
    late = late.annotate(open_parts=Count("parts", filter=Q(parts__proven_gone_at=None)))
    return [event for event in late if event.open_parts or accounts_unheard(event)]


def _may_have_orders(account: VenueAccount) -> bool:
    """A trader has been here, or a working order says so."""
    working = Order.objects.filter(venue_account=account, status__in=WORKING, is_external=False)
    return TraderLease.objects.filter(venue_account=account).exists() or working.exists()


def _in_use(begun: QuerySet[KillSwitchPart]) -> QuerySet[VenueAccount]:
    """Of this deployment's mode: enabled, or switched off while orders of ours work there, or parts of stops are
    `begun` there."""
    here = {"venue_account": OuterRef("pk")}
    working = Order.objects.filter(**here, status__in=WORKING, is_external=False)
    rows = VenueAccount.objects.select_related("user").filter(mode=settings.TRADING_MODE)
    return rows.filter(Q(is_enabled=True) | Exists(working) | Exists(begun.filter(**here)))


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
