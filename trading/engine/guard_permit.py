"""The guard's fastest part: reads the halts every 20 ms and renews the permit, or lets it run out.

Invariant: nothing else happens on this thread. A database that is away, frozen or slow, an exception, a stopped
process: each ends in a permit that is not renewed, and orders stop within 80 ms.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import structlog
from django.db import Error, connections

from risk.selectors import stopped_scopes
from trading.engine.kill_file import KillFile
from trading.engine.permit import PermitWriter

log = structlog.get_logger(__name__)

POLL_S = 0.02


class PermitAgent:
    """`run` in a thread of its own; `hurry` from any other: look again at once."""

    def __init__(self, data_dir: Path, kill_file: KillFile | None = None) -> None:
        self._kill_file = kill_file or KillFile(data_dir)
        self._writer = PermitWriter(data_dir)
        self._hurry = threading.Event()
        self._was_away = False
        self.renewals = 0

    def run(self, asked_to_stop: threading.Event) -> None:
        """Until asked to stop; the permit ends with it."""
        try:
            while not asked_to_stop.is_set():
                self.look()
                self._hurry.wait(POLL_S)
                self._hurry.clear()
        finally:
            self._writer.close()
            connections.close_all()

    def look(self) -> bool:
        """One reading of the halts. True when the permit was renewed."""
        if self._kill_file.is_there:
            self._writer.revoke()
            return False
        read_ns = time.monotonic_ns()
        try:
            stopped = stopped_scopes()
        except Error as error:
            self._note_away(error)
            return False
        self._was_away = False
        self._writer.renew(read_ns=read_ns, stopped=stopped)
        self.renewals += 1
        return True

    def revoke(self) -> None:
        """Void what was granted and read again: somebody says that a halt was just written."""
        self._writer.revoke()
        self._hurry.set()

    def _note_away(self, error: Exception) -> None:
        if not self._was_away:
            log.error("permit_not_renewed", error=str(error))
        self._was_away = True
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()
