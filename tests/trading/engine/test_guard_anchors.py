"""The guard anchors the audit trail beside the database, and stops everything on a database that lost what it knew."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from django.db import connection

from audit.anchors import FILE_NAME, AnchorFile, read_anchors
from audit.models import AuditEntry
from audit.selectors import chain_names, chain_verify
from audit.services import audit_append
from audit.services_anchors import anchors_accept
from notifications.models import Alert
from risk.models import HaltState, TradingHalt
from tests.audit import forgery
from tests.swapped import swapped
from trading.engine import guard_anchors
from trading.engine.guard_anchors import AnchorAgent, anchor_here
from trading.services.guard import BEHIND


def append(count: int = 1) -> None:
    for _ in range(count):
        audit_append(chain="a", actor="ann", kind="thing.done")


def lines(folder: Path) -> list[tuple[str, int]]:
    """Of every line why it was written, and what it knows of 'a' (0: nothing new)."""
    return [(one.why, one.heads["a"].seq if "a" in one.heads else 0) for one in read_anchors(folder / FILE_NAME)]


@pytest.mark.django_db
def test_a_trail_that_moves_is_anchored_each_minute_or_thousand_entries_and_one_at_rest_never(tmp_path: Path):
    agent = AnchorAgent(tmp_path)
    append(2)
    assert agent.write("guard started")
    agent.look()
    with swapped(guard_anchors, "PERIOD_S", 0.0):
        agent.look()
        assert lines(tmp_path) == [("guard started", 2)], "nothing moved"
        append()
        agent.look()
    assert lines(tmp_path)[1:] == [("period", 3)]
    with swapped(guard_anchors, "PERIOD_ENTRIES", 3):
        append(2)
        agent.look()
        assert len(lines(tmp_path)) == 2, "neither a minute nor so many entries"
        append()
        agent.look()
    assert lines(tmp_path)[2:] == [("period", 6)]
    assert [chain_verify(name) for name in chain_names()] == [None, None]


@pytest.mark.django_db
def test_a_database_that_lost_what_was_anchored_stops_everything_until_it_is_accepted(tmp_path: Path):
    append(2)
    forgery.take_copies()
    append(2)
    assert AnchorAgent(tmp_path).write("guard stopped")
    forgery.restored(tmp_path)
    again = AnchorAgent(tmp_path)
    for _ in range(2):
        assert not again.write("guard started")
    halt = TradingHalt.objects.get(code=BEHIND)
    assert (halt.scope, halt.state) == ("global", HaltState.HALTED)
    assert "The anchors know entry 4 of 'a', which the database does not have: it ends at 2." in halt.reason
    assert AuditEntry.objects.filter(kind="halt.changed").count() == 1, "it is said once"
    assert len(lines(tmp_path)) == 1, "nothing is written over what the file knows"
    anchors_accept(file=AnchorFile(tmp_path / FILE_NAME), reason="the disk died", actor="op")
    assert again.write("guard started")


@pytest.mark.django_db
def test_a_file_that_cannot_be_written_or_was_changed_is_told_to_the_operators(tmp_path: Path):
    (tmp_path / FILE_NAME).mkdir()
    assert not AnchorAgent(tmp_path).write("guard started")
    (tmp_path / FILE_NAME).rmdir()
    for why in ("guard started", "guard stopped"):
        assert AnchorAgent(tmp_path).write(why)
    forgery.anchors_edited(tmp_path / FILE_NAME)
    assert not AnchorAgent(tmp_path).write("guard started")
    alert = Alert.objects.get(code="audit_not_anchored")
    assert (alert.user, alert.level) == (None, "critical")
    assert not TradingHalt.objects.exists()


def test_the_guard_anchors_at_its_start_at_a_halt_and_at_its_end_and_the_trader_in_the_same_file(
    shared_database: None, tmp_path: Path
):
    agent, asked_to_stop = AnchorAgent(tmp_path), threading.Event()
    thread = threading.Thread(target=agent.run, args=(asked_to_stop,))
    thread.start()
    try:
        written(tmp_path, "guard started")
        agent.hurry()
        written(tmp_path, "halted")
        assert anchor_here(tmp_path, why="trader stopped", actor="trader")
    finally:
        asked_to_stop.set()
        agent.hurry()
        thread.join()
    assert [why for why, _ in lines(tmp_path)] == ["guard started", "halted", "trader stopped", "guard stopped"]
    assert [chain_verify(name) for name in chain_names()] == [None]


def written(folder: Path, why: str) -> None:
    deadline = time.monotonic() + 30.0
    while why not in [one for one, _ in lines(folder)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a file does not go away: PostgreSQL's connections do")
@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_while_trouble_is_told_leaves_the_agent_alive_and_is_told_later(tmp_path: Path):
    (tmp_path / FILE_NAME).write_text("no anchor\n")
    agent = AnchorAgent(tmp_path)
    connection.ensure_connection()
    connection.connection.close()
    assert not agent.write("guard started")
    assert not Alert.objects.filter(code="audit_not_anchored").exists()
    assert not agent.write("period")
    assert Alert.objects.get().code == "audit_not_anchored"
