"""The guard writes down, outside the database, how far the audit trail has come.

Story: an anchor at its start and end, at every halt it hears of, and else once a minute or every thousand entries while
the trail moves (SECURITY S-20). It is the guard because its host has the data folder and because it needs no broker. A
database that lost what an anchor knows (a restored backup) halts everything until a person looked.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

import structlog
from django.db import Error, close_old_connections, connections

from audit.anchors import FILE_NAME, AnchorFile, AnchorsAhead, AnchorsDamaged
from audit.selectors import entries_count
from audit.services_anchors import anchor_write
from trading.services.guard import ACTOR, guard_alert_unanchored, guard_halt_behind

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0
PERIOD_S = 60.0
PERIOD_ENTRIES = 1_000


class AnchorAgent:
    """`run` in a thread of its own; `hurry` from any other: a halt was written."""

    def __init__(self, data_dir: Path) -> None:
        self._file = AnchorFile(data_dir / FILE_NAME)
        self._hurry = threading.Event()
        self._written_s = 0.0
        self._entries = 0

    def run(self, asked_to_stop: threading.Event) -> None:
        self.write("guard started")
        while not asked_to_stop.is_set():
            if self._hurry.wait(LOOK_EVERY_S) and not asked_to_stop.is_set():
                self._hurry.clear()
                self.write("halted")
            self.look()
        self.write("guard stopped")
        connections.close_all()

    def hurry(self) -> None:
        self._hurry.set()

    def look(self) -> None:
        """Write where a minute or a thousand entries have passed, and nothing where the trail stands still."""
        try:
            moved = entries_count() - self._entries
        except Error as error:
            _without_database(error)
            return
        is_due = time.monotonic() - self._written_s >= PERIOD_S
        if moved and (is_due or abs(moved) >= PERIOD_ENTRIES):
            self.write("period")

    def write(self, why: str) -> bool:
        """False where it could not be; the operators are told why."""
        is_written = anchor(self._file, why=why, actor=ACTOR)
        if is_written:
            self._written_s = time.monotonic()
            with suppress(Error):  # it is counted anew at the next look
                self._entries = entries_count()
        return is_written


def anchor_here(data_dir: Path, *, why: str, actor: str) -> bool:
    """For whoever starts or stops beside the guard, on a thread of its own: one anchor in the same file."""
    try:
        return anchor(AnchorFile(data_dir / FILE_NAME), why=why, actor=actor)
    finally:
        close_old_connections()


def anchor(file: AnchorFile, *, why: str, actor: str) -> bool:
    """Never raises for a file or a database that is away, not even while that is being told: the guard anchors on, and
    what could not be said is said at the next look."""
    try:
        return _anchor(file, why=why, actor=actor)
    except Error as error:
        _without_database(error)
        return False


def _anchor(file: AnchorFile, *, why: str, actor: str) -> bool:
    try:
        anchor_write(file=file, why=why, actor=actor)
    except AnchorsAhead as problem:
        log.critical("audit_behind_anchors", problem=str(problem))
        guard_halt_behind(problem=str(problem))
    except (OSError, AnchorsDamaged) as problem:
        log.error("audit_not_anchored", problem=str(problem))
        guard_alert_unanchored(problem=str(problem))
    else:
        return True
    return False


def _without_database(error: Exception) -> None:
    log.error("anchors_without_database", error=str(error))
    close_old_connections()
