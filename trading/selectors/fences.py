"""Which fence an account's orders carry, and which are proven shut at the venue."""

from __future__ import annotations

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import VenueAccount
from risk.selectors import limits_row
from trading.models import FenceState, VenueFence
from venues.types import MICRO

CHEAPEST_USUAL_U = 100_000
"""µUSD: what a contract is worth at least, for the throttle only. Below it the venue's limit bites earlier."""


def live_fence(venue_account: VenueAccount) -> VenueFence | None:
    """The one whose orders the venue takes; None before the first takeover and while it is being changed."""
    return VenueFence.objects.filter(venue_account=venue_account, state=FenceState.LIVE).first()


def own_fence(venue_account: VenueAccount, *, epoch: int) -> VenueFence | None:
    """The live one of exactly this epoch: never that of a trader after it."""
    return VenueFence.objects.filter(venue_account=venue_account, epoch=epoch, state=FenceState.LIVE).first()


def is_dead(venue_account: VenueAccount, token: str) -> bool:
    """True: the venue was seen to take no more orders of this token. An unknown or empty token is never dead."""
    rows = VenueFence.objects.filter(venue_account=venue_account, token=token, state=FenceState.DEAD)
    return bool(token) and rows.exists()


def is_shut_by_us(venue_account: VenueAccount, *, epoch: int) -> bool:
    """True: whoever trades by this epoch, or the guard, has shut its fence and opened no other."""
    states = set(VenueFence.objects.filter(venue_account=venue_account, epoch=epoch).values_list("state", flat=True))
    return states == {FenceState.DEAD}


def unheld_fences(venue_account: VenueAccount) -> list[VenueFence]:
    """Live ones that nobody may use any more: the lease they were opened under ran out, or another came after it."""
    live = VenueFence.objects.filter(venue_account=venue_account, state=FenceState.LIVE)
    held = Q(venue_account__lease__expires_at__gt=Now(), epoch=F("venue_account__lease__epoch"))
    return list(live.exclude(held).order_by("epoch", "id"))


def fence_limit_u(venue_account: VenueAccount) -> int:
    """µcontracts that may match in the venue's own window of 15 s: the deployment's number, else what the whole
    exposure limit of the account buys at ten cents; at least one contract."""
    if settings.FENCE_CONTRACTS_PER_WINDOW:
        return int(settings.FENCE_CONTRACTS_PER_WINDOW) * MICRO
    return max(MICRO, limits_row(venue_account).max_exposure_usd_u * MICRO // CHEAPEST_USUAL_U)
