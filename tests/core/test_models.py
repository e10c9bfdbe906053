"""Append-only rows cannot be changed from Python by any road; every status column has a constraint."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models

from core.models import AppendOnly, AppendOnlyError
from tests.builders import an_account
from trading.models import CashEntry

OURS = ("accounts", "audit", "markets", "notifications", "risk", "trading")


@pytest.mark.django_db
def test_a_row_of_a_ledger_is_never_changed_or_deleted():
    an_account()
    entry = CashEntry.objects.get()
    entry.amount_u = 1
    for attempt in (
        entry.save,
        entry.delete,
        CashEntry.objects.all().delete,
        lambda: CashEntry.objects.update(amount_u=1),
        lambda: CashEntry.objects.bulk_update([entry], ["amount_u"]),
    ):
        with pytest.raises(AppendOnlyError):
            attempt()
    assert CashEntry.objects.get().amount_u == 10_000_000_000


def test_every_column_with_choices_has_a_check_constraint():
    missing = []
    for model in (model for label in OURS for model in apps.get_app_config(label).get_models()):
        checks = " ".join(str(c.condition) for c in model._meta.constraints if isinstance(c, models.CheckConstraint))
        named = [field.name for field in model._meta.concrete_fields if field.choices]
        missing += [f"{model.__name__}.{name}" for name in named if name not in checks]
    assert missing == []


def test_the_ledgers_are_append_only():
    ledgers = {model.__name__ for model in apps.get_models() if issubclass(model, AppendOnly)}
    assert ledgers == {"AuditEntry", "CashEntry", "Decision", "FillVoid", "OrderEvent", "Settlement"}


def test_no_amount_is_kept_as_a_float():
    floats = [
        f"{model.__name__}.{field.name}"
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.FloatField)
    ]
    assert floats == []
