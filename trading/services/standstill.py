"""Halts for causes that are no number: our own code broke its word, or an account was taken from us.

Story: what our code asserts and does not find is a mistake of ours, so everything of that user stands still until a
person has looked (ORDERS K08). An account that its owner switched off, whose owner may not sign in any more, or that
has no key left, takes no new order from the next claim on; what rests of it at the venue is a stop like any other,
with its receipt (ORDERS U01). Invariant: nothing here lifts anything; a person does.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from accounts.models import Credential, Mode, User, VenueAccount
from risk.models import HaltScope, HaltState, TradingHalt
from risk.services import halt_set
from trading.models import Order
from trading.selectors.risk import WORKING

BROKEN = "trader_broken"
WITHDRAWN = "account_withdrawn"
TRADER, GUARD = "trader", "guard"


def broken_halt(*, user: User, task: str, problem: str) -> bool:
    """Halt all of this user's trading; False where that was done before."""
    reason = f"The trader found itself in a state that cannot be ({task}): {problem}"
    return _halt(HaltScope.USER, str(user.uid), BROKEN, reason, actor=TRADER)


def withdrawn_halt_all() -> list[VenueAccount]:
    """Halt every account that is withdrawn while orders of ours work there; those that were halted by this call."""
    return [account for account in _withdrawn() if _halt_withdrawn(account)]


def _withdrawn() -> list[VenueAccount]:
    keys = Credential.objects.filter(venue_account=OuterRef("pk"), revoked_at__isnull=True)
    orders = Order.objects.filter(venue_account=OuterRef("pk"), status__in=WORKING, is_external=False)
    keyless = ~Q(mode=Mode.PAPER) & ~Exists(keys)
    here = VenueAccount.objects.filter(mode=settings.TRADING_MODE)  # of another mode nobody here could stop anything
    rows = here.filter(Q(is_enabled=False) | Q(user__is_active=False) | keyless)
    return list(rows.filter(Exists(orders)).select_related("user").order_by("id"))


def _halt_withdrawn(account: VenueAccount) -> bool:
    why = "It was switched off." if not account.is_enabled else "Its owner or its key was taken away."
    return _halt(HaltScope.ACCOUNT, str(account.uid), WITHDRAWN, f"{why} Its orders are taken off.", actor=GUARD)


def _halt(scope: HaltScope, key: str, code: str, reason: str, *, actor: str) -> bool:
    if TradingHalt.objects.filter(scope=scope, scope_key=key, code=code, state=HaltState.HALTED).exists():
        return False
    halt_set(scope=scope, scope_key=key, state=HaltState.HALTED, code=code, reason=reason[:300], actor=actor)
    return True
