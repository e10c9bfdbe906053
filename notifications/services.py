"""Alerts and the transactional outbox.

A fact for the outside is inserted in the transaction that makes it true, then relayed: at least once, oldest first.
A periodic task relays every two seconds: the order path itself never waits for a broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from accounts.models import User
from audit.services import SYSTEM_CHAIN, audit_append, chain_of_user
from core import broadcast, clock
from core.sql import Statement, insert_of, run
from notifications.models import Alert, AlertLevel, OutboxMessage

RELAY_BATCH = 100
KEEP_DELIVERED = timedelta(hours=6)
OPERATORS_GROUP = "operators"


def group_of(user: User | None) -> str:
    """The channel-layer group of a user's pages; without a user, the operators'."""
    return broadcast.user_group(user.uid) if user else OPERATORS_GROUP


def outbox_put(*, topic: str, group: str, dedupe_key: str, payload: Mapping[str, Any]) -> None:
    """Add a message to the current transaction. A second one with the same key is the same message: ignored."""
    if not connection.in_atomic_block:
        raise RuntimeError("an outbox message belongs into the transaction of what it tells")
    run(outbox_write(topic=topic, group=group, dedupe_key=dedupe_key, payload=payload))


def outbox_write(*, topic: str, group: str, dedupe_key: str, payload: Mapping[str, Any]) -> Statement:
    """`outbox_put` for a batch of writes."""
    message = {"topic": topic, "group": group, "dedupe_key": dedupe_key, "payload": payload}
    return insert_of(OutboxMessage, message, or_ignore=True)


@transaction.atomic
def alert_raise(
    *,
    user: User | None,
    level: AlertLevel,
    code: str,
    title: str,
    body: str = "",
    subject_type: str = "",
    subject_uid: object = "",
    dedupe_key: str,
    extra: Mapping[str, Any] | None = None,
) -> Alert | None:
    """Tell a user (or the operators) something once: None when an alert with this key exists.

    Joins the caller's transaction where there is one, so that the alert is as true as the fact it tells.
    """
    alert = Alert(
        user=user,
        level=level,
        code=code,
        title=title[:200],
        body=body,
        subject_type=subject_type,
        subject_uid=str(subject_uid),
        dedupe_key=dedupe_key,
        extra=dict(extra or {}),
    )
    try:
        with transaction.atomic():
            alert.save()
    except IntegrityError:
        return None
    payload = {"uid": str(alert.uid), "level": level, "code": code, "title": alert.title}
    outbox_put(topic="alert", group=group_of(user), dedupe_key=f"alert:{dedupe_key}", payload=payload)
    return alert


@transaction.atomic(durable=True)
def alert_mark_seen(*, alert: Alert, actor: str) -> bool:
    """Somebody has read it; False when it was read before."""
    if not Alert.objects.filter(pk=alert.pk, seen_at__isnull=True).update(seen_at=clock.now()):
        return False
    audit_append(
        chain=chain_of_user(alert.user.uid) if alert.user else SYSTEM_CHAIN,
        actor=actor,
        kind="alert.seen",
        subject_type="alert",
        subject_uid=alert.uid,
        payload={"code": alert.code},
    )
    return True


def outbox_relay() -> int:
    """Deliver what waits, oldest first; the number delivered.

    Delivery happens outside of any transaction, so a crash or a second relay may deliver twice, never not at all.
    """
    waiting = list(OutboxMessage.objects.filter(delivered_at__isnull=True).order_by("id")[:RELAY_BATCH])
    for message in waiting:
        broadcast.send(message.group, "outbox.message", {"topic": message.topic, "payload": message.payload})
    delivered = [message.pk for message in waiting]
    OutboxMessage.objects.filter(pk__in=delivered).update(delivered_at=clock.now(), attempts=F("attempts") + 1)
    return len(delivered)


def outbox_clear_old() -> int:
    """Forget delivered messages after a while; the number forgotten."""
    removed, _ = OutboxMessage.objects.filter(delivered_at__lt=clock.now() - KEEP_DELIVERED).delete()
    return removed
