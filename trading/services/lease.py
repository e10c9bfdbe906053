"""The right to trade an account, held by one trader at a time and renewed before it runs out.

Invariant: `epoch` grows with every take-over, and every claim is conditional on holder's epoch and on time left, both
read by the database with the database's own clock. A paused ex-holder can therefore claim nothing when it wakes up.
An epoch belongs to one holder for ever, so that it stands for both. A thread that writes for a trader is bound to its
epochs (`lease_bind`): every write of orders, fills and cash on it is refused once another trader holds the account.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User, VenueAccount
from audit.services import audit_append, chain_of_account
from core.errors import Conflict
from core.kill_points import kill_point
from trading.models import TraderLease

LEASE = timedelta(seconds=15)
CLAIM_MARGIN = timedelta(seconds=2)

_bound = threading.local()


@transaction.atomic(durable=True)
def lease_acquire(*, venue_account: VenueAccount, holder: str) -> TraderLease:
    """Take a free or run-out lease at the next epoch. Raises Conflict `lease_held` while another holds it."""
    TraderLease.objects.bulk_create([TraderLease(venue_account=venue_account)], ignore_conflicts=True)
    is_free = Q(expires_at__isnull=True) | Q(expires_at__lte=Now()) | Q(holder=holder)
    rows = TraderLease.objects.filter(is_free, venue_account=venue_account)
    if not rows.update(holder=holder, epoch=F("epoch") + 1, expires_at=Now() + LEASE):
        raise Conflict("lease_held")
    lease = TraderLease.objects.get(venue_account=venue_account)
    kill_point("P14.lease_before_commit")
    _audit(venue_account, holder, "lease.acquired", lease.epoch)
    return lease


@transaction.atomic(durable=True)
def lease_renew(*, venue_account: VenueAccount, holder: str, epoch: int) -> None:
    """Give it another 15 s. Raises Conflict `lease_lost` when it is somebody else's or has run out."""
    rows = TraderLease.objects.filter(venue_account=venue_account, holder=holder, epoch=epoch, expires_at__gt=Now())
    if not rows.update(expires_at=Now() + LEASE):
        raise Conflict("lease_lost")


@transaction.atomic(durable=True)
def lease_release(*, venue_account: VenueAccount, holder: str, epoch: int) -> bool:
    """Let it go at a clean stop; False when it was not held any more."""
    rows = TraderLease.objects.filter(venue_account=venue_account, holder=holder, epoch=epoch)
    if not rows.update(expires_at=None, holder=""):
        return False
    _audit(venue_account, holder, "lease.released", epoch)
    return True


def _audit(account: VenueAccount, holder: str, kind: str, epoch: int) -> None:
    audit_append(
        chain=chain_of_account(account.uid),
        actor=holder,
        kind=kind,
        subject_type="venue_account",
        subject_uid=account.uid,
        payload={"epoch": epoch},
    )


def require_lease(venue_account: VenueAccount, epoch: int) -> None:
    """For a claim: raises Conflict `lease_lost` unless `epoch` holds for at least two more seconds."""
    rows = TraderLease.objects.filter(venue_account=venue_account, epoch=epoch, expires_at__gt=Now() + CLAIM_MARGIN)
    if not rows.exists():
        raise Conflict("lease_lost")


def lease_bind(epochs: Mapping[int, int]) -> None:
    """From now on this thread writes for the holder of these epochs (by account key) and for nobody else."""
    _bound.epochs = dict(epochs)


def bound_epoch(venue_account_id: int) -> int | None:
    """The epoch this thread is bound to; None: it writes for a person, or for no account's trader."""
    epochs: dict[int, int] = getattr(_bound, "epochs", {})
    return epochs.get(venue_account_id)


def is_held_elsewhere(user: User, *, mode: str, holder: str) -> bool:
    """True while another holder has one of the user's accounts: a follower then waits and opens nothing."""
    leases = TraderLease.objects.filter(venue_account__user=user, venue_account__mode=mode, expires_at__gt=Now())
    return leases.filter(venue_account__is_enabled=True).exclude(holder=holder).exists()
