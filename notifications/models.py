"""Alerts for people and the outbox that carries facts out of a transaction.

Invariant: a message to the outside is a row committed with the fact it tells; delivery is at least once, and
`dedupe_key` makes its effect once.
"""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models

from core.models import PublicId, Stamped, choices_of, only


class AlertLevel(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


KEY_LENGTH = 360
"""A key that names an account (128) and a market (160) at once must fit: it is never cut, or two facts were one."""


class Alert(PublicId, Stamped):
    """Something a person should know. Without a user it is for the operators."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="alerts"
    )
    level = models.CharField(max_length=16, choices=choices_of(AlertLevel))
    code = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    subject_type = models.CharField(max_length=48, blank=True)
    subject_uid = models.CharField(max_length=160, blank=True, help_text="A uid of ours, or a market's id.")
    extra = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=KEY_LENGTH, unique=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [only("level", AlertLevel)]
        indexes = [models.Index(fields=["user", "-id"], name="alert_by_user")]

    def __str__(self) -> str:
        return self.title


class OutboxMessage(Stamped):
    """A fact on its way to sockets and channels. `group` is the channel-layer group it is meant for."""

    topic = models.CharField(max_length=48)
    group = models.CharField(max_length=96)
    dedupe_key = models.CharField(max_length=KEY_LENGTH + len("alert:"), unique=True)
    payload = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(delivered_at__isnull=True), name="outbox_undelivered")
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.dedupe_key}"
