"""What the venues sent and no struct declares, over all doors of this process: logged once, counted for health.

A venue's API changes without notice; a new field is the first sign of it. Every `Census` that was given a venue adds
here what it counts. Sockets are sampled, so a count says "still there", not how often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypedDict

import structlog

log = structlog.get_logger(__name__)

MOST_NAMES = 200
"""Kept per venue: an object with ids for keys must not fill the memory."""
OVERFLOW = "(more)"
_LONGEST_NAME = 100


class Summary(TypedDict):
    """How many names, how often any of them, and the name that was new last."""

    names: int
    times: int
    latest: str


class UnknownFields:
    """Counts by venue and `Struct.field`."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}

    def note(self, venue: str, name: str, times: int = 1) -> None:
        """The first time of a name is a line in the log; of names beyond `MOST_NAMES`, the first of all."""
        counts = self._counts.setdefault(venue, Counter())
        name = name[:_LONGEST_NAME]
        if name not in counts and len(counts) >= MOST_NAMES:
            name = OVERFLOW
        if name not in counts:
            log.warning("unknown_field_met", venue=venue, field=name)
        counts[name] += times

    def note_all(self, venue: str, counted: Mapping[str, int]) -> None:
        for name, times in counted.items():
            self.note(venue, name, times)

    def summary(self) -> dict[str, Summary]:
        """By venue, for a heartbeat; without venues that sent nothing unknown."""
        return {
            venue: Summary(names=len(counts), times=counts.total(), latest=next(reversed(counts)))
            for venue, counts in self._counts.items()
        }


UNKNOWN_FIELDS = UnknownFields()
"""Of this process."""
