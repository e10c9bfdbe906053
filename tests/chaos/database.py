"""One SQLite database in memory per run, copied from a migrated one in which a user has an account at each venue.

It reads the loop's clock: what the program asks the database for the time of (`Now()`), it is told in virtual time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.utils import ConnectionHandler

from tests.swapped import swapped, swapped_items

_ROLLBACK_JOURNAL = b"\x01\x01"
"""In the header of the image: a database in memory has no write-ahead log, whatever it was copied from."""
_PREPARED = {"cached_statements": 1_000}
"""A run asks several hundred different ones; the driver keeps 128."""


@contextmanager
def database(image: bytes | None, *, wall_us: Callable[[], int]) -> Iterator[Any]:
    """The default connection of this thread is to a database of its own, made from `image`."""
    wrapper = _wrapper()
    everywhere = SimpleNamespace(default=wrapper)  # Django keeps one connection per context of a running loop
    unsafe = swapped_items(os.environ, {"DJANGO_ALLOW_ASYNC_UNSAFE": "true"})
    with unsafe, swapped(connections, "_connections", everywhere):
        wrapper.ensure_connection()
        if image is not None:
            wrapper.connection.deserialize(image[:18] + _ROLLBACK_JOURNAL + image[20:])
        wrapper.connection.create_function("strftime", -1, _clock(wall_us))
        try:
            yield wrapper
        finally:
            wrapper.connection.close()


def migrated() -> None:
    """All tables, triggers included, in the present default database."""
    call_command("migrate", verbosity=0)


def _wrapper() -> Any:
    memory = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": _PREPARED}
    handler = ConnectionHandler({"default": memory})
    return handler.create_connection("default")


def _clock(wall_us: Callable[[], int]) -> Callable[..., str]:
    """SQLite's own function, as far as the program uses it: now, or some seconds from now."""

    def strftime(pattern: str, moment: str, shift: str = "+0 seconds") -> str:
        assert (pattern, moment.upper()) == ("%Y-%m-%d %H:%M:%f", "NOW"), f"an unknown use of strftime: {pattern}"
        at_ms = wall_us() // 1_000 + round(float(shift.removesuffix(" seconds")) * 1_000)
        return f"{datetime.fromtimestamp(at_ms // 1_000, UTC):%Y-%m-%d %H:%M:%S}.{at_ms % 1_000:03d}"

    return strftime
