"""A batch of statements is one thing: in order, in the caller's transaction, the connection as good as before."""

from __future__ import annotations

import gc
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from copy import copy
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError

from core import kill_points
from core.models import new_uid
from core.sql import Statement, insert, locking, mark_inserted, run, run_beside, run_last
from notifications.models import Alert, AlertLevel, OutboxMessage

is_postgres = connection.vendor == "postgresql"
only_postgres = pytest.mark.skipif(not is_postgres, reason="SQLite has neither a server nor plans that it keeps")

MAKE = "CREATE TABLE core_thing (name text PRIMARY KEY, amount bigint, told text)"
ADD = "INSERT INTO core_thing (name, amount) VALUES (%s, %s)"
READ = "SELECT amount FROM core_thing WHERE name = %s"


def add(name: str, amount: int | None = 1) -> Statement:
    return Statement(ADD, [name, amount])


def read(name: str) -> Statement:
    return Statement(READ, [name])


def names() -> set[str]:
    return {row[0] for row in run(Statement("SELECT name FROM core_thing"))[0].rows}


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def thing(db: None) -> None:
    execute(MAKE)


@pytest.fixture
def kept_thing(transactional_db: None) -> Iterator[None]:
    execute(MAKE)
    yield
    execute("DROP TABLE core_thing")


def times_kept(text: str) -> int:
    return run(Statement("SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [text]))[0].rows[0][0]


def test_each_statement_sees_what_those_before_it_did(thing):
    first, raised, then, nobody = run(
        add("a", 1),
        Statement("UPDATE core_thing SET amount = amount + %s", [2**40]),
        read("a"),
        read("b"),
    )
    assert (first.rows, first.touched, raised.touched) == ([], 1, 1)
    assert (then.rows, nobody.rows, nobody.touched) == ([(2**40 + 1,)], [], 0)


def test_a_name_may_stand_at_many_places_and_a_percent_sign_for_itself(thing):
    sql = "SELECT %(b)s || '%%' || %(a)s || %(b)s FROM core_thing WHERE name LIKE 'a%%' AND name <> %(a)s"
    if is_postgres:
        sql = sql.replace("%(b)s || '", "CAST(%(b)s AS text) || '")
    *_, told = run(add("abc"), Statement(sql, {"a": "x", "b": "y"}))
    assert told.rows == [("y%xy",)]


@pytest.mark.parametrize("amount", [None, 0, -1, 2**62])
def test_one_statement_takes_any_value(thing, amount):
    assert run(add("a", 7), add("b", amount), read("b"))[-1].rows == [(amount,)]


@only_postgres
def test_values_come_back_as_they_went(db):
    at, uid = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), uuid.uuid4()
    sql = "SELECT CAST(%s AS timestamptz), CAST(%s AS uuid), CAST(%s AS boolean), CAST(%s AS text), CAST(%s AS date)"
    assert run(Statement(sql, [at, uid, True, "'%s\"\\ ü", at.date()]))[0].rows == [
        (at, uid, True, "'%s\"\\ ü", at.date())
    ]


def test_the_first_that_touched_nothing_is_told_by_its_error(thing):
    nobody = "UPDATE core_thing SET amount = 0 WHERE name = %s"
    with pytest.raises(LookupError, match="b"):
        run(
            add("a"),
            Statement(nobody, ["a"], lambda: LookupError("a")),
            Statement(nobody, ["b"], lambda: LookupError("b")),
            Statement(nobody, ["c"], lambda: LookupError("c")),
        )


def test_one_that_fails_fails_the_batch_and_leaves_the_connection_usable(thing):
    with pytest.raises(IntegrityError), transaction.atomic():
        run(add("a"), add("a"), add("b"))
    run(add("c"))
    assert names() == {"c"}


def test_something_is_made_while_the_database_works(thing):
    assert run_beside(lambda: "made", add("a"), read("a")) == ("made", [([], 1), ([(1,)], 1)])
    with pytest.raises(LookupError, match="nobody"):
        run_beside(lambda: None, NOBODY)


def test_what_goes_wrong_meanwhile_is_told_and_leaves_the_connection_usable(thing):
    def fail() -> None:
        raise LookupError("meanwhile")

    with pytest.raises(LookupError, match="meanwhile"), transaction.atomic():
        run_beside(fail, add("a"), add("b"))
    run(add("c"))
    assert names() == {"c"}


def test_a_batch_is_part_of_its_transaction(thing):
    with pytest.raises(LookupError), transaction.atomic():
        run(add("a"), add("b"))
        raise LookupError
    assert names() == set()


def test_nothing_runs_in_a_transaction_that_is_lost(thing):
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            run(add("a"))
    assert names() == set()


def test_whoever_watches_is_shown_each_statement(thing):
    seen = []

    def watch(execute, sql, params, many, context):
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        answers = run(add("a"), read("a"))
    assert seen == [ADD, READ]
    assert answers == [([], 1), ([(1,)], 1)]


def test_a_row_is_inserted_as_its_model_would_save_it(db):
    message = OutboxMessage(topic="t", group="g", dedupe_key="one", payload={"é": [1, None, True]})
    alert = Alert(level=AlertLevel.ERROR, code="c", title="t", dedupe_key="a", extra={"n": 2**60})
    for row, saved in ((message, copy(message)), (alert, copy(alert))):
        [answer] = run(insert(row))
        mark_inserted(row, answer)
        saved.dedupe_key += " saved"
        if isinstance(saved, Alert):
            saved.uid = new_uid()
        saved.save()
        there = [type(row).objects.filter(pk=one.pk).values().get() for one in (row, saved)]
        differ = {name for name in there[0] if there[0][name] != there[1][name]}
        assert differ <= {"id", "uid", "dedupe_key"}
        assert type(row).objects.get(pk=row.pk).created_at == row.created_at


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_a_batch_begins_the_transaction_that_nobody_began_yet(kept_thing):
    with transaction.atomic(durable=True):
        run(add("a"), add("b"))
        assert not seen_elsewhere()
    assert seen_elsewhere() == {"a", "b"}
    run(add("c"))
    assert seen_elsewhere() == {"a", "b", "c"}
    with pytest.raises(LookupError), transaction.atomic(durable=True):
        run(add("d"))
        raise LookupError
    assert seen_elsewhere() == {"a", "b", "c"}


def seen_elsewhere() -> set[str]:
    """What another connection reads: what is committed."""
    seen: list[set[str]] = []

    def look() -> None:
        seen.append(names())
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(10)
    return seen[0]


NOBODY = Statement("UPDATE core_thing SET amount = 0 WHERE name = %s", ["nobody"], lambda: LookupError("nobody"))


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_the_last_batch_of_a_transaction_is_committed_with_its_answer(kept_thing):
    with transaction.atomic(durable=True):
        run(add("a", 1))
        changed = Statement("UPDATE core_thing SET amount = 2 WHERE name = %s", ["a"], LookupError)
        assert run_last(add("b"), changed, read("a")) == [([], 1), ([], 1), ([(2,)], 1)]
        assert seen_elsewhere() == {"a", "b"}
    with transaction.atomic(durable=True):
        run_last(add("c"))
    assert seen_elsewhere() == {"a", "b", "c"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("batch", "error"),
    [
        ([add("b"), add("a"), add("c")], IntegrityError),
        ([add("b"), NOBODY, add("c")], LookupError),
        ([NOBODY, add("a")], (LookupError, IntegrityError)),
        ([add("b"), Statement("SELECT 1 / (SELECT 0 FROM core_thing)")], DatabaseError),
    ],
)
def test_nothing_of_a_last_batch_is_kept_where_one_of_it_fails(kept_thing, batch, error):
    if not is_postgres and error is DatabaseError:
        pytest.skip("SQLite divides by zero")
    run(add("a"))
    with pytest.raises(error), transaction.atomic(durable=True):
        run(add("before"))
        run_last(*batch)
    assert names() == {"a"}
    with transaction.atomic(durable=True):
        run_last(add("d"))
    assert names() == {"a", "d"}


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_what_the_commit_itself_refuses_is_raised(kept_thing):
    execute("ALTER TABLE core_thing ADD of text REFERENCES core_thing (name) DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(IntegrityError), transaction.atomic(durable=True):
        run_last(Statement("INSERT INTO core_thing (name, of) VALUES ('a', 'nobody')"))
    assert names() == set()


@only_postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("last", [[], [add("b")]])
def test_a_broken_transaction_is_never_taken_for_a_committed_one(kept_thing, last):
    with pytest.raises(DatabaseError), transaction.atomic(durable=True):
        with pytest.raises(DatabaseError):
            run(add("a"), add("a"))
        run_last(*last)
    assert names() == set()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["nested", "not durable", "watched", "at a kill point", "in no transaction"])
def test_a_last_batch_is_one_as_any_other_where_more_may_come(kept_thing, way):
    def undone() -> None:
        with transaction.atomic(durable=way in ("watched", "at a kill point")):
            if way == "nested":
                with transaction.atomic():
                    run_last(add("a"))
            else:
                run_last(add("a"))
            raise LookupError

    if way == "in no transaction":
        assert run_last(add("a")) == [([], 1)]
        assert names() == {"a"}
        return
    with ExitStack() as watching:
        if way == "watched":
            watching.enter_context(connection.execute_wrapper(lambda execute, *rest: execute(*rest)))
        if way == "at a kill point":
            kill_points.install(lambda name: None)
            watching.callback(kill_points.install, None)
        with pytest.raises(LookupError):
            undone()
    assert names() == set()


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_lock_lets_the_other_thread_of_the_process_go_on(kept_thing):
    run(add("a", 0))
    asked = threading.Event()

    def raise_it() -> None:
        with transaction.atomic():
            asked.set()
            run(Statement(f"{READ} {locking()}", ["a"]), Statement("UPDATE core_thing SET amount = amount + 1"))
        connection.close()

    thread = threading.Thread(target=raise_it)
    with transaction.atomic():
        run(Statement(f"{READ} {locking()}", ["a"]))
        thread.start()
        assert asked.wait(10)
        until_somebody_waits()
        run(Statement("UPDATE core_thing SET amount = amount + 10"))
    thread.join(10)
    assert run(read("a"))[0].rows == [(11,)]


def until_somebody_waits() -> None:
    """For a lock that this connection holds."""
    waiting = Statement("SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")
    deadline = time.monotonic() + 10
    while not run(waiting)[0].rows:
        assert time.monotonic() < deadline, "nobody waits"


@only_postgres
def test_a_statement_is_parsed_once_whatever_its_values_and_also_after_a_rollback(thing):
    run(*(Statement(TOLD, [name, None]) for name in ("a", "b")), Statement(TOLD, ["c", 2**50]))
    with pytest.raises(IntegrityError), transaction.atomic():
        run(Statement(TOLD, ["a", 1]))
    run(Statement(TOLD, ["d", 1]))
    assert times_kept(TOLD_AS_SENT) == 1


@only_postgres
def test_behind_a_pooler_nothing_is_kept_on_the_connection(thing):
    connection.connection.prepare_threshold, kept = None, connection.connection.prepare_threshold
    try:
        run(Statement(UNKEPT, ["a", 1]), read("a"))
        assert times_kept(UNKEPT_AS_SENT) == 0
        assert names() == {"a"}
    finally:
        connection.connection.prepare_threshold = kept


TOLD, TOLD_AS_SENT = f"{ADD} -- told", "INSERT INTO core_thing (name, amount) VALUES ($1, $2) -- told"
UNKEPT, UNKEPT_AS_SENT = f"{ADD} -- unkept", "INSERT INTO core_thing (name, amount) VALUES ($1, $2) -- unkept"
"""Texts that no other test sends."""


@only_postgres
@pytest.mark.parametrize("event", ["DEALLOCATE ALL", "ALTER TABLE core_thing ALTER amount TYPE numeric"])
def test_a_connection_whose_plans_became_useless_fails_once(thing, event):
    run(add("a"), read("a"))
    execute(event)
    with pytest.raises(DatabaseError), transaction.atomic():
        run(read("a"))
    assert run(read("a"))[0].rows == [(1,)]


@only_postgres
def test_a_value_that_cannot_be_text_is_refused_before_anything_is_sent(thing):
    with pytest.raises(DataError), transaction.atomic():
        run(add("a"), add("b\0"))
    assert names() == set()


@only_postgres
def test_batches_larger_than_any_buffer_do_not_stall(thing):
    text = "x" * 500_000
    told = run(*(Statement("SELECT CAST(%s AS text)", [text]) for _ in range(100)))
    assert [len(answer.rows[0][0]) for answer in told] == [500_000] * 100


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_is_told_and_then_replaced(kept_thing):
    [answer] = run(Statement("SELECT pg_backend_pid()"))
    ending = threading.Thread(target=end_backend, args=[answer.rows[0][0]])
    ending.start()
    ending.join(10)
    with pytest.raises(OperationalError), transaction.atomic():
        run(add("a"), add("b"))
    connection.close_if_unusable_or_obsolete()
    run(add("c"))
    assert names() == {"c"}


def end_backend(pid: int) -> None:
    run(Statement("SELECT pg_terminate_backend(%s, 5000)", [pid]))
    connection.close()


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_what_is_kept_of_a_connection_does_not_keep_it(kept_thing):
    run(add("a"))
    driver = weakref.ref(connection.connection)
    connection.close()
    gc.collect()
    assert driver() is None
