"""Halt and resume trading. Each change is audited in its own transaction."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from accounts.models import User
from audit.services import SYSTEM_CHAIN, audit_append, chain_of_user
from core import clock
from core.errors import Conflict, Invalid, NotAllowed
from core.queue import enqueue_on_commit
from notifications.models import AlertLevel
from notifications.services import alert_raise
from risk.models import OWN, HaltScope, HaltState, TradingHalt
from risk.rearm import needs_second_person, note_asked, require_rearm, tell_rearmed
from risk.receipts import event_end, event_open
from risk.scopes import HaltTarget, halt_target
from risk.signals import trading_halted


@transaction.atomic(durable=True)
def halt_set(
    *, scope: HaltScope, scope_key: str, state: HaltState, code: str, reason: str, actor: str, flatten: bool = False
) -> TradingHalt:
    """Put a scope into a state for the cause `code`, beside what other causes say. The next claim sees it. `flatten`
    with HALTED: what is held is sold too, by orders that only reduce. What stops is recorded (`risk.receipts`).

    Raises Invalid for a key that names nothing (`risk.scopes`) or no reason; Conflict where this cause would weaken
    its own HALTED: that, and any way back to ACTIVE, is `halt_resume`.
    """
    if not reason or not code:
        raise Invalid("invalid", "A halt needs a reason.")
    target = halt_target(scope, scope_key)
    halt = _locked_row(scope, target, code)
    if state == HaltState.ACTIVE or (halt.state == HaltState.HALTED and state != HaltState.HALTED):
        raise Conflict("halted", "This scope is halted; a person has to resume it.")
    halt = _move(halt, state=state, reason=reason, actor=actor, flatten=flatten and state == HaltState.HALTED)
    event_open(halt)
    alert_raise(
        user=target.owner,
        level=AlertLevel.CRITICAL if state == HaltState.HALTED else AlertLevel.WARNING,
        code=f"trading_{state}",
        title=f"Trading is {state}: {reason}",
        subject_type="halt",
        subject_uid=halt.uid,
        dedupe_key=f"halt:{halt.uid}:{halt.epoch}",
    )
    fire = partial(trading_halted.send_robust, sender=TradingHalt, halt_uid=halt.uid, state=state)
    transaction.on_commit(fire, robust=True)
    enqueue_on_commit("notifications.tasks.relay_outbox")
    return halt


@transaction.atomic(durable=True)
def halt_resume(*, halt: TradingHalt, reason: str, actor: str, by: User | None = None) -> TradingHalt:
    """Lift exactly the halt that the caller saw; what other causes say stays. `by`: a person on their own page, who
    may lift only what they set there; None: an operator, or the guard.

    Raises Invalid without a reason, NotAllowed for another's halt, Conflict when it was lifted or set anew since, and
    for a HALTED one what `risk.rearm.require_rearm` raises: books that are not clean, no second person.
    """
    if not reason:
        raise Invalid("invalid", "Say why it is safe to trade again.")
    if by is not None and (halt.code, halt.owner_id) != (OWN, by.pk):
        raise NotAllowed("not_allowed", "Only an operator can lift this halt.")
    if halt.state == HaltState.ACTIVE:
        raise Conflict("conflict", "This halt was lifted before.")
    require_rearm(halt, actor=actor)
    halt = _move(halt, state=HaltState.ACTIVE, reason=reason, actor=actor)
    event_end(halt, actor=actor, resolution=reason)
    tell_rearmed(halt, actor=actor)
    return halt


@transaction.atomic(durable=True)
def halt_rearm_ask(*, halt: TradingHalt, reason: str, actor: str) -> TradingHalt:
    """Ask that a halt of everything be lifted; somebody else confirms by `halt_resume`.

    Raises Invalid without a reason, Conflict where there is nothing to ask for, or somebody asked before.
    """
    if not reason:
        raise Invalid("invalid", "Say why it is safe to trade again.")
    if not needs_second_person(halt):
        raise Conflict("conflict", "This halt needs no second person.")
    note_asked(halt, actor=actor, reason=reason)
    audit_append(
        chain=SYSTEM_CHAIN,
        actor=actor,
        kind="halt.rearm_asked",
        subject_type="halt",
        subject_uid=halt.uid,
        payload={"reason": reason, "epoch": halt.epoch},
    )
    return halt


def _locked_row(scope: HaltScope, target: HaltTarget, code: str) -> TradingHalt:
    fresh = TradingHalt(scope=scope, scope_key=target.key, code=code, owner=target.owner)
    TradingHalt.objects.bulk_create([fresh], ignore_conflicts=True)
    return TradingHalt.objects.select_for_update().get(scope=scope, scope_key=target.key, code=code)


def _move(seen: TradingHalt, *, state: HaltState, reason: str, actor: str, flatten: bool = False) -> TradingHalt:
    """Compare-and-set on the row as it was seen. Raises Conflict when it is not so any more."""
    rows = TradingHalt.objects.filter(pk=seen.pk, state=seen.state, code=seen.code, epoch=seen.epoch)
    changes = {"state": state, "reason": reason[:300], "actor": actor, "flatten": flatten, "changed_at": clock.now()}
    if not rows.update(epoch=seen.epoch + 1, **changes):
        raise Conflict("conflict", "This halt changed in the meantime; look at it again.")
    halt = TradingHalt.objects.select_related("owner").get(pk=seen.pk)
    facts = {"scope": halt.scope, "key": halt.scope_key, "code": halt.code, "from": seen.state, "to": state}
    audit_append(
        chain=chain_of_user(halt.owner.uid) if halt.owner else SYSTEM_CHAIN,
        actor=actor,
        kind="halt.changed",
        subject_type="halt",
        subject_uid=halt.uid,
        payload={**facts, "reason": reason, "flatten": flatten},
    )
    return halt
