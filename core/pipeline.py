"""Batches of statements to PostgreSQL: parsed once per connection, sent together, answered together.

Story: psycopg's own pipeline speaks with the server at every statement and turns each text into PostgreSQL's anew,
which costs more than the statements themselves. Here libpq gets a batch whole, and its answers are waited for once.
Invariant: a batch leaves the connection as a psycopg cursor would: inside the transaction that psycopg would have
begun, out of pipeline mode, the first error raised. After an error PostgreSQL skips what is left of the batch, a COMMIT
included.
Source: https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from functools import lru_cache, partial
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import Connection, errors
from psycopg.abc import Buffer, PQGen
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.generators import fetch_many, send
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

Values = Mapping[str, Any] | Sequence[Any]
Rows = list[tuple[Any, ...]]
_Query = tuple[bytes, Sequence[Buffer | None]]

_PLACE = re.compile(r"%(?:%|s|\((\w+)\)s)")


class _Memory:
    """What is kept for one connection: how values are written and read, and the names of the statements it has parsed.

    It does not hold the connection, which would never end then.
    """

    def __init__(self, driver: Connection[Any]) -> None:
        self.values = Transformer(AdaptersMap(driver.adapters))
        self.names: dict[bytes, bytes] = {}

    def query(self, sql: str, values: Values) -> _Query:
        """As libpq takes it. Values are text without a type, so that PostgreSQL finds the type in the statement and one
        plan serves them all."""
        text, places, formats = _numbered(sql)
        given: Any = values
        return text, self.values.dump_sequence([given[place] for place in places], formats)

    def answer(self, result: PGresult) -> tuple[Rows, int]:
        self.values.set_pgresult(result)
        rows = self.values.load_rows(0, result.ntuples, tuple) if result.nfields else []
        return rows, result.command_tuples or 0


_memories: WeakKeyDictionary[Connection[Any], _Memory] = WeakKeyDictionary()
_numbers = count()


class Untouched(Exception):
    """The statement at `place` of its batch found no row, so nothing of the batch holds."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def _nothing() -> None:
    pass


def exchange(
    driver: Connection[Any], batch: Sequence[tuple[str, Values]], meanwhile: Callable[[], None] = _nothing
) -> list[tuple[Rows, int]]:
    """Rows and the number of rows touched of each statement, in order. Raises psycopg's errors. `meanwhile`, which must
    leave the connection alone, is called while PostgreSQL works."""
    memory = _memory_of(driver)
    queries = [memory.query(sql, values) for sql, values in batch]
    results = _answered(driver, memory, queries, meanwhile=meanwhile)
    return [memory.answer(result) for result in results]


def exchange_and_commit(
    driver: Connection[Any], batch: Sequence[tuple[str, Values]], must_touch: Container[int]
) -> list[tuple[Rows, int]]:
    """As `exchange`, with the transaction's COMMIT in the same round trip: it is done when this returns. Not done, and
    the transaction broken, when one fails, or when one whose place is in `must_touch` (no SELECT, without RETURNING)
    finds no row: raises Untouched."""
    memory = _memory_of(driver)
    texts = [_failing(sql) if place in must_touch else sql for place, (sql, _) in enumerate(batch)]
    queries = [memory.query(text, values) for text, (_, values) in zip(texts, batch, strict=True)]
    *results, end = _answered(driver, memory, [*queries, (b"COMMIT", [])], must_touch)
    if end.command_status != b"COMMIT":  # it says ROLLBACK where the transaction was broken before
        raise errors.InFailedSqlTransaction("There was nothing left to commit.")
    answers = [memory.answer(result) for result in results]
    return [([], rows[0][0]) if place in must_touch else (rows, n) for place, (rows, n) in enumerate(answers)]


def _memory_of(driver: Connection[Any]) -> _Memory:
    return _memories.get(driver) or _memories.setdefault(driver, _Memory(driver))


@lru_cache(maxsize=64)
def _failing(sql: str) -> str:
    """The same, and an error (division by zero) where it touches nothing: so much can be said in the batch itself."""
    return f"WITH touched AS ({sql} RETURNING 1) SELECT count(*), 1 / count(*) FROM touched"


def _answered(
    driver: Connection[Any],
    memory: _Memory,
    queries: Sequence[_Query],
    must_touch: Container[int] = (),
    meanwhile: Callable[[], None] = _nothing,
) -> list[PGresult]:
    try:
        results = _sent(driver, memory, queries, meanwhile)
        for place, result in enumerate(results):
            if result.status == ExecStatus.FATAL_ERROR:
                error = errors.error_from_result(result)
                if isinstance(error, errors.DivisionByZero) and place in must_touch:
                    raise Untouched(place) from error
                raise error
    except (errors.IntegrityError, Untouched):
        raise
    except errors.Error:  # what a name stands for may have changed, or be known no more
        memory.names.clear()
        raise
    return results


def _sent(
    driver: Connection[Any], memory: _Memory, queries: Sequence[_Query], meanwhile: Callable[[], None]
) -> list[PGresult]:
    """A result of each; from the first that failed on there is nothing in them."""
    pgconn, names = driver.pgconn, memory.names
    if driver.prepare_threshold is None:  # behind a pooler, which gives every transaction another connection
        commands = [partial(pgconn.send_query_params, sql, values) for sql, values in queries]
    else:
        if new := {sql: b"courtside_%d" % next(_numbers) for sql, _ in queries if sql not in names}:
            _succeeded(_round(driver, [partial(pgconn.send_prepare, name, sql) for sql, name in new.items()]))
            names.update(new)
        commands = [partial(pgconn.send_query_prepared, names[sql], values) for sql, values in queries]
    if driver.autocommit or pgconn.transaction_status != TransactionStatus.IDLE:
        return _round(driver, commands, meanwhile)
    begun, *results = _round(driver, [partial(pgconn.send_query_params, b"BEGIN", None), *commands], meanwhile)
    _succeeded([begun])
    return results


def _succeeded(results: Sequence[PGresult]) -> None:
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result)


def _round(
    driver: Connection[Any], commands: Sequence[Callable[[], None]], meanwhile: Callable[[], None] = _nothing
) -> list[PGresult]:
    """One result for each. Nothing else holds the thread's connection meanwhile; waiting holds no interpreter lock."""
    pgconn = driver.pgconn
    pgconn.enter_pipeline_mode()
    try:
        for command in commands:
            command()
        pgconn.pipeline_sync()
        try:
            meanwhile()
        finally:  # whatever became of it, the answers come
            results = driver.wait(_results(pgconn, len(commands)))
    finally:
        if pgconn.status == ConnStatus.OK:
            pgconn.exit_pipeline_mode()
    return results


def _results(pgconn: PGconn, expected: int) -> PQGen[list[PGresult]]:
    yield from send(pgconn)
    results: list[PGresult] = []
    for _ in range(expected):
        results += yield from fetch_many(pgconn)
    yield from fetch_many(pgconn)  # the synchronisation
    return results


@lru_cache(maxsize=256)
def _numbered(sql: str) -> tuple[bytes, tuple[int | str, ...], list[PyFormat]]:
    """`$1` for `%s` or `%(name)s`, and for each number the index or name of its value, and how it is written."""
    places: list[int | str] = []

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        place = found[1] or len(places)
        if place not in places:
            places.append(place)
        return f"${places.index(place) + 1}"

    text = _PLACE.sub(number, sql).encode()
    return text, tuple(places), [PyFormat.TEXT] * len(places)
