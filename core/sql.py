"""Statements of the order path: written once, prepared once by PostgreSQL, and sent several at a time.

Story: what a claim reads is one batch, what it writes is another; `run` gives a batch to PostgreSQL as one pipeline, so
that it costs one round trip, and to SQLite one after the other. Invariant: a batch runs in its order inside the
caller's transaction, and each statement sees what those before it did and what others committed before it began. One
that fails leaves the transaction broken, as any other would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any, NamedTuple, cast

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model

Values = Mapping[str, Any] | Sequence[Any]


class Statement(NamedTuple):
    """`%s` with a sequence or `%(name)s` with a mapping. `else_raise` makes the exception for "no row was touched"."""

    sql: str
    values: Values = ()
    else_raise: Callable[[], Exception] | None = None


class Answer(NamedTuple):
    """`rows` as the driver gives them (SQLite: 0 and 1 for booleans, text for times); `touched`: how many were."""

    rows: list[tuple[Any, ...]]
    touched: int


class Made(NamedTuple):
    """A column's value that the database makes: an expression with one `%s`."""

    sql: str
    value: Any


def run(*statements: Statement) -> list[Answer]:
    """The answers in order. Raises Django's database errors, and what `else_raise` of the first empty one makes."""
    here = connections[DEFAULT_DB_ALIAS]  # the thread's own, looked up once: the proxy looks it up at every use
    pipelined = here.vendor == "postgresql"
    answers = _pipelined(here, statements) if pipelined else [_single(here, one) for one in statements]
    for statement, answer in zip(statements, answers, strict=True):
        if not answer.touched and statement.else_raise is not None:
            raise statement.else_raise()
    return answers


def locking() -> str:
    """Locks the rows of a SELECT; nothing on SQLite, where the transaction itself lets no other write."""
    return "FOR UPDATE" if connection.features.has_select_for_update else ""


def insert(row: Model, *, or_ignore: bool = False, **made: Made) -> Statement:
    """The INSERT of a new row; it answers with the row's id. `made` are columns by their field's name; with
    `or_ignore` a row that clashes with one that is there is left out."""
    sql, fields = _insert_plan(type(row), or_ignore, tuple((name, one.sql) for name, one in made.items()))
    here = connections[DEFAULT_DB_ALIAS]
    values = [
        made[field.name].value if field.name in made else field.get_db_prep_save(field.pre_save(row, True), here)
        for field in fields
    ]
    return Statement(sql, values)


def mark_inserted(row: Model, answer: Answer) -> None:
    """The instance is the row that was inserted."""
    row.pk, row._state.adding, row._state.db = answer.rows[0][0], False, connection.alias


@cache
def _insert_plan(
    model: type[Model], or_ignore: bool, made: tuple[tuple[str, str], ...]
) -> tuple[str, list[Field[Any, Any]]]:
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(dict(made).get(field.name, "%s") for field in fields)
    clash = " ON CONFLICT DO NOTHING" if or_ignore else ""
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({places}){clash} RETURNING id', fields


def _single(here: BaseDatabaseWrapper, statement: Statement) -> Answer:
    with here.cursor() as cursor:
        cursor.execute(statement.sql, statement.values)
        rows = cursor.fetchall() if cursor.description else []
        return Answer(rows, len(rows) or max(0, cursor.rowcount))


def _pipelined(here: BaseDatabaseWrapper, statements: Sequence[Statement]) -> list[Answer]:
    """Bound on the server, which is what lets it keep the plan; integers all of one width, or each mix were a plan."""
    from django.db.backends.postgresql import base

    here.ensure_connection()
    driver, bound_on_server = here.connection, cast(Callable[[Any], Any], base.ServerBindingCursor)
    cursors = []
    with here.wrap_database_errors, driver.pipeline() if len(statements) > 1 else nullcontext():
        for statement in statements:
            cursor = bound_on_server(driver)
            here._prepare_cursor(cursor).execute(statement.sql, _wide(statement.values))  # type: ignore[attr-defined]
            cursors.append(cursor)
    answers = [Answer(one.fetchall() if one.pgresult.nfields else [], max(0, one.rowcount)) for one in cursors]
    for cursor in cursors:
        cursor.close()
    return answers


def _wide(values: Values) -> Values:
    if isinstance(values, Mapping):
        return {name: _wide_one(value) for name, value in values.items()}
    return [_wide_one(value) for value in values]


def _wide_one(value: Any) -> Any:
    from psycopg.types.numeric import Int8

    return Int8(value) if type(value) is int else value
