"""Halts that people set on their own page get the cause that lets them, and only them, be lifted there."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import F


def name_own_halts(apps: Any, schema_editor: Any) -> None:
    halts = apps.get_model("risk", "TradingHalt").objects
    own = halts.filter(scope="user", code="manual", actor=F("owner__email"))
    halts.filter(pk__in=list(own.values_list("pk", flat=True))).update(code="owner")


class Migration(migrations.Migration):
    dependencies = [("risk", "0002_halts_by_cause")]

    operations = [migrations.RunPython(name_own_halts, migrations.RunPython.noop)]
