"""Celery's part of the outbox: relay what waits, forget what is old."""

from __future__ import annotations

from celery import shared_task

from notifications import services


@shared_task(name="notifications.tasks.relay_outbox")
def relay_outbox() -> int:
    """The number of messages delivered; a full batch is followed by the next one."""
    total = 0
    while batch := services.outbox_relay():
        total += batch
        if batch < services.RELAY_BATCH:
            break
    return total


@shared_task(name="notifications.tasks.clear_outbox")
def clear_outbox() -> int:
    return services.outbox_clear_old()
