"""The Celery app and its schedule, in code: slow, repeatable work only. No task can reach an order gateway."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("courtside")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Seconds. Every task is idempotent, so a second beat or a late run does no harm.
app.conf.beat_schedule = {
    "relay-outbox": {"task": "notifications.tasks.relay_outbox", "schedule": 2.0, "options": {"expires": 10}},
    "clear-outbox": {"task": "notifications.tasks.clear_outbox", "schedule": 3600.0, "options": {"expires": 3600}},
    "check-ledgers": {"task": "trading.tasks.check_ledgers", "schedule": 300.0, "options": {"expires": 300}},
    "reconcile": {"task": "trading.tasks.reconcile_accounts", "schedule": 300.0, "options": {"expires": 300}},
    "reconcile-asked": {"task": "trading.tasks.reconcile_asked", "schedule": 30.0, "options": {"expires": 30}},
    "check-triggers": {"task": "trading.tasks.check_triggers", "schedule": 60.0, "options": {"expires": 60}},
    "check-invariants": {"task": "trading.tasks.check_invariants", "schedule": 300.0, "options": {"expires": 300}},
    "thin-prices": {"task": "markets.tasks.thin_price_points", "schedule": 3600.0, "options": {"expires": 3600}},
}
