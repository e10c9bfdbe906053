"""A process that stops within a batch keeps its locks for ever, if nobody ends its session. PostgreSQL only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from core.stuck import WAITED, stuck_sessions_end
from tests.builders import an_account
from trading.engine.guard_sessions import LOOK_EVERY_S, end_stuck_sessions
from trading.models import AccountLedger
from trading.services.lease import LEASE

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server's sessions and row locks"),
]

LOCK = "SELECT * FROM trading_accountledger FOR UPDATE"
SHORT = timedelta(milliseconds=200)
WITHIN_S = 15.0

T = TypeVar("T")


@contextmanager
def a_session(*, name: str = "courtside") -> Iterator[psycopg.Connection]:
    """Beside the test's own, with the program's settings; it may be lost in the block."""
    others = ("cursor_factory", "context", "prepare_threshold")
    given = {key: value for key, value in connection.get_connection_params().items() if key not in others}
    other = psycopg.connect(**{**given, "application_name": name})
    try:
        yield other
    finally:
        other.close()


def is_free() -> bool:
    """Nobody holds the ledgers' rows."""
    try:
        with transaction.atomic():
            list(AccountLedger.objects.select_for_update(nowait=True))
    except OperationalError:
        return False
    return True


def seen(see: Callable[[], T], *, within_s: float = WITHIN_S) -> T:
    """What `see` shows as soon as it shows something, or at last."""
    deadline = time.monotonic() + within_s
    while not (shown := see()) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    return shown


def test_the_session_of_a_process_that_stopped_within_a_batch_is_ended_and_its_locks_are_free():
    an_account()
    with a_session() as stopped, pytest.raises(psycopg.OperationalError), stopped.pipeline():
        stopped.execute(LOCK)
        assert seen(lambda: not is_free())
        assert seen(lambda: stuck_sessions_end(waited=SHORT)) == 1
        assert seen(is_free)
        stopped.execute("SELECT 1").fetchall()


def test_nothing_else_is_ended():
    """Not a batch that is young, not a session between two statements, not one that works or waits for a lock, not
    somebody else's: psql and a restored backup have names of their own."""
    an_account()
    with a_session() as young, young.pipeline():
        young.execute(LOCK)
        assert stuck_sessions_end() == 0
        young.execute("ROLLBACK")
    with a_session() as idle, a_session() as waiting, a_session(name="pg_restore") as other, other.pipeline():
        idle.execute(LOCK)
        other.execute("SELECT 1 FROM trading_accountledger")
        blocked = threading.Thread(target=waiting.execute, args=[LOCK])
        blocked.start()
        assert seen(lambda: stuck_sessions_end(waited=SHORT), within_s=SHORT.total_seconds() * 4) == 0
        idle.rollback()
        blocked.join(WITHIN_S)
        assert not blocked.is_alive()
        waiting.rollback()
        other.execute("ROLLBACK")


def test_the_guard_sees_to_it_before_a_lease_runs_out():
    assert WAITED + timedelta(seconds=LOOK_EVERY_S) < LEASE
    an_account()
    asked = threading.Event()
    looking = threading.Thread(target=end_stuck_sessions, args=[asked], kwargs={"waited": SHORT})
    with a_session() as stopped, pytest.raises(psycopg.OperationalError), stopped.pipeline():
        stopped.execute(LOCK)
        assert seen(lambda: not is_free())
        looking.start()
        assert seen(is_free)
        asked.set()
        looking.join(WITHIN_S)
        assert not looking.is_alive()
        stopped.execute("SELECT 1").fetchall()
