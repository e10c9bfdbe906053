"""Querysets that remember how they were made, and SQL that is worked out once for each way of making one.

Story: most of a run's time went into building the same queries again. While this is open a queryset keeps its steps
(`filter`, `order_by`, ...) apart from the values that it asks with. The first of its kind is built by Django, and the
statement that comes of it is kept with the lookups that prepare its values; the next of its kind prepares its own
values and runs that statement. Whatever is not plainly one of these steps (Q objects, expressions, updates) makes the
queryset do its steps and be an ordinary one. Invariant: the same SQL with the same values as Django's own;
`recipes(compare=True)` builds every query in both ways and raises AssertionError where they differ.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.query import FlatValuesListIterable, ValuesListIterable
from django.db.models.sql import Query
from django.db.models.sql.constants import ROW_COUNT

import tests.chaos.plans as plans
from tests.chaos.plans import LISTS, SCALARS, Step, is_constant, planned, planned_update
from tests.swapped import swapped

_LISTED = (*SCALARS, Model)
_UNMADE: Any = object()
"""Stands for the query of a queryset that has only steps."""


@contextmanager
def recipes(*, compare: bool = False) -> Iterator[None]:
    """While open, queries of a known making are not built again."""
    with ExitStack() as stack:
        stack.enter_context(swapped(plans, "compares", compare))
        for name, value in _METHODS.items():
            stack.enter_context(swapped(QuerySet, name, value))
        yield


# --- what a queryset does instead -----------------------------------------------------------------------------------


def _init(self: Any, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
    self._steps = None
    _REAL.__init__(self, model, query or _UNMADE, using, hints)
    if query is None:
        self._query, self._steps = None, ()


def _made(self: Any) -> Any:
    """The query, for whoever asks for it: from now on this is an ordinary queryset."""
    if self._steps is not None:
        ordinary = _ordinary(self)
        self._steps, self._query = None, ordinary._query
    return _REAL.query.fget(self)


def _clone(self: Any) -> Any:
    return _REAL._clone(self) if self._steps is None else _and_then(self)


def _filtered(self: Any, negate: bool, args: Any, kwargs: Any) -> Any:
    is_plain = not (self._sticky_filter or self._defer_next_filter) and self._steps is not None
    step = _filter_step(negate, args, kwargs) if is_plain else None
    return _REAL._filter_or_exclude(self, negate, args, kwargs) if step is None else _and_then(self, step)


def _plainly(name: str) -> Any:
    """A method that takes nothing but names."""

    def told(self: Any, *names: Any, **more: Any) -> Any:
        method = getattr(_REAL, name)
        if self._steps is None or not all(type(one) is str for one in names):
            return method(self, *names, **more)
        key = (name, names, tuple(more.items()))
        return _and_then(self, Step(key, lambda ordinary: method(ordinary, *names, **more)))

    return told


def _no_combination(self: Any, operation: str) -> None:
    """Steps alone are never a union."""
    if self._steps is None:
        _REAL._not_support_combined_queries(self, operation)


def _values_list(self: Any, *names: Any, flat: bool = False, named: bool = False) -> Any:
    if self._steps is None or named or not all(type(one) is str for one in names):
        return _REAL.values_list(self, *names, flat=flat, named=named)
    step = Step(("values_list", names, flat), lambda ordinary: _REAL.values_list(ordinary, *names, flat=flat))
    told = _and_then(self, step)
    told._iterable_class, told._fields = FlatValuesListIterable if flat else ValuesListIterable, names
    return told


def _sliced(self: Any, which: Any) -> Any:
    is_plain = isinstance(which, slice) and not which.start and not which.step and self._result_cache is None
    if self._steps is None or not is_plain or type(which.stop) is not int or which.stop < 1:
        return _REAL.__getitem__(self, which)
    return _and_then(self, Step(("limit", which.stop), lambda ordinary: _REAL.__getitem__(ordinary, which)))


def _first(self: Any) -> Any:
    if self._steps is None:
        return _REAL.first(self)
    return next(iter(_and_then(self, Step("first", _first_of))), None)


def _get(self: Any, *args: Any, **kwargs: Any) -> Any:
    told = _filtered(self, False, args, kwargs)
    if told._steps is None:
        return _REAL.get(told)
    rows = list(_and_then(told, Step("get", _few_of)))
    return rows[0] if len(rows) == 1 else _REAL.get(told)  # which says what is wrong


def _exists(self: Any) -> Any:
    if self._steps is None or self._result_cache is not None:
        return _REAL.exists(self)
    query = _planned(_and_then(self, Step("exists", _any_of)))
    return _REAL.exists(self) if query is None else query.get_compiler().has_results()


def _update(self: Any, **kwargs: Any) -> Any:
    is_plain = self._steps is not None and not any(hasattr(one, "resolve_expression") for one in kwargs.values())
    query = planned_update(_ordinary, self, kwargs) if is_plain else None
    if query is None:
        return _REAL.update(self, **kwargs)
    with transaction.mark_for_rollback_on_error(using=self.db):
        return query.get_compiler().execute_sql(ROW_COUNT)


def _fetch_all(self: Any) -> None:
    if self._result_cache is None and self._steps is not None and (query := _planned(self)) is not None:
        known = self._known_related_objects
        asked = SimpleNamespace(db=self.db, query=query, model=self.model, _known_related_objects=known)
        self._result_cache = list(query.iterable(asked))
    _REAL._fetch_all(self)


_METHODS = {
    "__init__": _init, "query": property(_made, QuerySet.query.fset), "_clone": _clone,  # type: ignore[attr-defined]
    "_filter_or_exclude": _filtered, "order_by": _plainly("order_by"), "select_related": _plainly("select_related"),
    "select_for_update": _plainly("select_for_update"), "values_list": _values_list, "__getitem__": _sliced,
    "first": _first, "get": _get, "exists": _exists, "update": _update, "_fetch_all": _fetch_all,
    "_not_support_combined_queries": _no_combination,
}  # fmt: skip
_REAL = SimpleNamespace(**{name: getattr(QuerySet, name) for name in _METHODS})


# --- steps ----------------------------------------------------------------------------------------------------------


def _planned(queryset: Any) -> Any:
    return planned(_ordinary, queryset)


def _and_then(queryset: Any, *steps: Step) -> Any:
    """A copy that does these steps too."""
    copy = queryset.__class__(model=queryset.model, using=queryset._db, hints=queryset._hints)
    copy._steps = (*queryset._steps, *steps)
    copy._for_write = queryset._for_write
    copy._sticky_filter = queryset._sticky_filter
    copy._prefetch_related_lookups = queryset._prefetch_related_lookups
    copy._known_related_objects = queryset._known_related_objects
    copy._iterable_class, copy._fields = queryset._iterable_class, queryset._fields
    return copy


def _ordinary(queryset: Any) -> Any:
    """As Django would have made it."""
    query = Query(queryset.model)
    made = queryset.__class__(model=queryset.model, query=query, using=queryset._db, hints=queryset._hints)
    for step in queryset._steps:
        made = step.do(made)
    return made


def _filter_step(negate: bool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Step | None:
    """None: asks with something that is neither a value nor a constant."""
    values: list[Any] = []
    key = _asked((*args, *sorted(kwargs.items())), values)
    if key is None:
        return None
    return Step(("filter", negate, key), lambda made: made._filter_or_exclude(negate, args, kwargs), tuple(values))


def _asked(children: Iterable[Any], values: list[Any]) -> Hashable | None:
    """The conditions without their values, which are added to `values` in the order in which Django takes them."""
    key: list[Hashable] = []
    for child in children:
        if isinstance(child, Q):
            inner = _asked(child.children, values)
            kind = None if inner is None else (child.connector, child.negated, inner)
        elif isinstance(child, tuple):
            values.append(child[1])
            kind = _kind(*child)
        else:
            return None
        if kind is None:
            return None
        key.append(kind)
    return tuple(key)


def _kind(name: str, value: Any) -> tuple[Hashable, ...] | None:
    """What of a condition the statement depends on."""
    if is_constant(value):
        return name, value
    if isinstance(value, SCALARS) or (isinstance(value, Model) and value.pk is not None):
        return name, type(value)
    if isinstance(value, LISTS) and name.endswith("__in") and all(isinstance(one, _LISTED) for one in value):
        return name, len(set(value))
    return None


def _first_of(ordinary: Any) -> Any:
    return (ordinary if ordinary.ordered else ordinary.order_by("pk"))[:1]


def _few_of(ordinary: Any) -> Any:
    few = ordinary.order_by()
    few.query.set_limits(high=21)
    return few


def _any_of(ordinary: Any) -> Any:
    ordinary = ordinary._chain()
    ordinary._query = ordinary.query.exists()
    return ordinary
