"""US-Eastern dates: the day under which ESPN, Kalshi and Polymarket all file a game.

A game that starts at 01:40 UTC belongs to the day before. Joins by UTC date lose four games in five, so everything that
compares dates goes through here. Times are UTC milliseconds.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")


def eastern_date(at_ms: int) -> date:
    """The calendar day in New York at that moment."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(EASTERN).date()


def eastern_ms(day: date, *, hour: int = 0, minute: int = 0) -> int:
    """That wall-clock time in New York as UTC ms. The hour that occurs twice in autumn means its first occurrence."""
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=EASTERN)
    return int(local.timestamp()) * 1000


def days_around(at_ms: int, *, before: int = 1, after: int = 1) -> tuple[date, ...]:
    """The eastern days from `before` days earlier to `after` days later, in order."""
    today = eastern_date(at_ms)
    return tuple(today + timedelta(days=offset) for offset in range(-before, after + 1))
