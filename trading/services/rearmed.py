"""A person looked at what a trigger stopped and trades again: from then on that trigger counts.

Invariant: what tripped once does not trip again by the same losses. The worth that a fall is measured from is the worth
at which the account was armed again, losses in a row begin anew; how far fills were off and broken entries are counted
from those after the lifting (`trading.services.triggers`). The loss of a day is a limit of every claim too (PT-13):
arming again accepts nothing of it, only another limit does, which for real money takes two persons.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from accounts.models import Mode, VenueAccount
from core import clock
from risk.models import HaltScope, TradingHalt
from risk.services_limits import losses_count_anew
from trading.models import EquityMark

FALLS = {
    "max_drawdown": "peak_u",
    "drawdown": "peak_u",
    "balance_drop": "day_start_u",
    "balance_floor": "day_start_u",
}
"""Which worth the causes measure a fall from: those of the triggers, and PT-14 of the claim."""
LOSSES = "consecutive_losses"


def marks_begin_anew(halt: TradingHalt) -> None:
    """Part of `halt_resume` by a person: the marks behind a halt of one account move to where it stands now."""
    if halt.scope != HaltScope.ACCOUNT:
        return
    marks = EquityMark.objects.filter(venue_account__uid=halt.scope_key)
    if halt.code in FALLS:
        marks.update(**{FALLS[halt.code]: F("equity_u")})
    if halt.code == LOSSES:
        account = VenueAccount.objects.get(uid=halt.scope_key)
        losses_count_anew(venue_account=account, since=_traders_now(account, marks.first()))


def _traders_now(account: VenueAccount, mark: EquityMark | None) -> datetime:
    """Simulated accounts live in a time that only their trader knows; the last mark tells it."""
    return mark.noted_at if mark is not None and account.mode == Mode.SIMULATED else clock.now()
