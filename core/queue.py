"""Ask for a Celery task by name once the transaction has committed, so that services import no tasks.

A hint: it is lost when the process dies or the broker is away. The row it points to is found again by the periodic
task that sweeps its table.
"""

from __future__ import annotations

from functools import partial

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

BOUNDED = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3}
"""Seconds for each answer of the broker: one that is silent holds up no emergency stop."""
NAMES: set[str] = {"notifications.tasks.relay_outbox", "trading.tasks.reconcile_asked"}
"""Every name that code enqueues; a test asserts that each is a registered task."""


def enqueue_on_commit(name: str, **ids: int | str) -> None:
    """Send the task after the commit (at once outside a transaction). `ids` are keys of rows, never rows."""
    if name not in NAMES:
        raise LookupError(f"'{name}' is not listed in core.queue.NAMES")
    transaction.on_commit(partial(_send, name, ids), robust=True)


def _send(name: str, ids: dict[str, int | str]) -> None:
    """By a connection of its own: a worker's may wait for ever, and nobody who asks for a task may."""
    connection = current_app.connection_for_write(transport_options=BOUNDED)
    try:
        with connection:
            connection.connect()
            current_app.send_task(name, kwargs=ids, connection=connection, retry=False)
    except (OperationalError, *connection.connection_errors) as problem:
        log.warning("task_not_enqueued", task=name, problem=str(problem))
