"""The guard says once that something is away, not at every look."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import redis
from django.test import override_settings
from structlog.testing import capture_logs

from tests.trading.engine.test_permit import unplug
from trading.engine.guard_ears import listen_on_redis
from trading.engine.guarding import Guard
from trading.engine.outage import AGAIN_S, Outage
from venues.registry import simulated_endpoints

AWAY = redis.ConnectionError("refused")


def test_an_outage_is_told_when_it_begins_rarely_while_it_lasts_and_when_it_ends():
    now_s = 0.0
    outage = Outage("redis", clock_s=lambda: now_s)
    with capture_logs() as told:
        outage.end()
        for _ in range(200):
            outage.note(AWAY)
            now_s += 6.0
        outage.end()
        outage.end()
    events = [(line["event"], line.get("for_s", line.get("after_s"))) for line in told]
    assert events == [("guard_without_redis", 0), ("guard_without_redis", AGAIN_S), ("guard_with_redis_again", 1_200)]


def test_the_next_outage_is_told_at_once():
    outage = Outage("redis", clock_s=lambda: 0.0)
    with capture_logs() as told:
        for _ in range(2):
            outage.note(AWAY)
            outage.end()
    assert [line["event"] for line in told] == ["guard_without_redis", "guard_with_redis_again"] * 2


class AskedAfter(threading.Event):
    """Set after so many pauses, none of which lasts."""

    def __init__(self, pauses: int) -> None:
        super().__init__()
        self.left = pauses

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        if not self.left:
            self.set()
        return self.is_set()


def test_a_redis_that_stays_away_is_one_line_in_the_log():
    asked_to_stop = AskedAfter(3)
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"), capture_logs() as told:
        listen_on_redis(lambda _: None, asked_to_stop)
    assert [line["event"] for line in told] == ["guard_without_redis"]
    assert asked_to_stop.left == 0


@pytest.mark.django_db
def test_a_look_that_comes_to_something_unforeseen_does_not_end_the_guard(tmp_path: Path):
    """As when the disk of the data folder fails: whether a KILL file lies there cannot even be asked."""
    guard = Guard(tmp_path, endpoints=simulated_endpoints(1))
    guard._data_dir = tmp_path / ("x" * 300)
    with capture_logs() as told:
        guard._look()
    assert [line["event"] for line in told] == ["guard_look_failed"]


@pytest.mark.django_db
def test_a_database_that_stays_away_is_one_line_in_the_log(tmp_path: Path):
    guard = Guard(tmp_path, endpoints=simulated_endpoints(1))
    with capture_logs() as told:
        looking = threading.Thread(target=lambda: (unplug(), guard._look(), unplug(), guard._look()))
        looking.start()
        looking.join()
        guard._look()
    assert [line["event"] for line in told] == ["guard_without_database", "guard_with_database_again"]
