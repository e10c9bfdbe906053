"""The machine beside the trader: the database server, Redis, the simulated venues, the guard, and the worker with its
beat.

Each of them can die on its own, or all at once with the machine; whatever died is started again at once, as a service
manager does. The database keeps what was committed, the venues what they had told; Redis keeps nothing.
"""

from __future__ import annotations

from collections import Counter

from django.db import connections

from tests.kill.deployment import Deployment, Process


class Host:
    """`deaths` counts who died how often; "host" is all of them."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._starts = {
            "database": deployment.start_database,
            "redis": deployment.start_redis,
            "guard": deployment.start_guard,
            "worker": deployment.start_worker,
            "venues": deployment.start_venues,
        }
        if not deployment.has_server:
            del self._starts["database"]
        if not deployment.has_redis:
            del self._starts["redis"], self._starts["worker"]
        self._running: dict[str, Process] = {}
        self.deaths: Counter[str] = Counter()

    @property
    def guard(self) -> Process:
        return self._running["guard"]

    @property
    def has_worker(self) -> bool:
        return "worker" in self._starts

    def start(self, *names: str) -> None:
        for name in names:
            if name in self._starts:
                self._running[name] = self._starts[name]()

    def lose(self) -> None:
        self.deaths["host"] += 1
        for process in self._running.values():
            process.kill()
        connections.close_all()
        self.start(*self._starts)

    def lose_one(self, name: str) -> bool:
        """False where it does not run here."""
        if name not in self._running:
            return False
        self.deaths[name] += 1
        self._running[name].kill()
        connections.close_all()
        self.start(name)
        return True

    def ended_by_themselves(self) -> list[str]:
        """Who should live and does not."""
        return [name for name, process in self._running.items() if not process.is_alive]
