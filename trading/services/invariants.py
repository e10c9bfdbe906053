"""What a broken invariant does in production: trading stops, and the operators are told which rows and by how much.

Story: every few minutes all rows are asked what must always be true of them (`trading.selectors.invariants`). What is
wrong with orders, or with the audit trail, halts everything until people have looked; sums that do not agree pause
everything until they do; what is only late is told. Who arms again has been told what stood then, and it stops nothing
any more: only what is found after that does. Invariant: nothing is stopped for what a single look saw.
"""

from __future__ import annotations

import hashlib

from core.errors import Conflict
from notifications.models import Alert, AlertLevel
from notifications.services import alert_raise
from risk.models import HaltScope, HaltState, TradingHalt
from risk.services import halt_resume, halt_set
from trading.selectors.invariants import CONFIRM_AFTER_S, Violation, confirmed_violations
from trading.selectors.invariants_orders import ORDERS

CODE = "invariant_broken"
ACTOR = "invariants"
TOLD = frozenset({"INV-09", "INV-42"})
"""Late, not wrong."""
HALTING = frozenset({*ORDERS, "INV-41"}) - TOLD
ALERTS_AT_MOST = 20
"""At each look: whatever is not told yet is told at the next ones, for only what was told can be armed over."""


def invariants_check(*, confirm_after_s: float = CONFIRM_AFTER_S) -> int:
    """Look, tell and stop; or lift the pause of an earlier look when all holds again. How many stand."""
    found = confirmed_violations(confirm_after_s=confirm_after_s)
    _accept_what_was_armed_over()
    told = set(Alert.objects.filter(code=CODE).values_list("dedupe_key", flat=True))
    for one in [one for one in found if _key(one) not in told][:ALERTS_AT_MOST]:
        _tell(one)
    accepted = set(Alert.objects.filter(code=CODE).exclude(extra={}).values_list("dedupe_key", flat=True))
    if stopping := [one for one in found if one.code not in TOLD and _key(one) not in accepted]:
        _stop(stopping)
    else:
        _lift()
    return len(found)


def _tell(one: Violation) -> None:
    alert_raise(
        user=None,
        level=AlertLevel.CRITICAL,
        code=CODE,
        title=f"{one.code} does not hold",
        body=one.words,
        dedupe_key=_key(one),
    )


def _key(one: Violation) -> str:
    return f"{CODE}:{hashlib.sha256(str(one).encode()).hexdigest()}"


def _accept_what_was_armed_over() -> None:
    """A person lifted the halt after these were told; why is in the audit entry of the lifting."""
    lifted = TradingHalt.objects.filter(scope=HaltScope.GLOBAL, code=CODE, state=HaltState.ACTIVE)
    halt = lifted.exclude(actor=ACTOR).first()
    if halt is not None:
        told = Alert.objects.filter(code=CODE, created_at__lt=halt.changed_at, extra={})
        told.update(extra={"accepted_by": halt.actor})


def _stop(found: list[Violation]) -> None:
    """As strictly as the worst of them asks; what stands is not set again, nor weakened."""
    worst = next((one for one in found if one.code in HALTING), found[0])
    state = HaltState.HALTED if worst.code in HALTING else HaltState.PAUSED
    standing = _standing()
    if standing is None or (standing.state == HaltState.PAUSED and state == HaltState.HALTED):
        reason = f"{worst} ({len(found)} violations in all)"
        halt_set(scope=HaltScope.GLOBAL, scope_key="", state=state, code=CODE, reason=reason, actor=ACTOR)


def _lift() -> None:
    """A pause only: what was halted waits for people."""
    halt = _standing()
    if halt is not None and halt.state == HaltState.PAUSED:
        try:
            halt_resume(halt=halt, reason="All invariants hold again.", actor=ACTOR)
        except Conflict:
            return  # somebody was faster; the next look comes again


def _standing() -> TradingHalt | None:
    rows = TradingHalt.objects.filter(scope=HaltScope.GLOBAL, code=CODE).exclude(state=HaltState.ACTIVE)
    return rows.select_related("owner").first()
