"""Database triggers that refuse UPDATE, DELETE and TRUNCATE of the audit trail, for SQLite and PostgreSQL.

A superuser or the owner of the file can drop them: the hash chain finds that, these stop everybody else.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "audit_auditentry"
NAMES = ("audit_no_update", "audit_no_delete")

_SQLITE = tuple(
    f"CREATE TRIGGER {name} BEFORE {verb} ON {TABLE} BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END"
    for name, verb in zip(NAMES, ("UPDATE", "DELETE"), strict=True)
)
_POSTGRES = (
    """
    CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'audit entries are append-only'; END $$
    """,
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    f"CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)


def present(connection: BaseDatabaseWrapper) -> set[str]:
    """The names of our triggers that are on the table now."""
    query = {
        "sqlite": f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{TABLE}'",
        "postgresql": f"SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass('{TABLE}') AND NOT tgisinternal",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {row[0] for row in cursor.fetchall()}


def expected(connection: BaseDatabaseWrapper) -> set[str]:
    return {*NAMES, "audit_no_truncate"} if connection.vendor == "postgresql" else set(NAMES)


def install(connection: BaseDatabaseWrapper) -> None:
    """Make the triggers that are absent; does nothing where all are there."""
    missing = expected(connection) - present(connection)
    if not missing:
        return
    with connection.cursor() as cursor:
        for statement in _POSTGRES if connection.vendor == "postgresql" else _SQLITE:
            is_trigger = "CREATE TRIGGER" in statement
            if not is_trigger or any(f"TRIGGER {name} " in statement for name in missing):
                cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """For reversing the migration, and for test databases that empty their tables between tests."""
    suffix = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in present(connection):
            cursor.execute(f"DROP TRIGGER {name}{suffix}")


def install_after_migrate(using: str = "default", **_signal: Any) -> None:
    connection = connections[using]
    if TABLE in connection.introspection.table_names():
        install(connection)
