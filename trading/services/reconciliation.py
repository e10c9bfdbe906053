"""Runs of a comparison and what they found, each kept in one transaction with its audit entry and its alerts.

Story: a run is asked for or begun, reads the venue outside of any transaction, and ends here: a difference that is new
becomes a finding, one that is gone is resolved; money that somebody moved outside of this system becomes a cash entry
of its own when the next run finds the very same gap, and nothing else, again. Invariants: nothing is absorbed silently;
money is not called a transfer while a fill may yet be taken back, or while anything else differs, whoever explained it;
positions and orders are never changed here; a run that could not read the venue changes nothing but its own row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import VenueAccount
from audit.services import audit_append, chain_of_user
from core import clock
from core.errors import Conflict, Invalid
from core.queue import enqueue_on_commit
from trading.domain.reconciling import Difference, DifferenceKind
from trading.models import CashKind, Finding, FindingState, OrphanedOrder, ReconciliationRun, RunOutcome, RunTrigger
from trading.selectors.our_books import pending_since
from trading.selectors.reconciliation import findings_of, last_run, orphans_of
from trading.services.cash import post_cash
from trading.services.moves import lock_ledger
from trading.services.records import alert_owner, record_fact

ROUTINE = (RunTrigger.PERIODIC, RunTrigger.BEAT)
TASK = "trading.tasks.reconcile_asked"


@transaction.atomic(durable=True)
def reconciliation_ask(*, venue_account: VenueAccount, actor: str) -> ReconciliationRun:
    """Have the account compared soon; asking again before it began is the same wish."""
    lock_ledger(venue_account.pk)
    waiting = ReconciliationRun.objects.filter(venue_account=venue_account, outcome=RunOutcome.ASKED, began_at=None)
    run = waiting.first()
    if run is None:
        run = ReconciliationRun(venue_account=venue_account, trigger=RunTrigger.API, asked_by=actor)
        run.save()
        _audit(run, "reconciliation.asked", actor, {})
    enqueue_on_commit(TASK)
    return run


@transaction.atomic(durable=True)
def reconciliation_begin(
    *, venue_account: VenueAccount, trigger: RunTrigger, asked: ReconciliationRun | None = None
) -> ReconciliationRun:
    """A run that is under way. Raises Conflict when somebody else took the asked one."""
    if asked is None:
        run = ReconciliationRun(venue_account=venue_account, trigger=trigger, began_at=clock.now())
        run.save()
        return run
    rows = ReconciliationRun.objects.filter(pk=asked.pk, began_at=asked.began_at, ended_at=None)
    if not rows.update(began_at=clock.now()):
        raise Conflict("conflict", "This comparison has begun already.")
    return ReconciliationRun.objects.select_related("venue_account__user").get(pk=asked.pk)


@transaction.atomic(durable=True)
def reconciliation_fail(*, run: ReconciliationRun, code: str, message: str) -> ReconciliationRun:
    """The venue could not be read whole: nothing is known, and nothing that was known is forgotten."""
    account, before = run.venue_account, last_run(run.venue_account)
    _end(run, RunOutcome.FAILED, detail=f"{code}: {message}", evidence={})
    if before is None or before.outcome != RunOutcome.FAILED:
        _audit(run, "reconciliation.failed", "reconciliation", {"code": code, "message": message})
        alert_owner(
            account,
            code="reconciliation_failed",
            title=f"{account} could not be compared with its venue",
            subject=run,
            key=str(run.uid),
            body=message,
        )
    return run


@transaction.atomic(durable=True)
def reconciliation_end(
    *,
    run: ReconciliationRun,
    differences: Sequence[Difference],
    vanished: Sequence[Difference] = (),
    evidence: Mapping[str, Any],
) -> ReconciliationRun:
    """Keep what stood in both reads. `vanished`: ghosts of the first read that ended by evidence before the second."""
    account = run.venue_account
    ledger = lock_ledger(account.pk)
    before = last_run(account)
    dismissed = _dismissed(account)
    standing = [one for one in differences if (one.key, one.gap_u) not in dismissed]
    open_rows = {row.key: row for row in findings_of(account)}
    is_money_alone, booked = _is_money_alone(account, differences), 0
    for difference in standing:
        row = open_rows.pop(difference.key, None)
        if row is None:
            _open(run, difference)
        elif is_money_alone and difference.ours_u == ledger.cash_u:
            booked += _book_external(run, row)
        else:
            _see_again(run, row, difference)
    for row in open_rows.values():
        _resolve(run, row, reason="The books agree again.")
    for ghost in vanished:
        _note_ended_ghost(run, ghost)
    found = len(standing) - booked
    orphans = _count_orphans(run)
    outcome = RunOutcome.DIFFERENCES if found or orphans else RunOutcome.CLEAN
    _end(run, outcome, differences=found, orphans=orphans, evidence=evidence, detail=_sentence(found, orphans))
    if run.trigger not in ROUTINE or before is None or before.outcome != outcome or standing or vanished:
        _audit(run, f"reconciliation.{outcome}", "reconciliation", dict(evidence))
    return run


@transaction.atomic(durable=True)
def finding_dismiss(*, finding: Finding, reason: str, actor: str) -> Finding:
    """A person explains a difference; the same gap is not found again. Raises Invalid, Conflict."""
    if not reason.strip():
        raise Invalid("invalid", "Say why this is well as it is: your reason is kept.")
    lock_ledger(finding.venue_account_id)
    rows = Finding.objects.filter(pk=finding.pk, state=FindingState.OPEN)
    changes = {"state": FindingState.DISMISSED, "reason": reason.strip()[:300], "resolved_by": actor[:120]}
    if not rows.update(**changes, resolved_at=clock.now()):
        raise Conflict("conflict", f"This difference is {finding.state} already.")
    row = Finding.objects.select_related("venue_account__user").get(pk=finding.pk)
    _record(row, "finding.dismissed", actor=actor)
    return row


def _dismissed(account: VenueAccount) -> set[tuple[str, int]]:
    rows = Finding.objects.filter(venue_account=account, state=FindingState.DISMISSED)
    return {(key, theirs_u - ours_u) for key, ours_u, theirs_u in rows.values_list("key", "ours_u", "theirs_u")}


def _is_money_alone(account: VenueAccount, differences: Sequence[Difference]) -> bool:
    """A gap that a person explained, and a fill that is not final, may be the other half of one in the cash."""
    return all(one.kind is DifferenceKind.CASH for one in differences) and pending_since(account) is None


def _open(run: ReconciliationRun, difference: Difference) -> None:
    row = _row(run, difference)
    row.save()
    _record(row, "finding.opened")
    alert_owner(
        run.venue_account,
        code="reconciliation_difference",
        title=f"Our books of {run.venue_account} differ from the venue's",
        subject=row,
        key=str(row.uid),
        body=difference.text,
    )


def _row(run: ReconciliationRun, difference: Difference) -> Finding:
    return Finding(
        venue_account=run.venue_account,
        kind=difference.kind,
        key=difference.key,
        market_id=difference.market_id,
        ours_u=difference.ours_u,
        theirs_u=difference.theirs_u,
        text=difference.text[:300],
        run=run,
    )


def _see_again(run: ReconciliationRun, row: Finding, difference: Difference) -> None:
    Finding.objects.filter(pk=row.pk).update(
        times_seen=F("times_seen") + 1,
        seen_at=clock.now(),
        run=run,
        ours_u=difference.ours_u,
        theirs_u=difference.theirs_u,
        text=difference.text[:300],
    )


def _resolve(run: ReconciliationRun, row: Finding, *, reason: str) -> None:
    row.state, row.reason, row.resolved_at, row.run = FindingState.RESOLVED, reason, clock.now(), run
    row.save(update_fields=["state", "reason", "resolved_at", "run"])
    row.venue_account = run.venue_account
    _record(row, "finding.resolved")


def _note_ended_ghost(run: ReconciliationRun, ghost: Difference) -> None:
    """Open here, not there: the order was ended by proof between the two reads; what is left is to have said so."""
    row = _row(run, ghost)
    row.state, row.resolved_at = FindingState.RESOLVED, clock.now()
    row.reason = "Our order was ended by the venue's evidence."
    row.save()
    _record(row, "finding.ghost_ended")


def _book_external(run: ReconciliationRun, row: Finding) -> int:
    account, amount_u = run.venue_account, row.theirs_u - row.ours_u
    ref = f"reconciliation:{row.uid}"
    row.cash_entry = post_cash(account, kind=CashKind.EXTERNAL, amount_u=amount_u, ref=ref, at=clock.now())
    row.state, row.resolved_at, row.run = FindingState.BOOKED, clock.now(), run
    row.reason = "Found twice, and explained by nothing of ours: booked as money moved outside of this system."
    row.save(update_fields=["cash_entry", "state", "resolved_at", "run", "reason"])
    row.venue_account = account
    _record(row, "cash.external", amount_u=amount_u, ref=ref)
    alert_owner(
        account,
        code="external_cash",
        title=f"Money was moved outside of this system: {amount_u:+} µUSD at {account}",
        subject=row,
        key=f"booked:{row.uid}",
        body="It is booked as an entry of its own. If you did not pay it in or out, look at the account now.",
    )
    return 1


def _count_orphans(run: ReconciliationRun) -> int:
    waiting = orphans_of(run.venue_account)
    if run.trigger == RunTrigger.START:
        OrphanedOrder.objects.filter(pk__in=waiting.values("pk")).update(found_at_start=True)
    return waiting.count()


def _end(run: ReconciliationRun, outcome: RunOutcome, *, evidence: Mapping[str, Any], **set_: Any) -> None:
    run.outcome, run.ended_at, run.evidence = outcome, clock.now(), dict(evidence)
    for name, value in set_.items():
        setattr(run, name, value[:300] if name == "detail" else value)
    run.save()


def _sentence(found: int, orphans: int) -> str:
    parts = [f"{found} difference(s)"] * bool(found) + [f"{orphans} order(s) of ours nobody here knows"] * bool(orphans)
    return " and ".join(parts)


def _record(row: Finding, kind: str, **more: object) -> None:
    facts = {"kind": row.kind, "key": row.key, "ours_u": row.ours_u, "theirs_u": row.theirs_u, "reason": row.reason}
    record_fact(
        row.venue_account,
        kind=kind,
        subject=row,
        subject_type="finding",
        payload={**facts, **more},
        key=f"{row.uid}:{row.state}",
    )


def _audit(run: ReconciliationRun, kind: str, actor: str, payload: Mapping[str, Any]) -> None:
    audit_append(
        chain=chain_of_user(run.venue_account.user.uid),
        actor=actor,
        kind=kind,
        subject_type="reconciliation",
        subject_uid=run.uid,
        payload={"trigger": run.trigger, "differences": run.differences, "orphans": run.orphans, **payload},
    )
