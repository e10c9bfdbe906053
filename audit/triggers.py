"""Database triggers that refuse UPDATE, DELETE and TRUNCATE of every append-only table, for SQLite and PostgreSQL.

A superuser or the owner of the file can drop or disable them: `missing` finds that, the audit trail's hash chains and
their anchors find what was done meanwhile; the triggers stop everybody else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.apps import apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.models import AuditEntry
from core.models import AppendOnly

TABLE = AuditEntry._meta.db_table

_REFUSE = "BEGIN RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME; END"


class Trigger(NamedTuple):
    """One trigger as it has to be: `sql` makes it."""

    name: str
    table: str
    sql: str


def ledgers() -> list[str]:
    """The tables of all append-only models."""
    return sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnly))


def expected(connection: BaseDatabaseWrapper) -> list[Trigger]:
    """What has to be on the append-only tables that are there."""
    present = set(connection.introspection.table_names())
    verbs = ("UPDATE", "DELETE", "TRUNCATE") if connection.vendor == "postgresql" else ("UPDATE", "DELETE")
    return [_trigger(connection, table, verb) for table in ledgers() if table in present for verb in verbs]


def missing(connection: BaseDatabaseWrapper) -> list[Trigger]:
    """Those of `expected` that are absent, disabled or do something else."""
    in_force = _in_force_postgres(connection) if connection.vendor == "postgresql" else _in_force_sqlite(connection)
    return [one for one in expected(connection) if not in_force.get(one.name, "").startswith(one.sql)]


def install(connection: BaseDatabaseWrapper) -> None:
    """Make anew what is missing; does nothing where all are there."""
    gone = missing(connection)
    if not gone:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS %s", [_REFUSE]
            )
        for one in gone:
            cursor.execute(_drop(connection, one))
            cursor.execute(one.sql)


def remove(connection: BaseDatabaseWrapper) -> None:
    """For test databases, which empty their tables between tests."""
    with connection.cursor() as cursor:
        for one in expected(connection):
            cursor.execute(_drop(connection, one))


def install_after_migrate(using: str = "default", **_signal: Any) -> None:
    install(connections[using])


def _trigger(connection: BaseDatabaseWrapper, table: str, verb: str) -> Trigger:
    name = f"{table}_no_{verb.lower()}"
    if connection.vendor == "postgresql":
        each = "STATEMENT" if verb == "TRUNCATE" else "ROW"
        does = f"FOR EACH {each} EXECUTE FUNCTION audit_refuse()"
    else:
        does = f"BEGIN SELECT RAISE(ABORT, '{table} rows are append-only'); END"
    return Trigger(name, table, f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {does}")


def _drop(connection: BaseDatabaseWrapper, one: Trigger) -> str:
    suffix = f" ON {one.table}" if connection.vendor == "postgresql" else ""
    return f"DROP TRIGGER IF EXISTS {one.name}{suffix}"


def _in_force_sqlite(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        return dict(cursor.fetchall())


def _in_force_postgres(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """By name, as they were written; those that are enabled and still end in a refusal."""
    query = """
        SELECT t.tgname, replace(pg_get_triggerdef(t.oid), ' ON public.', ' ON ')
          FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
         WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND p.proname = 'audit_refuse' AND p.prosrc = %s
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [_REFUSE])
        return dict(cursor.fetchall())
