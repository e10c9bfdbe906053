"""The guard: renews the permit, listens, looks after silent traders. A thread of the embedded run, else a process.

Each part has a thread, and so a database connection, of its own: what is slow never stands before the permit.
"""

from __future__ import annotations

import threading
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections

from trading.engine.guard_anchors import AnchorAgent
from trading.engine.guard_cancel import GuardCanceller, guard_endpoints
from trading.engine.guard_ears import kill_reason, listen_on_redis, listen_on_socket
from trading.engine.guard_permit import PermitAgent
from trading.engine.guard_sessions import end_stuck_sessions
from trading.engine.kill_file import KillFile
from trading.engine.outage import Outage
from trading.services.guard import guard_look
from venues.registry import VenueEndpoints

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0


class Guard:
    """`watch` blocks until asked to stop."""

    def __init__(self, data_dir: Path, *, endpoints: VenueEndpoints) -> None:
        self._data_dir = data_dir
        self.kill_file = KillFile(data_dir)
        self.permit = PermitAgent(data_dir, self.kill_file)
        self.canceller = GuardCanceller(data_dir=data_dir, kill_file=self.kill_file, endpoints=endpoints)
        self.anchors = AnchorAgent(data_dir)
        self._look_now = threading.Event()
        self._without_database = Outage("database")

    def watch(self, asked_to_stop: threading.Event) -> None:
        parts = {
            "guard-permit": lambda: self.permit.run(asked_to_stop),
            "guard-socket": lambda: listen_on_socket(self._data_dir, self.hear, asked_to_stop),
            "guard-redis": lambda: listen_on_redis(self.hear, asked_to_stop),
            "guard-cancel": lambda: self.canceller.run(asked_to_stop),
            "guard-anchors": lambda: self.anchors.run(asked_to_stop),
            "guard-sessions": lambda: end_stuck_sessions(asked_to_stop),
        }
        threads = [threading.Thread(target=part, name=name, daemon=True) for name, part in parts.items()]
        for thread in threads:
            thread.start()
        try:
            while not asked_to_stop.is_set():
                self._look()
                self._look_now.wait(LOOK_EVERY_S)
                self._look_now.clear()
        finally:
            asked_to_stop.set()
            self.anchors.hurry()
            for thread in threads:
                thread.join(1.0)
            connections.close_all()

    def hear(self, message: str) -> None:
        """A word over the socket or Redis. It can only take away, and does that first."""
        self.permit.revoke()
        reason = kill_reason(message)
        if reason is not None:
            self.kill_file.lay_down(reason)
            self.permit.revoke()  # a look in between may have granted anew
            log.critical("kill_heard", reason=reason)
        self.anchors.hurry()
        self._look_now.set()

    def _look(self) -> None:
        """A database that is away is a line in the log, not the end; nor is what nobody foresaw."""
        self.kill_file.try_again()
        try:
            deeds = guard_look(data_dir=self._data_dir, is_killed=self.kill_file.is_there)
        except DatabaseError as error:
            self._without_database.note(error)
            close_old_connections()
            return
        except Exception:  # the supervisor's seam: permits, doors and sessions are kept by this process too
            log.exception("guard_look_failed")
            return
        self._without_database.end()
        for deed in deeds:
            log.warning("guard_acted", deed=deed)


def watch(asked_to_stop: threading.Event, *, simulator_port: int | None = None) -> None:
    """The guard of this host until asked to stop."""
    endpoints = guard_endpoints(simulator_port or settings.SIMULATOR_PORT)
    Guard(Path(settings.DATA_DIR), endpoints=endpoints).watch(asked_to_stop)
