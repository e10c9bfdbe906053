"""INV-01 to INV-12: what must be true of every order and of the evidence it collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import groupby

from django.db.models import Count, Exists, F, OuterRef, Q, Sum

from core import clock
from notifications.models import Alert
from trading.domain.lifecycle import NEVER_AT_VENUE, TRANSITIONS, OrderStatus, may_correct
from trading.models import FenceState, Order, OrderEvent, VenueFence
from venues.types import SettleState

DUST_U = 10_000
"""A venue may report up to a hundredth of a contract more than was ordered."""
UNKNOWN_AT_MOST = timedelta(seconds=150)
_LIVE_ENDS = ("denied", "void")


def one_live_order_per_decision() -> Iterator[str]:
    live = Order.objects.exclude(status__in=_LIVE_ENDS).exclude(decision_id="").order_by()
    for row in live.values("venue_account_id", "decision_id").annotate(n=Count("id")).filter(n__gt=1):
        yield f"decision {row['decision_id']} of account {row['venue_account_id']} has {row['n']} live orders"


def one_order_per_venue_order() -> Iterator[str]:
    told = Order.objects.exclude(venue_order_id="").order_by()
    for row in told.values("venue_account_id", "venue_order_id").annotate(n=Count("id")).filter(n__gt=1):
        yield f"venue order {row['venue_order_id']} belongs to {row['n']} orders"


def evidence_follows_the_table() -> Iterator[str]:
    """Every status was reached by a legal move (an end is corrected by fills only), and the last one is the order's."""
    names = ("order_id", "id", "kind", "from_status", "to_status")
    events = OrderEvent.objects.order_by("order_id", "id").values_list(*names)
    statuses = dict(Order.objects.values_list("id", "status"))
    for order_id, rows in groupby(events, key=lambda row: row[0]):
        if (status := statuses.pop(order_id, None)) is None:
            continue  # younger than the look
        reached = ""
        for _, event_id, kind, before, after in rows:
            if reached and before != reached:
                yield f"order {order_id}: event {event_id} starts from {before}, but the order was {reached}"
            if before != after and not _is_legal(kind, OrderStatus(before), OrderStatus(after)):
                yield f"order {order_id}: event {event_id} goes from {before} to {after}"
            reached = after
        if reached != status:
            yield f"order {order_id} is {status}, its evidence says {reached}"
    for order_id in statuses:
        yield f"order {order_id} has no evidence at all"


def _is_legal(kind: str, before: OrderStatus, after: OrderStatus) -> bool:
    return after in TRANSITIONS[before] or (kind == "filled" and may_correct(before, after))


def filled_within_the_order() -> Iterator[str]:
    for row in Order.objects.filter(Q(filled_u__lt=0) | Q(filled_u__gt=F("qty_u") + DUST_U)):
        yield f"order {row.pk}: {row.filled_u} of {row.qty_u} µcontracts are filled"


def filled_is_the_sum_of_fills() -> Iterator[str]:
    """Fills that the venue took back count no more; fees and amounts are sums too."""
    counts = ~Q(fills__settle_state=SettleState.FAILED)
    sums = Order.objects.annotate(
        told_u=Sum("fills__qty_u", filter=counts, default=0),
        told_usd_u=Sum("fills__usd_u", filter=counts, default=0),
        told_fee_u=Sum("fills__fee_u", filter=counts, default=0),
    )
    for row in sums.exclude(filled_u=F("told_u"), filled_usd_u=F("told_usd_u"), fee_u=F("told_fee_u")):
        off = (row.filled_u - row.told_u, row.filled_usd_u - row.told_usd_u, row.fee_u - row.told_fee_u)
        yield f"order {row.pk}: what it counts is {off} off its fills (µcontracts, µUSD, µUSD of fees)"


def nothing_of_a_refused_order() -> Iterator[str]:
    refused = Order.objects.filter(status__in=[str(status) for status in NEVER_AT_VENUE])
    for row in refused.filter(Q(fills__isnull=False) | Q(venue_filled_u__gt=0)).distinct():
        yield f"order {row.pk} is {row.status}, and yet some of it was filled"


def unknown_orders_are_told() -> Iterator[str]:
    """An order whose fate has been unknown for 150 s has an open alert."""
    late = clock.now() - UNKNOWN_AT_MOST
    for row in Order.objects.filter(status=OrderStatus.CLAIMED, unknown_at__lt=late):
        if not Alert.objects.filter(subject_uid=str(row.uid)).exists():
            yield f"order {row.pk} has been unknown since {row.unknown_at:%H:%M:%S} UTC and nobody was told"


def sent_only_after_its_claim() -> Iterator[str]:
    """What was sent was claimed under a lease first, and the hash of its bytes was kept before they left. Orders that
    were found at the venue and adopted were sent by what our books have forgotten."""
    adopted = Exists(OrderEvent.objects.filter(order=OuterRef("pk"), kind="adopted"))
    sent = Order.objects.exclude(sent_at=None).filter(~adopted, is_external=False)
    for row in sent.filter(Q(body_sha256="") | Q(lease_epoch=0)):
        yield f"order {row.pk} was sent without a lease ({row.lease_epoch}) or a hash ({row.body_sha256 or 'none'})"
    for row in sent.annotate(claims=Count("events", filter=Q(events__kind="claimed"))).exclude(claims=1):
        yield f"order {row.pk} was sent and was claimed {row.claims} times"
    for row in sent.annotate(times=Count("events", filter=Q(events__kind="prepared"))).exclude(times=1):
        yield f"order {row.pk} was prepared for sending {row.times} times"


def one_fence_at_a_time() -> Iterator[str]:
    """At most one fence of an account is live, and no order that left us was claimed under one that was shut before."""
    live = VenueFence.objects.filter(state=FenceState.LIVE).order_by()
    for row in live.values("venue_account_id").annotate(n=Count("id")).filter(n__gt=1):
        yield f"account {row['venue_account_id']} has {row['n']} live fences"
    fences = {(row.venue_account_id, row.token): row for row in VenueFence.objects.all()}
    for order in Order.objects.exclude(fence_token="").exclude(sent_at=None).exclude(status=OrderStatus.DENIED):
        fence = fences.get((order.venue_account_id, order.fence_token))
        if fence is not None and fence.epoch != order.lease_epoch:
            yield f"order {order.pk} of epoch {order.lease_epoch} carries the fence of epoch {fence.epoch}"
        if fence is not None and fence.closed_at is not None and order.created_at > fence.closed_at:
            yield f"order {order.pk} was claimed under a fence that was shut at {fence.closed_at:%H:%M:%S} UTC"


def both_numbers_of_filled() -> Iterator[str]:
    yield from filled_within_the_order()
    yield from filled_is_the_sum_of_fills()


ORDERS: Mapping[str, Callable[[], Iterator[str]]] = {
    "INV-01": one_live_order_per_decision,
    "INV-02": one_order_per_venue_order,
    "INV-06": evidence_follows_the_table,
    "INV-07": both_numbers_of_filled,
    "INV-08": nothing_of_a_refused_order,
    "INV-09": unknown_orders_are_told,
    "INV-10": sent_only_after_its_claim,
    "INV-12": one_fence_at_a_time,
}
