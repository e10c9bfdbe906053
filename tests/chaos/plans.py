"""The SQL that Django made for a kind of query, and what prepares the values of the next query of that kind.

Story: what a statement says depends on the steps by which its queryset was made (`Step.key`), never on the values that
it asks with. The first of a kind is compiled; its conditions, one by one, belong to the values that were given, so that
the next one's values are prepared by the same lookups. Invariant: a kind whose values do not come out as Django had
them is never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Model
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.db.models.lookups import Lookup
from django.db.models.sql import UpdateQuery

SCALARS = (int, str, float, datetime, date, Decimal, UUID, bytes, Enum)
LISTS = (list, tuple, set, frozenset)
Prepare = Callable[[Any, Any], list[Any]]
"""What a value comes to for the driver of a connection."""
Ordinary = Callable[[Any], Any]
"""Makes of a queryset of steps one as Django would have made it."""

compares = False
"""Hold every plan against what Django makes anew."""


class Step(NamedTuple):
    """`key` is all of it but the values that differ from one query to the next."""

    key: Hashable
    do: Callable[[Any], Any]
    values: tuple[Any, ...] = ()


class Plan(NamedTuple):
    """`before`: what is asked with ahead of all given values. No `sql`: there is nothing to be found."""

    compiler: Any
    iterable: Any
    sql: str
    before: tuple[Any, ...]
    prepares: tuple[Prepare, ...]


_plans: dict[Hashable, Plan | None] = {}


def planned(ordinary: Ordinary, queryset: Any) -> Any:
    """What stands for the query of this queryset; None: it has to be built."""
    key = (queryset.model, *(step.key for step in queryset._steps))
    values = [value for step in queryset._steps for value in step.values]

    def compiler(here: Any) -> tuple[Any, list[Prepare] | None]:
        made = ordinary(queryset)
        asked = made.query.get_compiler(connection=here)
        asked.iterable = made._iterable_class
        return asked, _of_conditions(made.query, values, asked)

    return _standing(key, values, connections[queryset.db], compiler)


def planned_update(ordinary: Ordinary, queryset: Any, changes: Mapping[str, Any]) -> Any:
    """The same for an UPDATE of all that the queryset finds."""
    kinds = tuple((name, type(value)) for name, value in changes.items())
    key = ("update", kinds, queryset.model, *(step.key for step in queryset._steps))
    values = [value for step in queryset._steps for value in step.values]

    def compiler(here: Any) -> tuple[Any, list[Prepare] | None]:
        made = ordinary(queryset)
        query = made.query.chain(UpdateQuery)
        query.add_update_values(changes)
        query.clear_select_clause()
        asked = query.get_compiler(connection=here)
        asked.iterable = None
        conditions = _of_conditions(made.query, values, made.query.get_compiler(connection=here))
        changing = [_of_field(queryset.model._meta.get_field(name)) for name in changes]
        return asked, None if conditions is None or made.query.is_sliced else changing + conditions

    return _standing(key, [*changes.values(), *values], connections[queryset.db], compiler)


def is_constant(value: Any) -> bool:
    """Part of its query's kind."""
    return value is None or type(value) in (bool, Now, CombinedExpression)


def _standing(key: Hashable, values: list[Any], here: Any, make: Callable[[Any], Any]) -> Any:
    if key not in _plans:
        _plans[key] = _plan(values, here, *make(here))
    if (plan := _plans[key]) is None:
        return None
    params = list(plan.before)
    try:
        for prepare, value in zip(plan.prepares, values, strict=True):
            params += prepare(value, here)
    except EmptyResultSet:  # a value that no row can have
        return None
    if compares:
        now = _compiled(make(here)[0]) or ("", ())
        assert (now[0], list(now[1])) == (plan.sql, params), f"{now} is remembered as {plan.sql} with {params}"
    plan.compiler.connection = here
    plan.compiler.as_sql = lambda: (plan.sql, tuple(params))
    return SimpleNamespace(get_compiler=lambda using=None: plan.compiler, iterable=plan.iterable)


def _plan(values: list[Any], here: Any, compiler: Any, prepares: list[Prepare] | None) -> Plan | None:
    compiled = _compiled(compiler)
    if compiled is None:  # one of several values: an empty list, which is part of the kind, or not for ever
        nothing: Prepare = lambda value, here: []  # noqa: E731
        is_empty = any(isinstance(value, LISTS) and not value for value in values)
        return Plan(compiler, compiler.iterable, "", (), (nothing,) * len(values)) if is_empty else None
    if prepares is None:
        return None
    sql, params = compiled
    told = [param for prepare, value in zip(prepares, values, strict=True) for param in prepare(value, here)]
    before = tuple(params[: len(params) - len(told)])
    return Plan(compiler, compiler.iterable, sql, before, tuple(prepares)) if [*before, *told] == [*params] else None


def _compiled(compiler: Any) -> tuple[str, tuple[Any, ...]] | None:
    try:
        return compiler.as_sql()  # type: ignore[no-any-return]
    except EmptyResultSet:
        return None


def _of_conditions(query: Any, values: list[Any], compiler: Any) -> list[Prepare] | None:
    """None: the conditions are not, one by one, those of the values."""
    leaves = list(_leaves(query.where))
    if len(leaves) != len(values) or not set(query.annotations) <= {"a"}:  # `exists` selects 1 as "a"
        return None
    return [_of_lookup(leaf, value, compiler) for leaf, value in zip(leaves, values, strict=True)]


def _of_lookup(leaf: Lookup[Any], value: Any, compiler: Any) -> Prepare:
    if is_constant(value) or (isinstance(value, LISTS) and not value):
        constant = _params_of(leaf, compiler)
        return lambda value, here: constant
    kind, column = type(leaf), leaf.lhs
    return lambda value, here: list(kind(column, value).process_rhs(compiler, here)[1])


def _of_field(field: Any) -> Prepare:
    def prepare(value: Any, here: Any) -> list[Any]:
        if isinstance(value, Model):
            value = value.prepare_database_save(field)
        prepared = field.get_db_prep_save(value, here)
        return [] if prepared is None else [prepared]

    return prepare


def _params_of(leaf: Lookup[Any], compiler: Any) -> list[Any]:
    try:
        return list(compiler.compile(leaf)[1])
    except EmptyResultSet:
        return []


def _leaves(node: Any) -> Iterator[Lookup[Any]]:
    for child in node.children:
        if isinstance(child, Lookup):
            yield child
        else:
            yield from _leaves(child)
