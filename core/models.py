"""What models of all apps share: the outside id, the append-only row and CHECK constraints for every state.

Invariant: a row of an append-only model is written once; neither the instance nor a queryset can change or delete it.
"""

from __future__ import annotations

import uuid
from enum import Enum
from typing import Any, NoReturn

from django.db import models
from uuid_utils.compat import uuid7

from core import clock


def new_uid() -> uuid.UUID:
    """A UUIDv7: sorts by time of creation."""
    return uuid7()


def choices_of(states: type[Enum]) -> list[tuple[str, str]]:
    """Choices for a field whose values are those of an enum of the pure code."""
    return [(str(state.value), str(state.value).replace("_", " ")) for state in states]


def only(field: str, states: type[Enum]) -> models.CheckConstraint:
    """The database refuses a value that is not in the enum."""
    values = sorted(str(state.value) for state in states)
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": values}), name=f"%(class)s_{field}_known")


class PublicId(models.Model):
    """`uid` is how the outside names the row; the bigint id stays inside."""

    uid = models.UUIDField(default=new_uid, unique=True, editable=False)

    class Meta:
        abstract = True


class Stamped(models.Model):
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        abstract = True


class AppendOnlyError(RuntimeError):
    """Code tried to change or delete a row of a ledger."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    def update(self, **_fields: Any) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed")

    def delete(self) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted")

    def bulk_update(self, *_args: Any, **_fields: Any) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed")


class AppendOnly(Stamped):
    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, **options: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} rows are never changed")
        super().save(**{**options, "force_insert": True})

    def delete(self, *_args: Any, **_options: Any) -> NoReturn:
        raise AppendOnlyError(f"{type(self).__name__} rows are never deleted")
