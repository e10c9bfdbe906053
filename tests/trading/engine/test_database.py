"""What a thread of the database does again, and what it must not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from django.db import IntegrityError, InternalError
from psycopg.errors import Error, RaiseException, ReadOnlySqlTransaction

from trading.engine.database import DatabaseThread


@pytest.fixture
async def database() -> AsyncIterator[DatabaseThread]:
    thread = DatabaseThread("test")
    yield thread
    await thread.close()


class Write:
    """Fails once as the driver tells it, then succeeds."""

    def __init__(self, problem: Error) -> None:
        self._problem = problem
        self.tries = 0

    def __call__(self) -> int:
        self.tries += 1
        if self.tries == 1:
            raise InternalError(*self._problem.args) from self._problem
        return self.tries


@pytest.mark.parametrize("way", ["call", "persist", "attempt"])
async def test_what_a_trigger_of_ours_refuses_is_told_as_sqlite_tells_it_and_not_written_again(
    database: DatabaseThread, way: str
):
    write = Write(RaiseException("rows are append-only"))
    with pytest.raises(IntegrityError, match="append-only"):
        await getattr(database, way)(write)
    assert write.tries == 1


async def test_what_may_only_be_read_for_now_is_written_when_it_may_be(database: DatabaseThread):
    assert await database.persist(Write(ReadOnlySqlTransaction())) == 2
