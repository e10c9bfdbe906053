"""Every service that changes a row leaves an audit entry in the same transaction (INV-40), or a reason why not.

The services are found by walking their rooms: a new one is red until it has a scene in `audited` or a reason there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from markets.models import Market
from tests.builders import a_market
from tests.house.audited import AUDITED, QUIET
from tests.house.tree import program

ENTRIES = "audit_auditentry"
WRITE = re.compile(r'\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)
WRITING = {"save", "create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete"}
ROOMS = ("services", "receipts")
PARTS = {
    "post_cash", "lock_ledger", "move_order", "note_order", "refresh_reservation", "day_book", "head_of",
    "event_open", "stranger_note", "marks_begin_anew", "losses_count_anew",
    "fills_adopt",
}  # fmt: skip
"""Public, and always a part of another service's transaction: that one's scene shows them."""


def services() -> Iterator[str]:
    """Whatever owns a transaction, and whatever is public and writes without one."""
    for module in program():
        if not any(part.split(".")[0].startswith(ROOMS) for part in module.path.parts):
            continue
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef) and (_owns_a_transaction(node) or _writes_in_public(node)):
                yield node.name


def _owns_a_transaction(node: ast.FunctionDef) -> bool:
    return any("atomic" in ast.unparse(decorator) for decorator in node.decorator_list)


def _writes_in_public(node: ast.FunctionDef) -> bool:
    called = {call.func.attr for call in ast.walk(node) if isinstance(call, ast.Call) and hasattr(call.func, "attr")}
    return not node.name.startswith("_") and bool(called & WRITING)


def test_every_service_that_writes_has_a_scene_or_a_reason():
    names = list(services())
    assert len(names) == len(set(names)), "two of one name could stand for each other"
    assert set(names) - PARTS == set(AUDITED) | set(QUIET)
    assert not set(AUDITED) & set(QUIET)
    assert all(len(reason) > 10 for reason in QUIET.values())


class Watch:
    """The tables that each outermost transaction wrote; what is written outside of one is one of its own."""

    def __init__(self) -> None:
        self.transactions: list[set[str]] = []
        self._depth = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SAVEPOINT"):
            self._depth += 1
            if self._depth == 1:
                self.transactions.append(set())
        elif sql.startswith("RELEASE"):
            self._depth -= 1
        elif written := WRITE.match(sql):
            if not self._depth:
                self.transactions.append(set())
            self.transactions[-1].add(written[1])
        return execute(sql, params, many, context)

    @property
    def unaudited(self) -> list[set[str]]:
        return [tables for tables in self.transactions if tables and ENTRIES not in tables]


@contextmanager
def watched() -> Iterator[Watch]:
    watch = Watch()
    with connection.execute_wrapper(watch):
        yield watch


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(AUDITED))
def test_what_it_changes_is_audited_in_the_same_transaction(name: str):
    call = AUDITED[name]()
    with watched() as watch:
        call()
    assert watch.unaudited == []
    assert any(tables - {ENTRIES, "audit_auditchain"} for tables in watch.transactions) or name in WITHOUT_A_ROW


WITHOUT_A_ROW = {"credential_open", "anchor_note"}
"""What they do changes no row of ours but the trail."""


@pytest.mark.django_db
def test_a_change_without_an_entry_would_be_seen():
    market = a_market()
    with watched() as watch:
        with transaction.atomic():
            Market.objects.filter(pk=market.pk).update(title="x")
        Market.objects.filter(pk=market.pk).update(title="y")
    assert watch.unaudited == [{"markets_market"}, {"markets_market"}]
