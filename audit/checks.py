"""`manage.py check --database default` finds an append-only table that lost its triggers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from audit import triggers


def register_checks() -> None:
    register(check_triggers, Tags.database)


def check_triggers(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **_options: Any
) -> list[CheckMessage]:
    """Runs only where a database is named, as all checks that read one do."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        if gone := [one.name for one in triggers.missing(connections[alias])]:
            text = f"Append-only tables of '{alias}' can be changed: {', '.join(gone)} absent or disabled."
            found.append(Error(text, hint="Run manage.py migrate: it makes them again.", id="audit.E001"))
    return found
