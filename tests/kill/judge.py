"""The verdict on a run at rest: our rows beside the simulated venues' exact ledger, every invariant of
the rows, the audit trail against its anchors, and what the worker had to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from audit.anchors import FILE_NAME as ANCHORS
from audit.selectors import audit_verify
from notifications.models import OutboxMessage
from risk.models import TradingHalt
from tests.books import Key, our_books, venue_books
from tests.kill.result import Result
from trading.models import Order, OrderEvent, OrderStatus, ReconciliationRun, RunTrigger
from trading.selectors.invariants import violations
from trading.services.claims import CLIENT_ID_PREFIX
from trading.services.guard import BEHIND
from trading.services.invariants import CODE as BROKEN

WITHOUT_WORKER = ("INV-42",)
"""Where no relay runs, the outbox is never delivered."""
WORKING = (OrderStatus.CLAIMED, OrderStatus.OPEN)
UNAUDITED = frozenset({"INV-40", "INV-41"})

Ledger = Mapping[str, Any]


def differences(ledger: Ledger, *, cut_off: Collection[Key]) -> list[str]:
    """What is not the same in both books now, and what of ours is not over. What was `cut_off` by a death on its way to
    a venue that forgets may be unheard of there."""
    with connection.cursor() as cursor:
        ours = our_books(cursor)
    undecided = [
        f"order {row.client_order_id} is {row.status}" + (", nobody knows its fate" if row.is_unknown else "")
        for row in Order.objects.filter(status__in=WORKING, is_external=False)
    ]
    return ours.differences(venue_books(ledger), cut_off=cut_off) + undecided


def judge(result: Result, ledger: Ledger, *, cut_off: Collection[Key], has_worker: bool) -> None:
    """Write into the result what must not be, and how much there was. Everything is at rest."""
    result.findings += differences(ledger, cut_off=cut_off)
    codes: Counter[str] = Counter()
    for found in violations(ledgers=ledger["accounts"], without=() if has_worker else WITHOUT_WORKER):
        codes[found.code] += 1
        result.findings.append(str(found))
    result.findings += audit_verify([Path(settings.DATA_DIR) / ANCHORS])
    result.findings += [f"told wrongly: {words}" for words in _told()]
    if has_worker:
        result.findings += undone()
    result.findings += [
        f"it stopped itself: {halt.reason}" for halt in TradingHalt.objects.filter(code__in=(BROKEN, BEHIND))
    ]
    orders = [order for account in ledger["accounts"] for order in account["orders"]]
    fills = {(fill["trade_id"], fill["order_id"]) for account in ledger["accounts"] for fill in account["fills"]}
    result.orders, result.fills = len(orders), len(fills)
    result.settlements = sum(len(account["settlements"]) for account in ledger["accounts"])
    with connection.cursor() as cursor:
        ours = our_books(cursor)
    result.cut_off, result.arrived_never = len(cut_off), len(ours.unheard(venue_books(ledger)))
    result.messages = OutboxMessage.objects.exclude(delivered_at=None).count()
    result.comparisons = _asked().exclude(ended_at=None).count()
    result.lost = len({order["order_id"] for order in orders} - _order_ids()) + len(fills - _fill_ids(ours.fills))
    result.doubled = _doubled(orders) + len(_fill_ids(ours.fills) - fills)
    result.unaudited = sum(codes[code] for code in UNAUDITED)
    result.findings += [
        f"cash imbalance at {venue}: {amount_u}" for venue, amount_u in ledger["imbalance_u"].items() if amount_u
    ]


def undone() -> list[str]:
    """What the worker has not done yet: messages not delivered, comparisons asked for and not made."""
    waiting = OutboxMessage.objects.filter(delivered_at=None).count()
    never = _asked().filter(began_at=None).count()
    return [f"{waiting} messages are not delivered"] * bool(waiting) + [f"{never} comparisons wait"] * bool(never)


def _asked() -> QuerySet[ReconciliationRun]:
    return ReconciliationRun.objects.filter(trigger=RunTrigger.API)


def _told() -> list[str]:
    """Every piece of evidence of an order has one message, neither none nor two."""
    happened = Counter(
        (f"order.{kind}", str(uid)) for kind, uid in OrderEvent.objects.values_list("kind", "order__uid")
    )
    messages = OutboxMessage.objects.filter(topic__startswith="order.").values_list("topic", "payload__uid")
    told = Counter((topic, uid) for topic, uid in messages)
    return [f"{key} {count} times" for key, count in ((happened - told) + (told - happened)).items()]


def _doubled(orders: Iterable[Mapping[str, Any]]) -> int:
    """Orders of one name too many; those that came under no name of ours are somebody else's."""
    named = Counter(
        order["client_order_id"] for order in orders if order["client_order_id"].startswith(CLIENT_ID_PREFIX)
    )
    decided = Counter(
        Order.objects.exclude(status__in=("denied", "rejected", "void"))
        .filter(is_external=False)
        .values_list("venue_account_id", "decision_id")
    )
    return sum(count - 1 for count in (*named.values(), *decided.values()))


def _order_ids() -> set[str]:
    return set(Order.objects.values_list("venue_order_id", flat=True))


def _fill_ids(fills: Iterable[tuple[Any, ...]]) -> set[tuple[str, str]]:
    return {(str(trade_id), str(order_id)) for _, trade_id, order_id in fills}
