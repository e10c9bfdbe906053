"""A database that an engine's threads share with the test, and a stand to run engines on.

On SQLite the suite's own database lives in memory, where threads lock each other out; engines get a copy of it in a
file. On PostgreSQL they use the test database itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """Every thread of the test sees the same rows, as in the running program."""
    if connections["default"].vendor == "sqlite":
        with _as_file(tmp_path / "courtside.sqlite3"):
            yield
    else:
        yield


@contextmanager
def _as_file(path: Path) -> Iterator[None]:
    """While open, `default` means this file, in all threads; it begins as a copy of the migrated test database."""
    memory, settings = connections["default"], connections.settings["default"]
    memory.ensure_connection()
    file = sqlite3.connect(path)
    memory.connection.backup(file)
    file.close()
    name, settings["NAME"] = settings["NAME"], str(path)
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        settings["NAME"] = name
        connections["default"] = memory
