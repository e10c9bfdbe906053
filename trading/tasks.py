"""Celery's part of trading: prove the books now and then, by themselves and beside the venues'. No task can place an
order: they read accounts through `trading.reading`, which has no gateway (an import contract)."""

from __future__ import annotations

from celery import shared_task

from trading.reading import reconcile_all, reconcile_asked_for
from trading.services.checks import ledgers_check
from trading.services.invariants import invariants_check
from trading.services.triggers import triggers_check_all


@shared_task(name="trading.tasks.check_ledgers")
def check_ledgers() -> int:
    """The number of differences found; each has raised an alert."""
    return ledgers_check()


@shared_task(name="trading.tasks.check_invariants")
def check_invariants() -> int:
    """The number of violations that stand; any stops trading."""
    return invariants_check()


@shared_task(name="trading.tasks.reconcile_accounts")
def reconcile_accounts() -> int:
    """Compare every enabled account with its venue; how many were not clean."""
    return reconcile_all()


@shared_task(name="trading.tasks.reconcile_asked")
def reconcile_asked() -> int:
    """Compare what people asked for; also finds the wishes whose nudge was lost. How many were done."""
    return reconcile_asked_for()


@shared_task(name="trading.tasks.check_triggers")
def check_triggers() -> int:
    """The number of triggers that fired; each has stopped its account."""
    return triggers_check_all()
