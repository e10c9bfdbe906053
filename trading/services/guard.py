"""What the guard decides, apart from the trader: stop when the trader is silent, stop when a person drops a file.

Invariant: the guard only ever takes the right to trade away, and gives back only what it took itself for a silence
that has ended: its halts are causes of their own, which neither hide nor lift anybody else's. A `KILL` file in the data
folder halts everything until a person resumes. A stop that is not proven is told again and again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from accounts.models import User, VenueAccount
from core import clock
from core.errors import Conflict
from notifications.models import AlertLevel
from notifications.services import alert_raise
from risk.models import HaltScope, HaltState, KillSwitchEvent, TradingHalt
from risk.services import halt_resume, halt_set
from trading.models import TraderState
from trading.selectors.status import is_stale
from trading.selectors.stops import unproven_stops
from trading.services.standstill import withdrawn_halt_all

ACTOR = "guard"
SILENT = "trader_silent"
KILLED = "kill_file"
KILL_FILE = "KILL"
BEHIND = "audit_behind"
INCOMPLETE_AFTER = timedelta(seconds=10)
INCOMPLETE_EVERY_S = 5


def guard_look(*, data_dir: Path, is_killed: bool = False) -> list[str]:
    """One round. `is_killed`: as if a KILL file lay there; a full disk takes none. Returns what was done, in words, for
    the log."""
    done = _halt_killed() if is_killed or (data_dir / KILL_FILE).exists() else []
    done += _look_for_incomplete_stops()
    done += [f"halted {account.uid}: it is withdrawn, and orders work there" for account in withdrawn_halt_all()]
    for state in TraderState.objects.select_related("user"):
        halt = _silence_halt(state.user)
        if is_stale(state) and halt is None and _pause(state.user, since=state.heartbeat_at):
            done.append(f"paused {state.user.uid}: its trader is silent")
        elif halt is not None and not is_stale(state) and _resume(halt):
            done.append(f"resumed {state.user.uid}: its trader is heard again")
    return done


def guard_halt_behind(*, problem: str) -> bool:
    """The database is older than what is known of it: nothing is traded on it until a person looked (ORDERS D05).
    False where that was said before."""
    return _halt_everything(BEHIND, f"The database is behind the anchors of the audit trail. {problem}")


def guard_alert_unanchored(*, problem: str) -> None:
    """Tell the operators, once an hour, that the audit trail is not written down outside the database."""
    alert_raise(
        user=None,
        level=AlertLevel.CRITICAL,
        code="audit_not_anchored",
        title="The audit trail cannot be anchored",
        body=f"{problem} Run manage.py verify_audit.",
        dedupe_key=f"audit_not_anchored:{clock.now():%Y-%m-%dT%H}",
    )


def guard_alert_no_door(*, account: VenueAccount, problem: str) -> None:
    """Tell the operators, once an hour, that the guard could not stop this account: it has no usable key for it."""
    alert_raise(
        user=None,
        level=AlertLevel.CRITICAL,
        code="guard_has_no_door",
        title=f"The guard cannot cancel at {account}",
        body=f"{problem} Store a key that works; until then only its trader takes its orders off.",
        subject_type="venue_account",
        subject_uid=account.uid,
        dedupe_key=f"guard_has_no_door:{account.uid}:{clock.now():%Y-%m-%dT%H}",
    )


def is_kill_written() -> bool:
    """The halt that a KILL file asks for stands."""
    return _is_halted(KILLED)


def _halt_killed() -> list[str]:
    is_new = _halt_everything(KILLED, "A KILL file lies in the data folder.")
    return ["halted everything: a KILL file lies in the data folder"] if is_new else []


def _halt_everything(code: str, reason: str) -> bool:
    """False where a halt of this cause stands."""
    if _is_halted(code):
        return False
    halt_set(scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, code=code, reason=reason, actor=ACTOR)
    return True


def _is_halted(code: str) -> bool:
    return TradingHalt.objects.filter(scope=HaltScope.GLOBAL, code=code, state=HaltState.HALTED).exists()


def _look_for_incomplete_stops() -> list[str]:
    """Ten seconds after a stop somebody must hear that it is not proven, and every five seconds again."""
    now = clock.now()
    late = unproven_stops(older_than=INCOMPLETE_AFTER, now=now)
    return [f"KILL INCOMPLETE: {event}" for event in late if _alert_incomplete(event, now)]


def _alert_incomplete(event: KillSwitchEvent, now: datetime) -> bool:
    late_s = int((now - event.started_at).total_seconds())
    alert = alert_raise(
        user=event.owner,
        level=AlertLevel.CRITICAL,
        code="kill_incomplete",
        title=f"KILL INCOMPLETE after {late_s} s: {event}",
        body="Orders are not proven gone. Look at the receipt, and cancel them at the venue's own page.",
        subject_type="stop",
        subject_uid=event.uid,
        dedupe_key=f"kill_incomplete:{event.uid}:{late_s // INCOMPLETE_EVERY_S}",
    )
    return alert is not None


def _silence_halt(user: User) -> TradingHalt | None:
    """The pause that the guard itself set for this user's silent trader."""
    rows = TradingHalt.objects.filter(scope=HaltScope.USER, scope_key=str(user.uid))
    return rows.filter(state=HaltState.PAUSED, code=SILENT).first()


def _pause(user: User, *, since: datetime | None) -> bool:
    """False where somebody made more of our own pause."""
    reason = f"The trader has not been heard since {since:%H:%M:%S} UTC." if since else "The trader is silent."
    key = str(user.uid)
    try:
        halt_set(scope=HaltScope.USER, scope_key=key, state=HaltState.PAUSED, code=SILENT, reason=reason, actor=ACTOR)
    except Conflict:
        return False
    return True


def _resume(halt: TradingHalt) -> bool:
    """False when an operator was faster: the next look sees what is there then."""
    try:
        halt_resume(halt=halt, reason="The trader is heard again.", actor=ACTOR)
    except Conflict:
        return False
    return True
