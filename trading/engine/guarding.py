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
from trading.engine.permit import KILL_FILE
from trading.services.guard import guard_look
from venues.registry import VenueEndpoints

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0


class Guard:
    """`watch` blocks until asked to stop."""

    def __init__(self, data_dir: Path, *, endpoints: VenueEndpoints) -> None:
        self._data_dir = data_dir
        self.permit = PermitAgent(data_dir)
        self.canceller = GuardCanceller(data_dir=data_dir, endpoints=endpoints)
        self.anchors = AnchorAgent(data_dir)
        self._look_now = threading.Event()

    def watch(self, asked_to_stop: threading.Event) -> None:
        parts = {
            "guard-permit": lambda: self.permit.run(asked_to_stop),
            "guard-socket": lambda: listen_on_socket(self._data_dir, self.hear, asked_to_stop),
            "guard-redis": lambda: listen_on_redis(self.hear, asked_to_stop),
            "guard-cancel": lambda: self.canceller.run(asked_to_stop),
            "guard-anchors": lambda: self.anchors.run(asked_to_stop),
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
        """A word over the socket or Redis. It can only take away."""
        reason = kill_reason(message)
        if reason is not None:
            (self._data_dir / KILL_FILE).write_text(f"{reason}\n", "utf-8")
            log.critical("kill_heard", reason=reason)
        self.permit.revoke()
        self.anchors.hurry()
        self._look_now.set()

    def _look(self) -> None:
        """A database that is away is a line in the log, not the end."""
        try:
            for deed in guard_look(data_dir=self._data_dir):
                log.warning("guard_acted", deed=deed)
        except DatabaseError as error:
            log.error("guard_without_database", error=str(error))
            close_old_connections()


def watch(asked_to_stop: threading.Event, *, simulator_port: int | None = None) -> None:
    """The guard of this host until asked to stop."""
    endpoints = guard_endpoints(simulator_port or settings.SIMULATOR_PORT)
    Guard(Path(settings.DATA_DIR), endpoints=endpoints).watch(asked_to_stop)
