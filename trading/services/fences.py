"""Fences at the venue: which token orders carry now, and which older ones are proven shut.

Story: a trader that takes an account over shuts the fences of all epochs before its own at the venue, writes down that
they are dead, and only then opens one of its own. Invariant (L4): only tokens of epochs below one's own are handed out
to be shut, by a statement that also checks one's own lease: a trader that slept cannot shut out the one after it.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.models import VenueAccount
from audit.services import audit_append, chain_of_account
from core import clock
from core.errors import Conflict
from trading.models import FenceState, VenueFence
from trading.selectors.fences import unheld_fences
from trading.services.lease import require_lease
from trading.services.moves import lock_ledger


@transaction.atomic(durable=True)
def fences_older(*, venue_account: VenueAccount, epoch: int) -> list[VenueFence]:
    """Live fences of epochs before `epoch`. Raises Conflict `lease_lost` unless that epoch holds."""
    mine = VenueFence.objects.filter(
        venue_account=venue_account,
        venue_account__lease__epoch=epoch,
        venue_account__lease__expires_at__gt=Now(),
        epoch__lt=epoch,
        state=FenceState.LIVE,
    )
    found = list(mine.order_by("epoch", "id"))
    if not found:
        require_lease(venue_account, epoch)
    return found


@transaction.atomic(durable=True)
def fence_open(*, venue_account: VenueAccount, epoch: int, token: str) -> VenueFence:
    """Keep the token that orders of this epoch carry from now on.

    Raises Conflict `lease_lost`, or `fence_live` while another fence of the account is not proven dead.
    """
    require_lease(venue_account, epoch)
    fence = VenueFence(venue_account=venue_account, epoch=epoch, token=token)
    try:
        with transaction.atomic():
            fence.save()
    except IntegrityError as clash:
        raise Conflict("fence_live") from clash
    _audit(fence, "fence.opened")
    return fence


@transaction.atomic(durable=True)
def fence_close(*, venue_account: VenueAccount, epoch: int, token: str) -> bool:
    """Write down that the venue was seen to take no more orders of `token`; False when that was known.

    Only the holder of `epoch` may, and only for tokens up to its own. Raises Conflict `lease_lost`. It waits for the
    claim that is under way, so that no order is younger than the end of its fence (INV-12).
    """
    lock_ledger(venue_account.pk)
    require_lease(venue_account, epoch)
    rows = VenueFence.objects.filter(venue_account=venue_account, token=token, epoch__lte=epoch, state=FenceState.LIVE)
    if not rows.update(state=FenceState.DEAD, closed_at=clock.now()):
        return False
    _audit(VenueFence.objects.get(venue_account=venue_account, token=token), "fence.closed")
    return True


@transaction.atomic(durable=True)
def fence_close_unheld(*, fence: VenueFence, actor: str) -> bool:
    """As `fence_close`, by the guard, where no trader holds the account: False when the fence is known to be shut, or
    somebody holds its epoch (again)."""
    if fence.pk not in {one.pk for one in unheld_fences(fence.venue_account)}:
        return False
    rows = VenueFence.objects.filter(pk=fence.pk, state=FenceState.LIVE)
    if not rows.update(state=FenceState.DEAD, closed_at=clock.now()):
        return False
    _audit(fence, "fence.closed", actor=actor)
    return True


@transaction.atomic(durable=True)
def fence_note_shut(*, fence: VenueFence, actor: str) -> bool:
    """As `fence_close`, by the guard, which shut it at the venue while the database was away, whoever holds the
    account: its trader needs another one. False when the fence is known to be shut."""
    lock_ledger(fence.venue_account_id)
    rows = VenueFence.objects.filter(pk=fence.pk, state=FenceState.LIVE)
    if not rows.update(state=FenceState.DEAD, closed_at=clock.now()):
        return False
    _audit(fence, "fence.closed", actor=actor)
    return True


def _audit(fence: VenueFence, kind: str, *, actor: str = "") -> None:
    account = fence.venue_account
    audit_append(
        chain=chain_of_account(account.uid),
        actor=actor or account.lease.holder,
        kind=kind,
        subject_type="venue_account",
        subject_uid=account.uid,
        payload={"epoch": fence.epoch, "token": fence.token},
    )
