"""What a database of an earlier version brings along."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django_celery_beat.models import IntervalSchedule, PeriodicTask


@pytest.mark.django_db
def test_a_schedule_of_a_task_that_is_gone_is_forgotten_and_no_other():
    every = IntervalSchedule.objects.create(every=900, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.create(name="check-audit", task="audit.tasks.check_chains", interval=every)
    kept = PeriodicTask.objects.create(name="reconcile", task="trading.tasks.reconcile_accounts", interval=every)
    import_module("audit.migrations.0002_no_walk_of_its_own").forget(apps, None)
    assert list(PeriodicTask.objects.values_list("name", flat=True)) == [kept.name]
