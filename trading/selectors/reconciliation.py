"""Whether an account's books are known to be the venue's, what differs, and which orders wait for a person.

Invariant: clean is proven, never assumed: an account that was not read lately is not clean.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from accounts.models import User, VenueAccount
from core import clock
from trading.models import Finding, FindingState, Order, OrderStatus, OrphanedOrder, ReconciliationRun, RunOutcome
from trading.models.reconciliation import UNRESOLVED

CLEAN_FOR = timedelta(minutes=10)
"""How long a clean comparison speaks for an account."""


def is_clean(account: VenueAccount, *, within: timedelta = CLEAN_FOR) -> bool:
    """True when nothing stands against trading this account again."""
    return not why_not_clean(account, within=within)


def why_not_clean(account: VenueAccount, *, within: timedelta = CLEAN_FOR) -> list[str]:
    """A sentence for people per reason; empty is clean."""
    found = []
    if unknown := Order.objects.filter(venue_account=account, status=OrderStatus.CLAIMED).count():
        found.append(f"{unknown} order(s) of {account} have no answer yet.")
    if orphans := orphans_of(account).count():
        found.append(f"{orphans} order(s) at the venue are ours and not in our books: adopt, close or explain them.")
    found += [finding.text for finding in findings_of(account)]
    return found + _last_run_against(account, within)


def last_run(account: VenueAccount) -> ReconciliationRun | None:
    """The newest comparison that has ended."""
    ended = ReconciliationRun.objects.filter(venue_account=account, ended_at__isnull=False)
    return ended.order_by("-ended_at", "-id").first()


def last_clean_run(account: VenueAccount) -> ReconciliationRun | None:
    clean = ReconciliationRun.objects.filter(venue_account=account, outcome=RunOutcome.CLEAN)
    return clean.order_by("-ended_at", "-id").first()


def findings_of(account: VenueAccount) -> QuerySet[Finding]:
    """Open ones, oldest first."""
    return Finding.objects.filter(venue_account=account, state=FindingState.OPEN).order_by("id")


def orphans_of(account: VenueAccount) -> QuerySet[OrphanedOrder]:
    """Those that still wait, oldest first."""
    return OrphanedOrder.objects.filter(venue_account=account, state__in=UNRESOLVED).order_by("id")


def runs_for(user: User) -> QuerySet[ReconciliationRun]:
    """Newest first."""
    return ReconciliationRun.objects.filter(venue_account__user=user).select_related("venue_account__user")


def orphans_for(user: User) -> QuerySet[OrphanedOrder]:
    return OrphanedOrder.objects.filter(venue_account__user=user).select_related("venue_account__user", "order")


def findings_for(user: User) -> QuerySet[Finding]:
    return Finding.objects.filter(venue_account__user=user).select_related("venue_account__user")


def _last_run_against(account: VenueAccount, within: timedelta) -> list[str]:
    run = last_run(account)
    if run is None or run.ended_at is None:
        return [f"{account} was never compared with its venue: reconcile it."]
    if run.outcome != RunOutcome.CLEAN:
        return [f"The last comparison of {account} ended with: {run.detail or run.outcome}."]
    if clock.now() - run.ended_at > within:
        return [f"{account} was last compared at {run.ended_at:%H:%M:%S} UTC: reconcile it again."]
    return []
