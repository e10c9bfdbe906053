"""Runs have databases of their own; the tables come from the tests' database where that is SQLite, too."""

from __future__ import annotations

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
            tables = connection.connection.serialize()
        image(tables)


@pytest.fixture(autouse=True)
def unblocked(staged: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield
