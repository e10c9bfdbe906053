"""INV-02, 05, 20, 21, 22, 27 against the venue's own ledger, as a simulator tells it: equal to the last µUSD, at rest.

A ledger is one account of `GET /ledger`. What a venue is known to forget (`Capabilities.forgets_ended_orders`) is not
held against it, and where it nets YES and NO an execution is compared in the words of YES.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from accounts.models import VenueAccount
from trading.domain.lifecycle import NEVER_AT_VENUE
from trading.models import AccountLedger, Fill, Order, Position, Settlement
from trading.selectors.invariants_terms import Violation
from trading.selectors.risk import WORKING
from trading.selectors.venue_rules import capabilities_of
from venues.types import MICRO, Outcome, Side

_SAME = {"resting": "open", "delayed": "open"}
_GONE = frozenset({"canceled", "expired"})

Rows = dict[Any, Any]


def venue_violations(ledgers: Iterable[Mapping[str, Any]]) -> Iterator[Violation]:
    """Every difference between an enabled account of ours and the venue's ledger of it."""
    for ledger in ledgers:
        account = VenueAccount.objects.filter(venue=ledger["venue"], is_enabled=True).first()
        if account is not None:
            yield from _orders(account, ledger)
            yield from _money(account, ledger)


def _orders(account: VenueAccount, ledger: Mapping[str, Any]) -> Iterator[Violation]:
    """A venue that forgets ended orders cannot say how one ended, nor that it ever had one that matched nothing."""
    forgets = capabilities_of(account.venue).forgets_ended_orders
    refused = [str(status) for status in NEVER_AT_VENUE]
    ours = {
        row.venue_order_id or f"row {row.pk}": (_state(row.status, forgets), row.filled_u + row.voided_u)
        for row in Order.objects.filter(venue_account=account).exclude(status__in=refused)
    }
    theirs = {row["order_id"]: (_state(row["state"], forgets), row["filled_u"]) for row in ledger["orders"]}
    known = dict(Order.objects.filter(venue_account=account).values_list("venue_order_id", "status"))
    for key in theirs.keys() - ours.keys():
        yield Violation("INV-02", f"venue order {key} is {theirs[key]} there; ours is {known.get(key, 'unheard of')}")
    for key in ours.keys() - theirs.keys():
        if not (forgets and ours[key] == ("gone", 0)):
            yield Violation("INV-05", f"order {key} is {ours[key]} here, and the venue has no such order")
    yield from _unlike("INV-05", "order", {key: ours[key] for key in ours.keys() & theirs.keys()}, theirs, both=True)


def _state(status: str, forgets: bool) -> str:
    same = _SAME.get(status, status)
    return "gone" if forgets and same in _GONE else same


def _money(account: VenueAccount, ledger: Mapping[str, Any]) -> Iterator[Violation]:
    nets = capabilities_of(account.venue).nets_yes_and_no
    fills = Fill.objects.filter(venue_account=account)
    ours: Rows = {(row.trade_id, row.venue_order_id): _told(vars(row), nets) for row in fills}
    theirs: Rows = {(row["trade_id"], row["order_id"]): _told(row, nets) for row in ledger["fills"]}
    yield from _unlike("INV-20", "fill", ours, theirs)
    cash_u = AccountLedger.objects.filter(venue_account=account).values_list("cash_u", flat=True).first() or 0
    yield from _unlike("INV-21", "cash", {account.venue: cash_u}, {account.venue: ledger["cash_u"]})
    yield from _unlike("INV-22", "position", _held(account), _held_there(account.venue, ledger))
    yield from _unlike("INV-27", "settlement", _paid(account), _paid_there(account.venue, ledger))
    for order in Order.objects.filter(venue_account=account, status__in=WORKING, market__settlements__isnull=False):
        yield Violation("INV-27", f"order {order.pk} is {order.status} in a settled market")


def _told(fill: Mapping[str, Any], nets: bool) -> tuple[Any, ...]:
    side, outcome, price_u = str(fill["side"]), str(fill["outcome"]), fill["price_u"]
    if nets and outcome == Outcome.NO:
        side, outcome, price_u = (Side.SELL if side == Side.BUY else Side.BUY).value, "yes", MICRO - price_u
    return (side, outcome, price_u, fill["qty_u"], fill["fee_u"], str(fill["settle_state"]))


def _held(account: VenueAccount) -> Rows:
    rows = Position.objects.filter(venue_account=account, is_open=True, qty_u__gt=0).select_related("market")
    return {(row.market.market_id, row.outcome): row.qty_u for row in rows}


def _held_there(venue: str, ledger: Mapping[str, Any]) -> Rows:
    return {
        (f"{venue}:{row['native_id']}", outcome): row[f"{outcome}_qty_u"]
        for row in ledger["positions"]
        for outcome in ("yes", "no")
        if row[f"{outcome}_qty_u"]
    }


def _paid(account: VenueAccount) -> Rows:
    rows = Settlement.objects.filter(venue_account=account).select_related("market")
    return {row.market.market_id: (row.value_u, row.yes_qty_u, row.no_qty_u, row.payout_u) for row in rows}


def _paid_there(venue: str, ledger: Mapping[str, Any]) -> Rows:
    names = ("value_u", "yes_qty_u", "no_qty_u", "payout_u")
    return {f"{venue}:{row['native_id']}": tuple(row[name] for name in names) for row in ledger["settlements"]}


def _unlike(code: str, what: str, ours: Rows, theirs: Rows, *, both: bool = False) -> Iterator[Violation]:
    keys = ours.keys() & theirs.keys() if both else ours.keys() | theirs.keys()
    for key in sorted(keys, key=str):
        if ours.get(key) != theirs.get(key):
            yield Violation(code, f"{what} {key} is {ours.get(key)} here and {theirs.get(key)} at the venue")
