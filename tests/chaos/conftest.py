"""Runs have databases of their own; the tables come from the tests' database where that is SQLite, too."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.chaos.stage import image


@pytest.fixture(scope="session")
def staged(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        tables = None
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            with contextlib.closing(sqlite3.connect(":memory:")) as copy:
                connection.connection.backup(copy)  # a shared cache cannot be serialized itself
                tables = copy.serialize()
        image(tables)


@pytest.fixture(autouse=True)
def unblocked(staged: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield
