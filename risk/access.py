"""What a person may stop and arm again: their own trading; an operator everything."""

from __future__ import annotations

from uuid import UUID

from accounts.models import User, VenueAccount
from core.errors import NotAllowed, NotFound
from risk.models import HaltScope, TradingHalt
from risk.selectors_pages import halts_for


def may_set(user: User, scope: HaltScope, key: str) -> tuple[HaltScope, str]:
    """The scope and key that this person's wish means. Raises NotAllowed, NotFound for another's account."""
    if user.is_superuser:
        return scope, key or (str(user.uid) if scope == HaltScope.USER else "")
    if scope == HaltScope.USER and key in ("", str(user.uid), user.email):
        return scope, str(user.uid)
    if scope == HaltScope.ACCOUNT:
        if not any(str(row.uid) == key for row in VenueAccount.objects.filter(user=user)):
            raise NotFound
        return scope, key
    raise NotAllowed("not_allowed", "Only an operator can halt this scope.")


def get_halt_for(user: User, uid: UUID) -> TradingHalt:
    """A halt that holds for this person now. Raises NotFound."""
    halt = next((one for one in halts_for(user) if one.uid == uid), None)
    if halt is None:
        raise NotFound
    return halt
