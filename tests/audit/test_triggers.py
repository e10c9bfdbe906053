"""The database itself refuses to change, remove or empty what is append-only, whoever asks, and says when it cannot."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from audit import triggers
from audit.checks import check_triggers
from core.clock import from_ms
from core.models import AppendOnly
from tests.builders import NOON_MS, a_claimed_order, a_fill, a_market, an_account
from trading.models import Decision, FillVoid, Settlement
from trading.services.fills import fill_book

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows() -> None:
    """One row in each append-only table."""
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    filled = fill_book(venue_account=account, report=a_fill(account, market, order=order))
    FillVoid.objects.create(fill=filled)
    Decision.objects.create(
        user=account.user, market=market, outcome="yes", verdict="hold", decided_at=from_ms(NOON_MS)
    )
    Settlement.objects.create(venue_account=account, market=market, value_u=0, yes_qty_u=0, no_qty_u=0, payout_u=0,
                              venue_at=from_ms(NOON_MS))  # fmt: skip


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_every_append_only_table_refuses_change_removal_and_emptying(rows):
    triggers.install(connection)
    if connection.vendor == "postgresql":
        run("SET CONSTRAINTS ALL IMMEDIATE")
    verbs = ["UPDATE {t} SET id = id", "DELETE FROM {t}"]
    verbs += ["TRUNCATE {t} CASCADE"] if connection.vendor == "postgresql" else []
    refused = 0
    for model in (model for model in apps.get_models() if issubclass(model, AppendOnly)):
        assert model.objects.exists(), f"{model.__name__} needs a row here"
        for verb in verbs:
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                run(verb.format(t=model._meta.db_table))
            refused += 1
    assert refused == len(triggers.ledgers()) * len(verbs) >= 12


def test_lost_triggers_are_reported_and_made_again():
    [problem] = check_triggers(None, databases=["default"])
    assert problem.id == "audit.E001"
    assert all(table in problem.msg for table in triggers.ledgers())
    triggers.install_after_migrate(using="default")
    assert check_triggers(None, databases=["default"]) == []
    triggers.install(connection)
    assert check_triggers(None, databases=["default"]) == []
