"""The program's own Celery app (`celery -A tests.kill.hurried`) with a beat that comes round thirty times as often, so
that each periodic task falls into a run of half a minute several times."""

from __future__ import annotations

from config.celery import app

__all__ = ["app"]

FASTER = 30
AT_LEAST_S = 2.0

for entry in app.conf.beat_schedule.values():
    entry["schedule"] = max(AT_LEAST_S, entry["schedule"] / FASTER)
