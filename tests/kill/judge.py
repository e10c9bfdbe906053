"""The verdict on a run at rest: our rows beside the simulated venues' exact ledger, and every invariant of the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

from tests.books import our_books, venue_books
from tests.kill.result import Result
from trading.models import Order, OrderStatus
from trading.selectors.invariants import violations
from trading.services.claims import CLIENT_ID_PREFIX

NOT_HERE = ("INV-42",)
"""No relay runs here, so the outbox is never delivered."""
CUT_OFF = 10
"""How many orders may be on their way when a trader dies, those included whose requests a fault swallowed before."""
WORKING = (OrderStatus.CLAIMED, OrderStatus.OPEN)
UNAUDITED = frozenset({"INV-40", "INV-41"})

Ledger = Mapping[str, Any]


def differences(ledger: Ledger, *, deaths: int) -> list[str]:
    """What is not the same in both books now, and what of ours is not over. Each death cut off some orders."""
    with connection.cursor() as cursor:
        ours = our_books(cursor)
    undecided = [
        f"order {row.client_order_id} is {row.status}" + (", nobody knows its fate" if row.is_unknown else "")
        for row in Order.objects.filter(status__in=WORKING, is_external=False)
    ]
    return ours.differences(venue_books(ledger), lost=CUT_OFF * deaths) + undecided


def judge(result: Result, ledger: Ledger) -> None:
    """Write into the result what must not be, and how much there was."""
    result.findings += differences(ledger, deaths=result.deaths)
    codes: Counter[str] = Counter()
    for found in violations(ledgers=ledger["accounts"], without=NOT_HERE):
        codes[found.code] += 1
        result.findings.append(str(found))
    orders = [order for account in ledger["accounts"] for order in account["orders"]]
    fills = {(fill["trade_id"], fill["order_id"]) for account in ledger["accounts"] for fill in account["fills"]}
    result.orders, result.fills = len(orders), len(fills)
    result.settlements = sum(len(account["settlements"]) for account in ledger["accounts"])
    with connection.cursor() as cursor:
        ours = our_books(cursor)
    result.lost = len({order["order_id"] for order in orders} - _order_ids()) + len(fills - _fill_ids(ours.fills))
    result.doubled = _doubled(orders) + len(_fill_ids(ours.fills) - fills)
    result.unaudited = sum(codes[code] for code in UNAUDITED)
    result.findings += [
        f"cash imbalance at {venue}: {amount_u}" for venue, amount_u in ledger["imbalance_u"].items() if amount_u
    ]


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
