"""What it takes to trade again after a halt that only people end: clean books, and for everything a second person.

Invariant: nobody confirms what they set or asked for themselves, and only people consent: an actor that is not known
for a person's name is a machine. What the books say is asked in the transaction that lifts the halt. Other apps say
what they know against it (`register_rearm_check`), so that risk need not know them.
"""

from __future__ import annotations

from collections.abc import Callable

from core import clock
from core.errors import Conflict, NotAllowed
from risk.models import HaltScope, HaltState, KillSwitchEvent, TradingHalt

COMMAND = "command:"
"""What stands before the login name of whoever typed a command."""

RearmCheck = Callable[[TradingHalt], list[str]]
Rearmed = Callable[[TradingHalt], None]
_checks: list[RearmCheck] = []
_rearmed: list[Rearmed] = []


def register_rearm_check(check: RearmCheck) -> None:
    """`check` gives a sentence for every reason not to trade again in the scope of a halt."""
    if check not in _checks:
        _checks.append(check)


def register_rearmed(service: Rearmed) -> None:
    """`service` takes note, in the transaction of the lifting, that a person looked at the cause of a halt."""
    if service not in _rearmed:
        _rearmed.append(service)


def tell_rearmed(halt: TradingHalt, *, actor: str) -> None:
    """Part of `halt_resume`. What a machine lifts nobody has looked at."""
    for service in _rearmed if is_person(actor) else ():
        service(halt)


def why_not_rearm(halt: TradingHalt) -> list[str]:
    """Everything known against it; empty: the books are clean."""
    return [sentence for check in _checks for sentence in check(halt)]


def needs_second_person(halt: TradingHalt) -> bool:
    return halt.scope == HaltScope.GLOBAL and halt.state == HaltState.HALTED


def consenting(halt: TradingHalt) -> set[str]:
    """The people who set the halt or asked for its end."""
    asked = KillSwitchEvent.objects.filter(halt=halt, halt_epoch=halt.epoch).values_list("rearm_asked_by", flat=True)
    return {actor for actor in (halt.actor, *asked) if is_person(actor)}


def is_person(actor: str) -> bool:
    """People act under their e-mail address, or a login at the keyboard. Whatever else acts is a machine: its word is
    nobody's consent."""
    return "@" in actor or actor.startswith(COMMAND)


def require_rearm(halt: TradingHalt, *, actor: str) -> None:
    """Part of `halt_resume`. A pause ends with its cause, without any of this. Raises Conflict `not_clean` with every
    reason; NotAllowed `second_person` to who set it or asked; Conflict `second_person` while nobody else has."""
    if halt.state != HaltState.HALTED:
        return
    if found := why_not_rearm(halt):
        raise Conflict("not_clean", " ".join(found), found=found)
    if not needs_second_person(halt):
        return
    people = consenting(halt)
    if actor in people:
        raise NotAllowed("second_person")
    if not people:
        raise Conflict("second_person", "No person set this halt: one has to ask, and another one confirms.")


def note_asked(halt: TradingHalt, *, actor: str, reason: str) -> None:
    """Part of `halt_rearm_ask`. The first who asks is the one who asked."""
    rows = KillSwitchEvent.objects.filter(halt=halt, halt_epoch=halt.epoch, rearm_asked_by="")
    asked = {"rearm_asked_by": actor, "rearm_asked_at": clock.now(), "resolution": reason}
    if not rows.update(**asked):
        raise Conflict("conflict", "Somebody has asked before, or it was lifted; look at it again.")
