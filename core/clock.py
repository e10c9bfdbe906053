"""The wall clock and its integer forms. Only shells ask it; pure code is given `now`."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Aware UTC."""
    return datetime.now(UTC)


def now_ms() -> int:
    return to_ms(now())


def now_us() -> int:
    moment = now()
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def to_ms(moment: datetime) -> int:
    """UTC milliseconds since 1970, rounded down; exact (no float in between)."""
    return int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000


def from_ms(value_ms: int) -> datetime:
    """Aware UTC from milliseconds since 1970."""
    return datetime.fromtimestamp(value_ms // 1000, UTC).replace(microsecond=value_ms % 1000 * 1000)
