"""Statements of the order path: written once, prepared once by PostgreSQL, and sent several at a time.

Story: what a claim reads is one batch, what it writes is another; `run` gives a batch to PostgreSQL as one pipeline, so
that it costs one round trip, and to SQLite one after the other. Invariant: a batch runs in its order inside the
caller's transaction, and each statement sees what those before it did and what others committed before it began. One
that fails leaves the transaction broken, as any other would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BooleanField,
    CharField,
    DateTimeField,
    Field,
    ForeignKey,
    IntegerField,
    JSONField,
    Model,
    TextField,
    UUIDField,
)

from core import kill_points

Values = Mapping[str, Any] | Sequence[Any]
T = TypeVar("T")
_json = msgspec.json.Encoder().encode


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
    answers = _pipelined(here, statements) if _goes_together(here) else [_single(here, one) for one in statements]
    return _touched(statements, answers)


def run_beside(meanwhile: Callable[[], T], *statements: Statement) -> tuple[T, list[Answer]]:
    """As `run`, and what `meanwhile` makes while PostgreSQL works; it must not ask the database for anything."""
    here, made = connections[DEFAULT_DB_ALIAS], list[T]()
    if not _goes_together(here):
        return meanwhile(), run(*statements)
    answers = _pipelined(here, statements, lambda: made.append(meanwhile()))
    return made[0], _touched(statements, answers)


def run_last(*statements: Statement) -> list[Answer]:
    """As `run`, for what a durable transaction does last: nothing but its end may come after it.

    Where the batch is a pipeline, the COMMIT is part of it. Its errors are raised here, and what is not answered may
    have been committed, as with any COMMIT.
    """
    here = connections[DEFAULT_DB_ALIAS]
    blocks: list[Any] = here.atomic_blocks
    is_all_of_it = [one.durable for one in blocks] == [True] and here.commit_on_exit
    if not is_all_of_it or kill_points.is_watched() or not _goes_together(here):
        return run(*statements)
    return _pipelined_to_the_end(here, statements)


def go_together() -> bool:
    """Do the statements of a batch cost one round trip? Else each has one of its own."""
    return _goes_together(connections[DEFAULT_DB_ALIAS])


def locking() -> str:
    """Locks the rows of a SELECT; nothing on SQLite, where the transaction itself lets no other write."""
    return "FOR UPDATE" if connection.features.has_select_for_update else ""


def insert(row: Model, *, or_ignore: bool = False, **made: Made) -> Statement:
    """The INSERT of a new row; it answers with the row's id. `made` are columns by their field's name; with
    `or_ignore` a row that clashes with one that is there is left out."""
    here = connections[DEFAULT_DB_ALIAS]
    plan = _insert_plan(type(row), or_ignore, tuple((name, one.sql) for name, one in made.items()), here.vendor)
    values = [
        made[field.name].value if field.name in made
        else getattr(row, field.attname) if is_plain
        else _prepared(field, field.pre_save(row, True), here)
        for field, is_plain in plan.columns
    ]  # fmt: skip
    return Statement(plan.sql, values)


def insert_of(model: type[Model], values: Mapping[str, Any], *, or_ignore: bool = False, **made: Made) -> Statement:
    """As `insert`, of a row that nobody needs as an instance. `values` by column (`venue_account_id`); what they do not
    say is the field's default."""
    here = connections[DEFAULT_DB_ALIAS]
    plan = _insert_plan(model, or_ignore, tuple((name, one.sql) for name, one in made.items()), here.vendor)
    row = []
    for field, is_plain in plan.columns:
        if field.name in made:
            row.append(made[field.name].value)
        else:
            value = values[field.attname] if field.attname in values else field.get_default()
            row.append(value if is_plain else _prepared(field, value, here))
    return Statement(plan.sql, row)


def mark_inserted(row: Model, answer: Answer) -> None:
    """The instance is the row that was inserted."""
    row.pk, row._state.adding, row._state.db = answer.rows[0][0], False, connection.alias


class _InsertPlan(NamedTuple):
    """The statement, and for each of its values the field, and whether the driver takes what the row has of it."""

    sql: str
    columns: list[tuple[Field[Any, Any], bool]]


@cache
def _insert_plan(model: type[Model], or_ignore: bool, made: tuple[tuple[str, str], ...], vendor: str) -> _InsertPlan:
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(dict(made).get(field.name, "%s") for field in fields)
    clash = " ON CONFLICT DO NOTHING" if or_ignore else ""
    sql = f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({places}){clash} RETURNING id'
    return _InsertPlan(sql, [(field, _is_plain(field, vendor)) for field in fields])


def _prepared(field: Field[Any, Any], value: Any, here: BaseDatabaseWrapper) -> Any:
    """JSON as text: the driver's own way of writing it takes longer than all other columns."""
    if isinstance(field, JSONField):
        return _json(value).decode()
    return field.get_db_prep_save(value, here)


def _is_plain(field: Field[Any, Any], vendor: str) -> bool:
    """Asking a field to prepare its value is most of what an INSERT costs here; few have anything to do."""
    plain: tuple[type[Field[Any, Any]], ...] = (BooleanField, CharField, ForeignKey, IntegerField, TextField)
    if vendor == "postgresql":
        plain += (DateTimeField, UUIDField)
    return isinstance(field, plain) and not getattr(field, "auto_now", False) | getattr(field, "auto_now_add", False)


def _touched(statements: Sequence[Statement], answers: list[Answer]) -> list[Answer]:
    """The answers, unless one that had to touch a row touched none."""
    for statement, answer in zip(statements, answers, strict=True):
        if not answer.touched and statement.else_raise is not None:
            raise statement.else_raise()
    return answers


def _goes_together(here: BaseDatabaseWrapper) -> bool:
    """Whoever watches is shown the statements one by one."""
    return here.vendor == "postgresql" and not (here.queries_logged or here.execute_wrappers)


def _single(here: BaseDatabaseWrapper, statement: Statement) -> Answer:
    with here.cursor() as cursor:
        cursor.execute(statement.sql, statement.values)
        rows = cursor.fetchall() if cursor.description else []
        return Answer(rows, len(rows) or max(0, cursor.rowcount))


def _pipelined(
    here: BaseDatabaseWrapper, statements: Sequence[Statement], meanwhile: Callable[[], None] = lambda: None
) -> list[Answer]:
    from core.pipeline import exchange  # SQLite needs no driver

    here.ensure_connection()
    here.validate_no_broken_transaction()
    with here.wrap_database_errors:
        answers = exchange(here.connection, [(one.sql, one.values) for one in statements], meanwhile)
    return [Answer(*one) for one in answers]


def _pipelined_to_the_end(here: BaseDatabaseWrapper, statements: Sequence[Statement]) -> list[Answer]:
    from core.pipeline import Untouched, exchange_and_commit

    here.ensure_connection()
    here.validate_no_broken_transaction()
    must_touch = {place for place, one in enumerate(statements) if one.else_raise is not None}
    try:
        with here.wrap_database_errors:
            answers = exchange_and_commit(here.connection, [(one.sql, one.values) for one in statements], must_touch)
    except Untouched as nobody:
        make = statements[nobody.place].else_raise
        assert make is not None
        raise make() from nobody
    return [Answer(*one) for one in answers]
