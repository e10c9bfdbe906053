"""Whether an account's books are known to be the venue's, what differs, and which orders wait for a person.

Invariant: clean is proven, never assumed: an account that was not read lately is not clean.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import User, VenueAccount
from accounts.selectors import accounts_of
from core import clock
from trading.models import Finding, FindingState, Order, OrderStatus, OrphanedOrder, ReconciliationRun, RunOutcome
from trading.models.reconciliation import UNRESOLVED
from trading.selectors.risk import WORKING

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


def runs_waiting() -> list[ReconciliationRun]:
    """Asked for and begun by nobody, oldest first."""
    asked = ReconciliationRun.objects.filter(outcome=RunOutcome.ASKED, began_at=None)
    return list(asked.select_related("venue_account__user").order_by("id"))


def runs_for(user: User) -> QuerySet[ReconciliationRun]:
    """Newest first; an operator sees everybody's."""
    return ReconciliationRun.objects.filter(_seen_by(user)).select_related("venue_account__user")


def orphans_for(user: User) -> QuerySet[OrphanedOrder]:
    """Newest first; an operator sees everybody's."""
    return OrphanedOrder.objects.filter(_seen_by(user)).select_related("venue_account__user", "order")


def findings_for(user: User) -> QuerySet[Finding]:
    """Newest first; an operator sees everybody's."""
    return Finding.objects.filter(_seen_by(user)).select_related("venue_account__user")


@dataclass(frozen=True, slots=True)
class AccountBooks:
    """One account on the page: when it was last known clean, what stands against it, and what is only counted."""

    account: VenueAccount
    last: ReconciliationRun | None
    last_clean: ReconciliationRun | None
    reasons: list[str]
    orphans: list[OrphanedOrder]
    findings: list[Finding]
    external: list[Order]


def books_of(user: User) -> list[AccountBooks]:
    """The user's enabled accounts of the mode, oldest first."""
    return [
        AccountBooks(
            account=account,
            last=last_run(account),
            last_clean=last_clean_run(account),
            reasons=why_not_clean(account),
            orphans=list(orphans_of(account)),
            findings=list(findings_of(account)),
            external=list(external_orders(account)),
        )
        for account in accounts_of(user, mode=settings.TRADING_MODE)
    ]


def external_orders(account: VenueAccount) -> QuerySet[Order]:
    """The owner's own, sent by something else: counted, never managed."""
    rows = Order.objects.filter(venue_account=account, is_external=True, status__in=WORKING)
    return rows.select_related("venue_account", "market__game").order_by("id")


def _seen_by(user: User) -> Q:
    return Q() if user.is_staff else Q(venue_account__user=user)


def _last_run_against(account: VenueAccount, within: timedelta) -> list[str]:
    run = last_run(account)
    if run is None or run.ended_at is None:
        return [f"{account} was never compared with its venue: reconcile it."]
    if run.outcome != RunOutcome.CLEAN:
        return [f"The last comparison of {account} ended with: {run.detail or run.outcome}."]
    if clock.now() - run.ended_at > within:
        return [f"{account} was last compared at {run.ended_at:%H:%M:%S} UTC: reconcile it again."]
    return []
