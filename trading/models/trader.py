"""Who trades an account (the lease) and what a user's trader should do and does."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models

from accounts.models import VenueAccount
from core import clock
from core.models import choices_of, only


class DesiredState(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"


class TraderStatus(StrEnum):
    """PAUSED and STOPPED may both be told by a trader that is alive: halted, or idle because its user wants it so."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    FAILED = "failed"


class TraderState(models.Model):
    """One row per user: the wish (set by the person) and the fact (told by the trader's heartbeat)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trader_state")
    desired = models.CharField(max_length=8, choices=choices_of(DesiredState), default=DesiredState.STOPPED)
    status = models.CharField(max_length=8, choices=choices_of(TraderStatus), default=TraderStatus.STOPPED)
    detail = models.CharField(max_length=300, blank=True)
    stats = models.JSONField(default=dict)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [only("desired", DesiredState), only("status", TraderStatus)]

    def __str__(self) -> str:
        return f"trader of {self.user}: {self.status}"


class FenceState(StrEnum):
    """DEAD: proven that the venue takes no order of this token any more."""

    LIVE = "live"
    DEAD = "dead"


class VenueFence(models.Model):
    """What lets the venue itself tell this trader's orders from those of one that lost its lease.

    `token` is what orders carry: the venue's own where it has fences, else a name of ours. Invariant: an account has at
    most one fence that is LIVE, so a trader opens its own only after those before it are proven dead.
    """

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="fences")
    token = models.CharField(max_length=400)
    epoch = models.PositiveBigIntegerField()
    state = models.CharField(max_length=4, choices=choices_of(FenceState), default=FenceState.LIVE)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            only("state", FenceState),
            models.UniqueConstraint(fields=["venue_account", "token"], name="venuefence_token_once"),
            models.UniqueConstraint(
                fields=["venue_account"], condition=models.Q(state="live"), name="venuefence_one_live"
            ),
        ]

    def __str__(self) -> str:
        return f"fence of {self.venue_account}: epoch {self.epoch}, {self.state}"


class TraderLease(models.Model):
    """The right to trade an account. `epoch` grows with every take-over; times are the database's own clock."""

    venue_account = models.OneToOneField(VenueAccount, on_delete=models.PROTECT, related_name="lease")
    holder = models.CharField(max_length=120, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"lease of {self.venue_account}: epoch {self.epoch}"
