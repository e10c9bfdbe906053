"""Set limits: lowered by one person at once, raised by two. Every change is audited and holds from the next claim on.

A raise of real money waits as a `LimitRaise` until another member of staff confirms it; at simulated accounts, where
nothing is at stake, one person is enough. Nothing is ever raised above the hard caps: the strictest level wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Mode, User, VenueAccount
from audit.services import SYSTEM_CHAIN, audit_append, chain_of_account
from core import clock
from core.errors import Conflict, Invalid, NotAllowed
from notifications.models import AlertLevel
from notifications.services import alert_raise
from risk.limits import ACCOUNT_DEFAULTS, HARD_CAPS, NAMES, is_raise
from risk.models import AccountLimits, LevelLimits, LimitLevel, LimitRaise, RaiseState

_MAY_BE_NEGATIVE = {"min_edge_price_u"}


@transaction.atomic(durable=True)
def limits_set(*, venue_account: VenueAccount, actor: str, reason: str = "", **limits: int) -> AccountLimits:
    """Change limits of an account (units of `risk.limits`). What is lowered holds at once; what is raised on an account
    with real money waits for a second person. Raises Invalid for a name or a number that is no limit."""
    _require_limits(limits)
    row, _ = AccountLimits.objects.select_for_update().get_or_create(venue_account=venue_account)
    stored = {**ACCOUNT_DEFAULTS, **{name: value for name, value in row.said().items() if value is not None}}
    is_play = venue_account.mode == Mode.SIMULATED
    lower, higher = _split(limits, stored) if not is_play else (limits, {})
    _write(row, lower, actor=actor, account=venue_account)
    if higher:
        _ask(higher, actor=actor, reason=reason or "raised by its owner", account=venue_account)
    return row


@transaction.atomic(durable=True)
def level_limits_set(
    *, level: LimitLevel, key: str, actor: str, reason: str, **limits: int | None
) -> tuple[LevelLimits, LimitRaise | None]:
    """Change what a venue or a strategy allows everybody; None takes the limit away, which is a raise. The second value
    is what waits for another person."""
    if not key or not reason:
        raise Invalid("invalid", "Say which venue or strategy, and why.")
    _require_limits(limits)
    row, _ = LevelLimits.objects.select_for_update().get_or_create(level=level, key=key)
    stored = {name: _or_cap(name, value) for name, value in row.said().items()}
    lower, higher = _split(limits, stored)
    _write(row, lower, actor=actor)
    return row, _ask(higher, actor=actor, reason=reason, limits=row) if higher else None


@transaction.atomic(durable=True)
def limit_raise_answer(*, asked: LimitRaise, by: User, is_confirmed: bool, reason: str) -> LimitRaise:
    """Another member of staff confirms or refuses. Raises NotAllowed for the asker themself and for who is not staff,
    Conflict when it was answered before."""
    if not by.is_staff or by.email == asked.asked_by:
        raise NotAllowed("not_allowed", "A raise is confirmed by another member of staff.")
    if not reason:
        raise Invalid("invalid", "Say why.")
    to = RaiseState.CONFIRMED if is_confirmed else RaiseState.REFUSED
    waiting = LimitRaise.objects.filter(pk=asked.pk, state=RaiseState.WAITING)
    if not waiting.update(state=to, answered_by=by.email, answered_at=clock.now()):
        raise Conflict("conflict", "This raise was answered before.")
    row = LimitRaise.objects.select_related("limits", "account__user").get(pk=asked.pk)
    if is_confirmed:
        target = row.limits or AccountLimits.objects.select_for_update().get(venue_account=row.account)
        _write(target, row.values, actor=by.email, account=row.account)
    _audit(f"limits.raise_{to}", row, actor=by.email, account=row.account, reason=reason)
    return row


def losses_count_anew(*, venue_account: VenueAccount, since: datetime) -> None:
    """Part of `halt_resume`: a person looked, so that losses before `since` (the trader's time) count no more."""
    AccountLimits.objects.update_or_create(venue_account=venue_account, defaults={"losses_counted_from": since})


def _require_limits(limits: Mapping[str, int | None]) -> None:
    unknown = set(limits) - set(NAMES)
    below = [name for name, value in limits.items() if value is not None and value < 0 and name not in _MAY_BE_NEGATIVE]
    if unknown or below:
        raise Invalid("invalid", f"Not a limit, or below zero: {', '.join(sorted(unknown) or below)}")


def _or_cap(name: str, value: int | None) -> int:
    return int(getattr(HARD_CAPS, name)) if value is None else value


def _split(
    limits: Mapping[str, int | None], stored: Mapping[str, int]
) -> tuple[dict[str, int | None], dict[str, int | None]]:
    """What allows less than before, and what allows more."""
    higher = {
        name: value
        for name, value in limits.items()
        if is_raise(name, before=_or_cap(name, stored.get(name)), after=_or_cap(name, value))
    }
    return {name: value for name, value in limits.items() if name not in higher}, higher


def _write(
    row: AccountLimits | LevelLimits,
    limits: Mapping[str, int | None],
    *,
    actor: str,
    account: VenueAccount | None = None,
) -> None:
    if not limits:
        return
    before = {name: getattr(row, name) for name in limits}
    for name, value in limits.items():
        setattr(row, name, value)
    row.updated_at = clock.now()
    row.save()
    subject = account or row
    audit_append(
        chain=chain_of_account(account.uid) if account else SYSTEM_CHAIN,
        actor=actor,
        kind="limits.changed",
        subject_type="venue_account" if account else "level_limits",
        subject_uid=subject.uid,  # type: ignore[union-attr]  # an AccountLimits row never comes without its account
        payload={"before": before, "after": dict(limits)},
    )


def _ask(values: Mapping[str, int | None], *, actor: str, reason: str, **of: Any) -> LimitRaise:
    row = LimitRaise.objects.create(values=dict(values), reason=reason[:300], asked_by=actor, **of)
    account = of.get("account")
    _audit("limits.raise_asked", row, actor=actor, account=account, reason=reason)
    alert_raise(
        user=account.user if account else None,
        level=AlertLevel.WARNING,
        code="limit_raise",
        title=f"A raise of limits waits for a second person: {reason}"[:200],
        subject_type="limit_raise",
        subject_uid=row.uid,
        dedupe_key=f"limit_raise:{row.uid}",
    )
    return row


def _audit(kind: str, row: LimitRaise, *, actor: str, account: VenueAccount | None, reason: str) -> None:
    audit_append(
        chain=chain_of_account(account.uid) if account else SYSTEM_CHAIN,
        actor=actor,
        kind=kind,
        subject_type="limit_raise",
        subject_uid=row.uid,
        payload={"values": row.values, "reason": reason, "asked_by": row.asked_by},
    )
