"""The record of emergency stops: opened with the halt, filled in by whoever stops, closed by whoever arms again.

Invariant: an event is written in the transaction of its halt, and a proof once written stays: a later look may add to a
part, never take back when its orders were first proven gone. An end proves nothing: whom it waited for stays written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import VenueAccount
from audit.services import audit_append, chain_of_account
from core import clock
from core.errors import Invalid
from risk.models import HaltState, KillSwitchEvent, KillSwitchPart, TradingHalt
from risk.selectors_receipts import accounts_unheard

STOPPING = (HaltState.PAUSED, HaltState.HALTED)
"""The states in which nothing may rest at a venue."""
TRADER, GUARD = "trader", "guard"
_NOTED = frozenset({"stuck", "left_alone", "positions_closed", "pnl_u"})


def event_open(halt: TradingHalt) -> KillSwitchEvent | None:
    """Part of `halt_set`. A halt that is set anew ends its former event; None for a state that stops nothing."""
    _end_of(halt, actor=halt.actor, resolution=f"Set anew: {halt.reason}")
    if halt.state not in STOPPING:
        return None
    event = KillSwitchEvent(
        halt=halt,
        halt_epoch=halt.epoch,
        scope=halt.scope,
        scope_key=halt.scope_key,
        state=halt.state,
        code=halt.code,
        actor=halt.actor,
        reason=halt.reason,
        owner=halt.owner,
        flatten=halt.flatten,
        started_at=halt.changed_at,
    )
    event.save()
    return event


def event_end(halt: TradingHalt, *, actor: str, resolution: str) -> None:
    """Part of `halt_resume`."""
    _end_of(halt, actor=actor, resolution=resolution)


def _end_of(halt: TradingHalt, *, actor: str, resolution: str) -> None:
    """Whom it waited for is kept: once it has ended nobody can tell any more."""
    for event in KillSwitchEvent.objects.filter(halt=halt, rearmed_at=None):
        event.never_heard.set(accounts_unheard(event))
        KillSwitchEvent.objects.filter(pk=event.pk).update(
            rearmed_by=actor, rearmed_at=clock.now(), resolution=resolution
        )


@transaction.atomic(durable=True)
def stop_part_begin(
    *,
    event: KillSwitchEvent,
    venue_account: VenueAccount,
    orders: Sequence[Mapping[str, Any]],
    positions_open: int,
    realized_u: int,
) -> KillSwitchPart:
    """What was there when the stop reached this account; whoever comes second finds the first one's row."""
    fresh = KillSwitchPart(
        event=event,
        venue_account=venue_account,
        orders_open=len(orders),
        orders=list(orders),
        positions_open=positions_open,
        realized_before_u=realized_u,
    )
    KillSwitchPart.objects.bulk_create([fresh], ignore_conflicts=True)
    part = KillSwitchPart.objects.get(event=event, venue_account=venue_account)
    if part.uid == fresh.uid:
        _audit(part, "stop.begun", event.actor, {"orders_open": len(orders), "positions_open": positions_open})
    return part


@transaction.atomic(durable=True)
def stop_part_cancels(*, part: KillSwitchPart, sent: int, first_at: datetime) -> None:
    """`sent` more cancels went out, the first of them at `first_at`."""
    rows = KillSwitchPart.objects.filter(pk=part.pk)
    rows.filter(first_cancel_at=None).update(first_cancel_at=first_at)
    rows.update(cancels_sent=F("cancels_sent") + sent)


@transaction.atomic(durable=True)
def stop_part_note(
    *, part: KillSwitchPart, gone_at: datetime | None, flat_at: datetime | None, by: str, **noted: Any
) -> None:
    """What the last look found. `gone_at`, `flat_at`: proven now; the first proof of each is the one that is kept."""
    if unknown := set(noted) - _NOTED:
        raise Invalid("invalid", f"Not a part of a receipt: {', '.join(sorted(unknown))}")
    rows = KillSwitchPart.objects.filter(pk=part.pk)
    rows.update(**noted)
    if gone_at is not None and rows.filter(proven_gone_at=None).update(proven_gone_at=gone_at, proven_by=by):
        _audit(part, "stop.proven_gone", by, noted)
    if flat_at is not None and rows.filter(flat_at=None).update(flat_at=flat_at):
        _audit(part, "stop.flat", by, noted)


def _audit(part: KillSwitchPart, kind: str, actor: str, facts: Mapping[str, Any]) -> None:
    audit_append(
        chain=chain_of_account(part.venue_account.uid),
        actor=actor,
        kind=kind,
        subject_type="stop",
        subject_uid=part.event.uid,
        payload={"venue_account": str(part.venue_account.uid), **facts},
    )
