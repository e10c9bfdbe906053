"""A database that an engine's threads share with the test, and a stand with an engine on it.

On SQLite the suite's own database lives in memory, where threads lock each other out; engines get a copy of it in a
file. On PostgreSQL they use the test database itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections

from tests.trading.engine.stand import IDLE, Stand, standing
from tests.trading.engine.trouble import Trouble


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """Every thread of the test sees the same rows, as in the running program."""
    if connections["default"].vendor == "sqlite":
        with _as_file(tmp_path / "courtside.sqlite3"):
            yield
    else:
        yield


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
async def stand(
    shared_database: None, tmp_path: Path, trouble: Trouble, request: pytest.FixtureRequest
) -> AsyncIterator[Stand]:
    """An engine that trades nothing by itself, at venues of two games that run `PACE` of the test's module times as
    fast as real ones, ten times where it says nothing."""
    pace = getattr(request.module, "PACE", 10.0)
    async with standing(tmp_path, settings=IDLE, faults=trouble, seed=7, speed=pace, games=2) as stand:
        await stand.start_engine()
        yield stand


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
