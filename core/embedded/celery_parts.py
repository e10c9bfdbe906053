"""Celery's worker and beat as threads of the one-process run, on the in-memory broker.

`WorkController` installs no signal handlers, so it may live in a thread; the memory broker loses what is queued when
the process ends, which is why no task is more than a nudge: rows are the truth and sweepers find what was lost.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import celery.worker.state as worker_state
from celery import current_app
from celery.beat import Service
from django_celery_beat.schedulers import DatabaseScheduler

from core.embedded.parts import RunContext

JOIN_S = 2.0
EXIT_CODE = 0


class WorkerPart:
    name = "worker"

    def __init__(self, context: RunContext) -> None:
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        worker_state.should_stop = None
        self._thread = threading.Thread(target=self._work, name="celery-worker", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        controller = current_app.WorkController(
            pool="threads",
            concurrency=2,
            hostname="embedded@localhost",
            loglevel="WARNING",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        controller.start()

    async def stop(self) -> None:
        worker_state.should_stop = EXIT_CODE
        await _join(self._thread)

    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


class BeatPart:
    name = "beat"

    def __init__(self, context: RunContext) -> None:
        self._thread: threading.Thread | None = None
        self._service: Any = None

    async def start(self) -> None:
        self._service = Service(current_app, max_interval=5, scheduler_cls=DatabaseScheduler)
        self._thread = threading.Thread(
            target=self._service.start, kwargs={"embedded_process": False}, name="celery-beat", daemon=True
        )
        self._thread.start()

    async def stop(self) -> None:
        if self._service is not None:
            self._service._is_shutdown.set()
        await _join(self._thread)

    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


async def _join(thread: threading.Thread | None) -> None:
    if thread is not None and thread.is_alive():
        await asyncio.to_thread(thread.join, JOIN_S)
