"""Traders whose books and records say what did not happen, or do not say what did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import msgspec
from django.db import transaction

from audit.services import audit_append, chain_of_account
from tests.chaos.variants import patched, variant
from trading.engine import desk, executor, ledger
from trading.models import Order
from trading.services import fills, orders, records
from venues.types import MICRO, FillReport, OrderReport, Outcome, SettleState

# --- fills and money ----------------------------------------------------------------------------------------------


def _fills_told_as(change: Callable[[FillReport], FillReport]) -> AbstractContextManager[None]:
    real = ledger.fill_book

    def book(*, venue_account: Any, report: FillReport) -> Any:
        return real(venue_account=venue_account, report=change(report))

    return patched(ledger, "fill_book", book)


@variant("a fill is known by its trade and its state: told again as final it is booked again")
def fill_booked_twice() -> Iterator[None]:
    with _fills_told_as(lambda told: msgspec.structs.replace(told, leg=told.leg + told.settle_state.value)):
        yield


@variant("the fee is computed, not read")
def fee_by_model() -> Iterator[None]:
    def modelled(told: FillReport) -> FillReport:
        notional = told.price_u * (MICRO - told.price_u) // MICRO * told.qty_u // MICRO
        return msgspec.structs.replace(told, fee_u=notional * 69 // 1_000)

    with _fills_told_as(modelled):
        yield


@variant("every fill is one of YES")
def no_marked_as_yes() -> Iterator[None]:
    with _fills_told_as(lambda told: msgspec.structs.replace(told, outcome=Outcome.YES)):
        yield


@variant("a matched trade is final: FAILED is not listened to")
def failure_ignored() -> Iterator[None]:
    def confirm(account: Any, fill: Any, told: SettleState) -> None:
        if told is SettleState.CONFIRMED:
            fills._confirm(fill)

    with patched(fills, "_apply_settle_state", confirm):
        yield


@variant("a fill that is taken back keeps its cash")
def void_without_cash() -> Iterator[None]:
    def post(account: Any, *, kind: str, **given: Any) -> Any:
        return None if kind == "void" else real(account, kind=kind, **given)

    real = fills.post_cash
    with patched(fills, "post_cash", post):
        yield


@variant("an order without an answer frees its money")
def unknown_frees_money() -> Iterator[None]:
    def forget(*, order: Order, **given: Any) -> Order:
        order = real(order=order, **given)
        Order.objects.filter(pk=order.pk).update(reserved_u=0)
        return order

    real = executor.order_mark_unknown
    with patched(executor, "order_mark_unknown", forget):
        yield


@variant("what an order is said to have filled is booked as a fill")
def status_makes_fills() -> Iterator[None]:
    def take(*, venue_account: Any, report: OrderReport) -> Order | None:
        order = real(venue_account=venue_account, report=report)
        if order is not None and report.filled_u > order.filled_u + order.voided_u:
            ledger.fill_book(venue_account=venue_account, report=_inferred(order, report))
        return order

    real = ledger.order_apply_report
    with patched(ledger, "order_apply_report", take):
        yield


def _inferred(order: Order, report: OrderReport) -> FillReport:
    return FillReport(
        venue=report.venue,
        account=report.account,
        trade_id=f"inferred-{order.pk}-{report.filled_u}",
        leg="",
        venue_order_id=order.venue_order_id,
        client_order_id=order.client_order_id,
        market_id=order.market.market_id,
        side=order.side,
        outcome=order.outcome,
        price_u=order.price_u,
        qty_u=report.filled_u - order.filled_u - order.voided_u,
        fee_u=0,
        is_taker=True,
        settle_state=SettleState.CONFIRMED,
        venue_ms=report.venue_ms,
    )


@variant("a market that is settled at half pays nothing")
def half_pays_nothing() -> Iterator[None]:
    def book(*, venue_account: Any, report: Any) -> Any:
        payout_u = report.payout_u if report.value_u in (0, MICRO) else 0
        return real(venue_account=venue_account, report=msgspec.structs.replace(report, payout_u=payout_u))

    real = ledger.settlement_book
    with patched(ledger, "settlement_book", book):
        yield


# --- records ------------------------------------------------------------------------------------------------------


@variant("what happens to orders and fills is not audited")
def audit_forgotten() -> Iterator[None]:
    with patched(records, "entry_writes", lambda entry: ()):
        yield


@variant("an audit entry is hashed before it has its last words")
def audit_changed_after_hash() -> Iterator[None]:
    def finished_later(*given: Any, **more: Any) -> Any:
        entry = real(*given, **more)
        entry.payload = entry.payload.replace("{", "{ ", 1)
        return entry

    real = records.entry_after
    with patched(records, "entry_after", finished_later):
        yield


@variant("a status is changed without its evidence")
def evidence_forgotten() -> Iterator[None]:
    with patched(orders, "note_order", _only_the_columns):
        yield


def _only_the_columns(order: Order, **given: Any) -> None:
    columns = {name: value for name, value in given.items() if name not in ("kind", "payload", "raw_sha256", "audit")}
    if columns:
        Order.objects.filter(pk=order.pk).update(**columns)
        for name, value in columns.items():
            setattr(order, name, value)


@variant("the audit of a key's use keeps the key")
def secret_audited() -> Iterator[None]:
    def open_and_tell(*, account: Any, **given: Any) -> Any:
        opened = real(account=account, **given)
        with transaction.atomic():
            kept = {name: secret.reveal_text() for name, secret in opened.items()}
            audit_append(chain=chain_of_account(account.uid), actor="x", kind="credential.used", payload=kept)
        return opened

    real = desk.credential_open
    with patched(desk, "credential_open", open_and_tell):
        yield
