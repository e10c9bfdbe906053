"""Queries of a shape that was asked before are not worked out again: most of a run's time went into Django's compiler.

Story: which columns a query selects, which tables it joins for them and how it is ordered depends on its shape alone,
never on the values that it asks with; a run asks the same hundred shapes a thousand times. What the compiler made of a
shape is kept for all later runs, the conditions and their values are compiled each time. Invariant: a shape is
everything that this part of the compiler reads; a query with anything beside it (annotations, groups, sub-queries) is
compiled as ever. `remembered(compare=True)` compiles all of them and raises AssertionError where the two differ.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from django.db.backends.sqlite3.base import SQLiteCursorWrapper
from django.db.models.expressions import Col
from django.db.models.sql.compiler import SQLCompiler

from tests.swapped import swapped

_CONVERT: Any = SQLiteCursorWrapper.convert_query

_OF_COMPILER = ("select", "klass_info", "annotation_col_map", "col_count", "has_extra_select", "_meta_ordering")
_OF_QUERY = ("alias_map", "alias_refcount")
_UNUSUAL = (
    "annotations", "extra", "extra_tables", "extra_order_by", "group_by", "combinator", "distinct_fields", "subquery",
    "explain_info", "external_aliases", "_filtered_relations", "select_for_update",
)  # fmt: skip
"""A query with any of these is not of a plain shape."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Worked(NamedTuple):
    """What `SQLCompiler.pre_sql_setup` returned, and what it left behind at the compiler and at the query."""

    answer: tuple[Any, Any, Any]
    of_compiler: tuple[Any, ...]
    of_query: tuple[dict[str, Any], ...]


_worked: dict[Hashable, Worked] = {}


@contextmanager
def remembered(*, compare: bool = False) -> Iterator[None]:
    """While open, shapes are worked out once."""
    work_out, convert = SQLCompiler.pre_sql_setup, SQLCompiler.get_converters

    def set_up(self: SQLCompiler, with_col_aliases: bool = False) -> Any:
        shape = None if with_col_aliases or type(self) is not SQLCompiler else shape_of(self.query)
        if shape is None:
            return work_out(self, with_col_aliases)
        key = (shape, self.connection.vendor)
        if key not in _worked:
            answer = work_out(self)
            _worked[key] = _noted(self, answer)
            return answer
        if compare:
            _compare(_noted(self, work_out(self)), _worked[key])
        return _taken_over(self, _worked[key])

    def converters(self: SQLCompiler, expressions: Any) -> Any:
        """Once per connection for the columns of a shape, whose list is kept and therefore stands for them."""
        known = self.__dict__.get("is_of_known_shape") and len(expressions) == self.col_count
        if not known:
            return convert(self, expressions)
        kept = self.connection.__dict__.setdefault("kept_converters", {})
        if id(self.select) not in kept:
            kept[id(self.select)] = convert(self, expressions)
        return kept[id(self.select)]

    with (
        swapped(SQLCompiler, "pre_sql_setup", set_up),
        swapped(SQLCompiler, "get_converters", converters),
        swapped(SQLiteCursorWrapper, "convert_query", _in_sqlites_words),
    ):
        yield


def _in_sqlites_words(self: Any, query: str, *, param_names: Any = None) -> str:
    return _with_question_marks(query) if param_names is None else _CONVERT(self, query, param_names=param_names)


@cache
def _with_question_marks(query: str) -> str:
    return _CONVERT(None, query)


def shape_of(query: Any) -> Hashable | None:
    """Everything of a query that its columns, their tables and their order come from; None: not a plain one."""
    ordering = query.order_by
    is_plain = not any(getattr(query, name) for name in _UNUSUAL)
    if not (is_plain and all(type(one) is str for one in ordering) and all(type(one) is Col for one in query.select)):
        return None
    return (
        query.model,
        query.default_cols,
        tuple((one.alias, one.target) for one in query.select),
        tuple(query.selected.items()) if query.selected is not None else None,
        repr(query.select_related),
        (frozenset(query.deferred_loading[0]), query.deferred_loading[1]),
        (tuple(ordering), query.default_ordering, query.standard_ordering, query.distinct),
        tuple((name, one.identity, getattr(one, "join_type", "")) for name, one in query.alias_map.items()),
        tuple(query.alias_refcount.items()),
    )


def _noted(compiler: Any, answer: tuple[Any, Any, Any]) -> Worked:
    compiler.is_of_known_shape = True
    return Worked(
        answer,
        tuple(getattr(compiler, name) for name in _OF_COMPILER),
        (*(dict(getattr(compiler.query, name)) for name in _OF_QUERY), _lists(compiler.query.table_map)),
    )


def _taken_over(compiler: Any, worked: Worked) -> tuple[Any, Any, Any]:
    for name, value in zip(_OF_COMPILER, worked.of_compiler, strict=True):
        setattr(compiler, name, value)
    for name, kept in zip(_OF_QUERY, worked.of_query[:-1], strict=True):
        setattr(compiler.query, name, dict(kept))
    compiler.query.table_map = _lists(worked.of_query[-1])
    compiler.where, compiler.having, compiler.qualify = compiler.query.where.split_having_qualify(must_group_by=False)
    compiler.is_of_known_shape = True
    return worked.answer


def _lists(table_map: dict[str, list[str]]) -> dict[str, list[str]]:
    return {table: list(aliases) for table, aliases in table_map.items()}


def _compare(fresh: Worked, kept: Worked) -> None:
    assert fresh.of_query == kept.of_query, f"worked out as {fresh.of_query}, remembered as {kept.of_query}"
    now, before = (_ADDRESS.sub("", repr(one[:2])) for one in (fresh, kept))
    assert now == before, f"worked out as {now}, remembered as {before}"
