"""Pauses that the trader sets on an account for a cause it can see, and lifts by itself when the cause is gone."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import VenueAccount
from core import clock
from core.errors import Conflict
from notifications.models import AlertLevel
from notifications.services import alert_raise
from risk.models import HaltScope, HaltState, TradingHalt
from risk.services import halt_resume, halt_set
from trading.models import Order, OrderStatus, TraderLease
from trading.selectors.fences import is_shut_by_us
from trading.services.records import TRADER, alert_owner

AUTH = "venue_auth"
FILLS_MISSING = "fills_missing"
FENCE_SHUT = "venue_fence_shut"

UNKNOWN_ALERT_AFTER = timedelta(seconds=120)
"""Real time since the claim: an order is not left without an answer for 150 s without somebody being told."""


def account_pause(*, venue_account: VenueAccount, code: str, reason: str) -> bool:
    """Pause the account for this cause, with an alert to its owner; False where it is paused for it already."""
    known = _halt(venue_account, code)
    if known is not None and known.state != HaltState.ACTIVE:
        return False
    _set(venue_account, HaltState.PAUSED, code, reason)
    return True


def account_unpause(*, venue_account: VenueAccount, code: str, reason: str) -> bool:
    """Lift our own pause for this cause; False where there is none, or a person made more of it."""
    known = _halt(venue_account, code)
    if known is None or known.state != HaltState.PAUSED:
        return False
    with suppress(Conflict):
        halt_resume(halt=known, reason=reason, actor=TRADER)
        return True
    return False


def fence_lost(*, venue_account: VenueAccount, epoch: int, reason: str) -> bool:
    """The venue refuses our own fence. True, and the account is halted, while the lease is still ours.

    Then no other trader shut it, nor the guard: the venue's throttle did, or somebody at the venue, and a person has to
    look. With the lease gone the account is its new holder's business, and its owner is only told.
    """
    is_held = TraderLease.objects.filter(venue_account=venue_account, epoch=epoch).exists()
    is_ours = is_held and not is_shut_by_us(venue_account, epoch=epoch)
    if is_ours and ((known := _halt(venue_account, FENCE_SHUT)) is None or known.state != HaltState.HALTED):
        _set(venue_account, HaltState.HALTED, FENCE_SHUT, f"The venue shut out this account's orders: {reason}")
    alert_raise(
        user=venue_account.user,
        level=AlertLevel.CRITICAL,
        code="trader_fenced",
        title="A trader was shut out by the venue",
        body=f"{venue_account}: {reason} That trader has ended.",
        subject_type="venue_account",
        subject_uid=venue_account.uid,
        dedupe_key=f"trader_fenced:{venue_account.uid}:{epoch}",
    )
    return is_ours


def unknown_orders_alert(*, venue_account: VenueAccount, at: datetime | None = None) -> int:
    """Tell the owner of each order that has been without an answer for two minutes, once. How many there are. One of
    the future counts too: our clock has run back, and nobody knows how long it has waited."""
    now = at or clock.now()
    is_late = Q(created_at__lte=now - UNKNOWN_ALERT_AFTER) | Q(created_at__gt=now + UNKNOWN_ALERT_AFTER)
    rows = Order.objects.filter(is_late, venue_account=venue_account, status=OrderStatus.CLAIMED)
    orders = list(rows.exclude(sent_at=None))
    for order in orders:
        alert_owner(
            venue_account,
            code="order_unknown",
            title="An order has no answer",
            subject=order,
            key=str(order.uid),
            body=f"Order {order.client_order_id} was sent and the venue has not shown what became of it. Its money "
            "stays reserved; it is looked for again and again.",
        )
    return len(orders)


def _halt(account: VenueAccount, code: str) -> TradingHalt | None:
    return TradingHalt.objects.filter(scope=HaltScope.ACCOUNT, scope_key=str(account.uid), code=code).first()


def _set(account: VenueAccount, state: HaltState, code: str, reason: str) -> None:
    halt_set(
        scope=HaltScope.ACCOUNT, scope_key=str(account.uid), state=state, code=code, reason=reason[:300], actor=TRADER
    )
