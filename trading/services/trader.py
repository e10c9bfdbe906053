"""A user's wish (run, stop) and the trader's answer (heartbeat). The trader reads the wish; nobody calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.models import User
from audit.services import audit_append, chain_of_user
from core import clock
from notifications.services import group_of, outbox_put
from trading.models import DesiredState, TraderState, TraderStatus


def trader_start(*, user: User, actor: str) -> TraderState:
    """Ask the trader to trade for this user; it answers by its heartbeat. Asking twice changes nothing."""
    return _wish(user, DesiredState.RUNNING, actor)


def trader_stop(*, user: User, actor: str) -> TraderState:
    """Ask it to take its orders off and stop. Positions stay as they are."""
    return _wish(user, DesiredState.STOPPED, actor)


@transaction.atomic(durable=True)
def trader_heartbeat(
    *, user: User, status: TraderStatus, detail: str = "", stats: Mapping[str, Any] | None = None
) -> TraderState:
    """The trader tells how it is; a change of status goes to the user's pages and into the audit trail."""
    state = _locked(user)
    before, moment = state.status, clock.now()
    state.status, state.detail, state.heartbeat_at = status, detail[:300], moment
    if stats is not None:
        state.stats = dict(stats)
    if before != status:
        state.changed_at = moment
        if status == TraderStatus.RUNNING and before != TraderStatus.PAUSED:
            state.started_at = moment
        _tell(user, state, actor="trader", kind="trader.status", change=f"{before} → {status}")
    state.save()
    return state


@transaction.atomic(durable=True)
def _wish(user: User, desired: DesiredState, actor: str) -> TraderState:
    state = _locked(user)
    if state.desired != desired:
        _tell(user, state, actor=actor, kind="trader.desired", change=f"{state.desired} → {desired}")
        state.desired, state.changed_at = desired, clock.now()
        state.save()
    return state


def _locked(user: User) -> TraderState:
    TraderState.objects.bulk_create([TraderState(user=user)], ignore_conflicts=True)
    return TraderState.objects.select_for_update().get(user=user)


def _tell(user: User, state: TraderState, *, actor: str, kind: str, change: str) -> None:
    entry = audit_append(
        chain=chain_of_user(user.uid),
        actor=actor,
        kind=kind,
        subject_type="user",
        subject_uid=user.uid,
        payload={"change": change},
    )
    payload = {"change": change, "status": state.status}
    outbox_put(topic=kind, group=group_of(user), dedupe_key=f"{kind}:{entry.uid}", payload=payload)
