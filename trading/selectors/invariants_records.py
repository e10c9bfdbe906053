"""INV-40 to INV-42: every change left its audit entry, the chains hold, and nothing waits in the outbox for long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from audit.models import AuditEntry
from audit.selectors import chain_names, chain_verify
from core import clock
from notifications.models import OutboxMessage
from trading.models import Fill, FillVoid, OrderEvent, Settlement

UNDELIVERED_AT_MOST = timedelta(seconds=60)


def every_change_is_audited() -> Iterator[str]:
    """One entry per piece of evidence, fill, void and settlement, by kind and subject."""
    audited = Counter(AuditEntry.objects.values_list("kind", "subject_uid"))
    wanted: Counter[tuple[str, str]] = Counter()
    wanted.update((f"order.{kind}", str(uid)) for kind, uid in OrderEvent.objects.values_list("kind", "order__uid"))
    wanted.update(("fill.booked", str(uid)) for uid in Fill.objects.values_list("uid", flat=True))
    wanted.update(("fill.voided", str(uid)) for uid in FillVoid.objects.values_list("fill__uid", flat=True))
    wanted.update(("market.settled", str(uid)) for uid in Settlement.objects.values_list("uid", flat=True))
    for (kind, uid), count in wanted.items():
        if audited[kind, uid] < count:
            yield f"{kind} of {uid} was audited {count - audited[kind, uid]} times less than it happened"


def chains_verify() -> Iterator[str]:
    for name in chain_names():
        problem = chain_verify(name)
        if problem:
            yield str(problem)


def outbox_is_delivered() -> Iterator[str]:
    waiting = OutboxMessage.objects.filter(delivered_at=None, created_at__lt=clock.now() - UNDELIVERED_AT_MOST)
    oldest = waiting.order_by("id").first()
    if oldest is not None:
        yield f"message {oldest.pk} ({oldest.topic}) waits since {oldest.created_at:%H:%M:%S} UTC, and maybe others"


RECORDS: Mapping[str, Callable[[], Iterator[str]]] = {
    "INV-40": every_change_is_audited,
    "INV-41": chains_verify,
    "INV-42": outbox_is_delivered,
}
