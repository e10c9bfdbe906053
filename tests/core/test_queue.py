"""Tasks are asked for by name: every name that code uses is a registered task, and so is every name of the schedule."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from celery import current_app
from django.db import transaction

from core.queue import NAMES, _send, enqueue_on_commit


def test_every_name_is_a_registered_task():
    current_app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in current_app.conf.beat_schedule.values()}
    assert NAMES | scheduled <= set(current_app.tasks)


@pytest.mark.django_db
def test_a_name_that_nobody_listed_is_refused_at_once():
    with pytest.raises(LookupError):
        enqueue_on_commit("trading.tasks.place_order")


@pytest.mark.django_db
def test_a_task_is_sent_after_the_commit_and_not_before(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks, transaction.atomic():
        enqueue_on_commit("notifications.tasks.relay_outbox")
        assert callbacks == []
    assert len(callbacks) == 1


@pytest.fixture
def silent_broker() -> Iterator[None]:
    """Takes connections and never says a word."""
    usual = current_app.conf.broker_write_url
    with socket.create_server(("127.0.0.1", 0)) as ear:
        current_app.conf.broker_write_url = f"redis://127.0.0.1:{ear.getsockname()[1]}"
        yield
    current_app.conf.broker_write_url = usual


def test_a_broker_that_never_answers_holds_nobody_up(silent_broker: None):
    began = time.monotonic()
    _send("notifications.tasks.relay_outbox", {})
    assert time.monotonic() - began < 5.0
