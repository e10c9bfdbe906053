"""Celery's part of trading: prove the books now and then. No task can place an order."""

from __future__ import annotations

from celery import shared_task

from trading.services.checks import ledgers_check


@shared_task(name="trading.tasks.check_ledgers")
def check_ledgers() -> int:
    """The number of differences found; each has raised an alert."""
    return ledgers_check()
