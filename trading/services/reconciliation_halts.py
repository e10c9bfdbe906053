"""What a comparison, or the want of one, means for trading: it waits for a person, pauses, or goes on.

Story: books that differ pause their account until they agree; so do books that could not be compared for too long,
because reads that fail one after the other prove nothing. Invariant: what is lifted here is only what was set here, and
an order of ours that was found at a start stops its account until a person has decided on it and a comparison after
that was clean.
"""

from __future__ import annotations

from datetime import timedelta

from accounts.models import VenueAccount
from core import clock
from core.errors import Conflict
from risk.models import HaltScope, HaltState, TradingHalt
from risk.services import halt_resume, halt_set
from trading.models import OrphanedOrder, ReconciliationRun, RunOutcome, RunTrigger
from trading.selectors.reconciliation import last_comparison, orphans_of

ACTOR = "reconciliation"
ORPHANED = "orphaned_order"
MISMATCH = "reconcile_mismatch"
OVERDUE = "reconcile_overdue"

COMPARED_WITHIN = timedelta(minutes=5)
"""Real time: four comparisons in a row may fail while an account is traded."""


def reconciliation_halts_follow(*, run: ReconciliationRun) -> None:
    """After a run has ended. A failed one proves nothing: it neither halts nor lifts."""
    account = run.venue_account
    if run.outcome == RunOutcome.CLEAN:
        _lift(account, MISMATCH, reason="The books agree with the venue's again.", actor=ACTOR)
        _lift(account, OVERDUE, reason="The books were compared with the venue's again.", actor=ACTOR)
        _lift_orphaned(account)
    elif run.outcome == RunOutcome.DIFFERENCES:
        if run.trigger == RunTrigger.START and orphans_of(account).exists():
            _set(account, HaltState.HALTED, ORPHANED, f"At the start: {run.detail}. Decide on each of them.")
        if not _halt(account, ORPHANED):
            _set(account, HaltState.PAUSED, MISMATCH, f"Our books and the venue's differ: {run.detail}.")


def reconciliation_overdue_pause(*, venue_account: VenueAccount) -> bool:
    """For whoever trades the account: pause it when no comparison came to its end for five minutes. True where that is
    so; the next clean one lifts it."""
    last = last_comparison(venue_account)
    is_overdue = last is None or last.ended_at is None or clock.now() - last.ended_at > COMPARED_WITHIN
    if is_overdue:
        since = f"since {last.ended_at:%H:%M:%S} UTC" if last is not None and last.ended_at is not None else "yet"
        _set(venue_account, HaltState.PAUSED, OVERDUE, f"Our books could not be compared with the venue's {since}.")
    return is_overdue


def _lift_orphaned(account: VenueAccount) -> None:
    """The person who decided on the last of them gave the reason."""
    decided = OrphanedOrder.objects.filter(venue_account=account, found_at_start=True, resolved_at__isnull=False)
    last = decided.order_by("-resolved_at").first()
    if last is not None and not orphans_of(account).exists():
        _lift(account, ORPHANED, reason=last.reason or "Decided on.", actor=last.resolved_by or ACTOR)


def _set(account: VenueAccount, state: HaltState, code: str, reason: str) -> None:
    if _halt(account, code) is None:
        halt_set(
            scope=HaltScope.ACCOUNT, scope_key=str(account.uid), state=state, code=code, reason=reason, actor=ACTOR
        )


def _lift(account: VenueAccount, code: str, *, reason: str, actor: str) -> None:
    halt = _halt(account, code)
    if halt is None:
        return
    try:
        halt_resume(halt=halt, reason=reason, actor=actor)
    except Conflict:
        return  # somebody was faster; the next run looks again


def _halt(account: VenueAccount, code: str) -> TradingHalt | None:
    rows = TradingHalt.objects.filter(scope=HaltScope.ACCOUNT, scope_key=str(account.uid), code=code)
    return rows.exclude(state=HaltState.ACTIVE).select_related("owner").first()
