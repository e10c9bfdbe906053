"""The guard's care for the database: a process that was stopped in the middle of a write holds up nobody for long.

On a thread of its own, and only reading the server's list of sessions: it waits for no lock that it is to free.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog
from django.db import Error, close_old_connections, connection, connections

from core.stuck import WAITED, stuck_sessions_end

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0


def end_stuck_sessions(asked_to_stop: threading.Event, *, waited: timedelta = WAITED) -> None:
    """Those that have `waited`, until asked to stop; at once at an end where the database has no sessions (SQLite)."""
    try:
        while connection.vendor == "postgresql" and not asked_to_stop.is_set():
            _look(waited)
            asked_to_stop.wait(LOOK_EVERY_S)
    finally:
        connections.close_all()


def _look(waited: timedelta) -> None:
    """A database that is away has nothing to free."""
    try:
        stuck_sessions_end(waited=waited)
    except Error as error:
        log.warning("sessions_without_database", error=str(error))
        close_old_connections()
