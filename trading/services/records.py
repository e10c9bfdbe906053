"""What every change of an order, a fill or cash leaves behind in the same transaction: evidence, audit, outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import VenueAccount
from audit.services import audit_append, chain_of_user
from notifications.models import AlertLevel
from notifications.services import alert_raise, group_of, outbox_put
from trading.models import Order, OrderEvent

TRADER = "trader"


def record_fact(
    account: VenueAccount, *, kind: str, subject: Any, subject_type: str, payload: Mapping[str, Any], key: str
) -> None:
    """One audit entry and one outbox message about the same fact."""
    audit_append(
        chain=chain_of_user(account.user.uid),
        actor=TRADER,
        kind=kind,
        subject_type=subject_type,
        subject_uid=subject.uid,
        payload=payload,
    )
    message = {"uid": str(subject.uid), **payload}
    outbox_put(topic=kind, group=group_of(account.user), dedupe_key=f"{kind}:{key}", payload=message)


def record_event(order: Order, *, kind: str, before: str, payload: Mapping[str, Any], raw_sha256: str = "") -> None:
    """The evidence row of an order, with its audit entry and outbox message."""
    event = OrderEvent(
        order=order, kind=kind, from_status=before, to_status=order.status, payload=dict(payload), raw_sha256=raw_sha256
    )
    event.save()
    facts = {"status": order.status, "from": before, "filled_u": order.filled_u, **payload}
    record_fact(
        order.venue_account,
        kind=f"order.{kind}",
        subject=order,
        subject_type="order",
        payload=facts,
        key=f"{order.uid}:{event.pk}",
    )


def alert_owner(account: VenueAccount, *, code: str, title: str, subject: Any, key: str, body: str) -> None:
    """Something in the books is not as it must be: the owner is told."""
    alert_raise(
        user=account.user,
        level=AlertLevel.ERROR,
        code=code,
        title=title,
        body=body,
        subject_type=type(subject).__name__.lower(),
        subject_uid=subject.uid,
        dedupe_key=f"{code}:{key}",
    )
