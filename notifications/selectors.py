"""A user's alerts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core.errors import NotFound
from notifications.models import Alert


def alerts_of(user: Any) -> QuerySet[Alert]:
    """Newest first; alerts without an owner are for operators and not in here."""
    return Alert.objects.filter(user_id=user.pk)


def get_alert_for(user: Any, uid: UUID | str) -> Alert:
    """Raises NotFound, also for another user's."""
    alert = alerts_of(user).filter(uid=uid).first()
    if alert is None:
        raise NotFound
    return alert
