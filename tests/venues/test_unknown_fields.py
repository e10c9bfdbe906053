"""A field nobody declared is told once in the log, and counted per venue however many doors met it."""

from __future__ import annotations

from structlog.testing import capture_logs

from tests.venues.kalshi.scripted import scripted_rest
from venues.kalshi.schemas_replies import MarketReply
from venues.unknown_fields import MOST_NAMES, OVERFLOW, UNKNOWN_FIELDS, UnknownFields


async def test_a_running_door_tells_a_new_name_once_and_counts_it_for_its_venue() -> None:
    market = {"ticker": "T", "event_ticker": "E", "status": "active", "never_seen_before": 1}
    with capture_logs() as logs:
        for _ in range(2):
            async with scripted_rest(None, (200, {"market": market})) as (rest, _):
                await rest.get("/markets/T", MarketReply)
    told = [line for line in logs if line["event"] == "unknown_field_met"]
    assert told == [
        {
            "event": "unknown_field_met",
            "log_level": "warning",
            "venue": "kalshi",
            "field": "WireMarket.never_seen_before",
        }
    ]
    assert UNKNOWN_FIELDS.summary()["kalshi"]["times"] >= 2


def test_the_summary_has_names_times_and_the_latest_per_venue() -> None:
    met = UnknownFields()
    met.note_all("espn", {"Event.mood": 3})
    met.note("kalshi", "WireMarket.a")
    met.note("kalshi", "WireMarket.b", 2)
    met.note("kalshi", "WireMarket.a")
    assert met.summary() == {
        "espn": {"names": 1, "times": 3, "latest": "Event.mood"},
        "kalshi": {"names": 2, "times": 4, "latest": "WireMarket.b"},
    }


def test_ids_used_as_names_do_not_fill_the_memory_or_the_log() -> None:
    met = UnknownFields()
    with capture_logs() as logs:
        for number in range(MOST_NAMES * 2):
            met.note("polymarket", f"Prices.{number}")
    assert met.summary() == {"polymarket": {"names": MOST_NAMES + 1, "times": MOST_NAMES * 2, "latest": OVERFLOW}}
    assert len(logs) == MOST_NAMES + 1
