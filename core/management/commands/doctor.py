"""`manage.py doctor`: what this deployment is and whether each part is well; exit code 2 if one is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from core.health import read_all


class Finding(NamedTuple):
    is_well: bool
    text: str


class Command(BaseCommand):
    help = "Say what is set up and what is wrong."
    requires_system_checks: list[str] = []

    def handle(self, **_given: Any) -> None:
        findings = list(examine())
        for finding in findings:
            self.stdout.write(f"{'ok  ' if finding.is_well else 'BAD '} {finding.text}")
        if not all(finding.is_well for finding in findings):
            sys.exit(2)


def examine() -> Iterator[Finding]:
    """One finding after the other; without a database the rest has nothing to read."""
    yield Finding(True, f"mode: {settings.TRADING_MODE}; data in {settings.DATA_DIR.name}/")
    yield Finding(True, f"Redis: {'used' if settings.REDIS_URL else 'not used, everything is in this process'}")
    try:
        waiting = _waiting_migrations()
    except DatabaseError as problem:
        yield Finding(False, f"The database does not answer ({type(problem).__name__}). Check DATABASE_URL.")
        return
    if waiting:
        yield Finding(False, f"{waiting} migrations were not applied. Run: manage.py migrate")
        return
    yield Finding(True, f"database: {connection.vendor}, every migration is applied")
    for name, reading in read_all().items():
        yield Finding(reading.is_well, f"{name}: {reading.detail or 'well'}")
    for check in run_checks(databases=["default"]):
        yield Finding(check.level < ERROR, f"{check.id}: {check.msg} {check.hint or ''}".rstrip())


def _waiting_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
