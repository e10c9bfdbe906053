"""What every change of an order, a fill or cash leaves behind in the same transaction: evidence, audit, outbox.

The three are one batch of writes (`event_writes`, `fact_writes`) after the audit chain of the account is locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import VenueAccount
from audit.services import ChainHead, chain_of_account, entry_after, entry_writes, head_locked
from core.sql import Made, Statement, insert_of, run
from notifications.models import AlertLevel
from notifications.services import alert_raise, group_of, outbox_write
from trading.models import Order, OrderEvent

TRADER = "trader"


def record_fact(
    account: VenueAccount, *, kind: str, subject: Any, subject_type: str, payload: Mapping[str, Any], key: str
) -> None:
    """One audit entry and one outbox message about the same fact; `key` is the message's own within its kind."""
    head = head_locked(chain_of_account(account.uid))
    run(*fact_writes(account, head, kind=kind, subject=subject, subject_type=subject_type, payload=payload, key=key))


def record_event(
    order: Order,
    *,
    kind: str,
    before: str,
    payload: Mapping[str, Any],
    raw_sha256: str = "",
    audit: Mapping[str, Any] | None = None,
) -> None:
    """The evidence row of an order, with its audit entry and outbox message; `audit`: what only the entry keeps."""
    head = head_locked(chain_of_account(order.venue_account.uid))
    run(*event_writes(order, head, kind=kind, before=before, payload=payload, raw_sha256=raw_sha256, audit=audit))


def event_writes(
    order: Order,
    head: ChainHead,
    *,
    kind: str,
    before: str,
    payload: Mapping[str, Any],
    raw_sha256: str = "",
    audit: Mapping[str, Any] | None = None,
) -> list[Statement]:
    """For a batch that may hold the order's own INSERT before them: the order is found by our name of it."""
    event = {
        "kind": kind,
        "from_status": before,
        "to_status": order.status,
        "payload": payload,
        "raw_sha256": raw_sha256,
    }
    its_order = Made("(SELECT id FROM trading_order WHERE client_order_id = %s)", order.client_order_id)
    facts = {"status": order.status, "from": before, "filled_u": order.filled_u, **payload}
    return [
        insert_of(OrderEvent, event, order=its_order),
        *fact_writes(
            order.venue_account,
            head,
            kind=f"order.{kind}",
            subject=order,
            subject_type="order",
            payload=facts,
            audit=audit,
        ),
    ]


def fact_writes(
    account: VenueAccount,
    head: ChainHead,
    *,
    kind: str,
    subject: Any,
    subject_type: str,
    payload: Mapping[str, Any],
    key: str = "",
    audit: Mapping[str, Any] | None = None,
) -> list[Statement]:
    """Audit entry, the chain's step and the outbox message, which without a `key` is named after the entry."""
    kept = {**payload, **(audit or {})}
    entry = entry_after(head, actor=TRADER, kind=kind, subject_type=subject_type, subject_uid=subject.uid, payload=kept)
    message = {"uid": str(subject.uid), **payload}
    name = f"{kind}:{key or entry.uid}"
    told = outbox_write(topic=kind, group=group_of(account.user), dedupe_key=name, payload=message)
    return [*entry_writes(entry), told]


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
