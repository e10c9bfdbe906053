"""The guard's loop: look once a second, from a thread or a process of its own."""

from __future__ import annotations

import threading
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from trading.services.guard import guard_look

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0


def watch(asked_to_stop: threading.Event) -> None:
    """Look once a second until asked to stop. A database that is away is a line in the log, not the end."""
    while not asked_to_stop.wait(LOOK_EVERY_S):
        try:
            for deed in guard_look(data_dir=Path(settings.DATA_DIR)):
                log.warning("guard_acted", deed=deed)
        except DatabaseError as error:
            log.error("guard_without_database", error=str(error))
            close_old_connections()
