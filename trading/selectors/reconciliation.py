"""Whether an account's books are known to be the venue's, what differs, and which orders wait for a person.

Invariant: clean is proven, never assumed: an account that was not read lately is not clean.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import User, VenueAccount
from accounts.selectors import accounts_of
from core import clock
from trading.models import (
    Finding,
    FindingState,
    Order,
    OrderStatus,
    OrphanedOrder,
    ReconciliationRun,
    RunOutcome,
    RunTrigger,
)
from trading.models.reconciliation import UNRESOLVED
from trading.selectors.risk import WORKING

CLEAN_FOR = timedelta(minutes=10)
"""How long a clean comparison speaks for an account."""
UNENDED_AT_MOST = timedelta(minutes=5)
"""A comparison that somebody asked for and that has not ended by then is begun anew."""

AHEAD_AT_MOST = timedelta(minutes=1)
"""How far in the future a comparison may have ended: the clocks of two hosts differ a little."""


def is_clean(account: VenueAccount, *, within: timedelta = CLEAN_FOR) -> bool:
    """True when nothing stands against trading this account again."""
    return not why_not_clean(account, within=within)


def why_not_clean(account: VenueAccount, *, within: timedelta = CLEAN_FOR, since: datetime | None = None) -> list[str]:
    """A sentence for people per reason; empty is clean. `since`: no comparison that began earlier speaks for it."""
    found = []
    if unknown := Order.objects.filter(venue_account=account, status=OrderStatus.CLAIMED).count():
        found.append(f"{unknown} order(s) of {account} have no answer yet.")
    if orphans := orphans_of(account).count():
        found.append(f"{orphans} order(s) at the venue are ours and not in our books: adopt, close or explain them.")
    found += [finding.text for finding in findings_of(account)]
    return found + _last_run_against(account, within, since)


def last_run(account: VenueAccount) -> ReconciliationRun | None:
    """The newest comparison that has ended."""
    return _newest(ReconciliationRun.objects.filter(venue_account=account))


def last_comparison(account: VenueAccount) -> ReconciliationRun | None:
    """The newest run that read the venue whole, whatever it found."""
    whole = ReconciliationRun.objects.filter(
        venue_account=account, outcome__in=[RunOutcome.CLEAN, RunOutcome.DIFFERENCES]
    )
    return _newest(whole)


def _newest(runs: QuerySet[ReconciliationRun]) -> ReconciliationRun | None:
    """Of those that have ended; one that ended in the future is of a clock that has run back, and proves nothing."""
    ended = runs.filter(ended_at__lte=clock.now() + AHEAD_AT_MOST)
    return ended.order_by("-ended_at", "-id").first()


def last_clean_run(account: VenueAccount) -> ReconciliationRun | None:
    clean = ReconciliationRun.objects.filter(venue_account=account, outcome=RunOutcome.CLEAN)
    return _newest(clean)


def findings_of(account: VenueAccount) -> QuerySet[Finding]:
    """Open ones, oldest first."""
    return Finding.objects.filter(venue_account=account, state=FindingState.OPEN).order_by("id")


def orphans_of(account: VenueAccount) -> QuerySet[OrphanedOrder]:
    """Those that still wait, oldest first."""
    return OrphanedOrder.objects.filter(venue_account=account, state__in=UNRESOLVED).order_by("id")


def runs_waiting() -> list[ReconciliationRun]:
    """Asked for and begun by nobody, or by a worker that must have died over it; oldest first."""
    asked = ReconciliationRun.objects.filter(outcome=RunOutcome.ASKED, trigger=RunTrigger.API)
    asked = asked.filter(Q(began_at=None) | Q(began_at__lt=clock.now() - UNENDED_AT_MOST))
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


def _last_run_against(account: VenueAccount, within: timedelta, since: datetime | None) -> list[str]:
    run = last_run(account)
    if run is None or run.ended_at is None:
        return [f"{account} was never compared with its venue: reconcile it."]
    if run.outcome != RunOutcome.CLEAN:
        return [f"The last comparison of {account} ended with: {run.detail or run.outcome}."]
    if since is not None and (run.began_at is None or run.began_at < since):
        return [f"{account} was not compared since {since:%H:%M:%S} UTC: reconcile it again."]
    if clock.now() - run.ended_at > within:
        return [f"{account} was last compared at {run.ended_at:%H:%M:%S} UTC: reconcile it again."]
    return []
