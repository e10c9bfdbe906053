"""What became of the last requests to one host, so that a venue that fails more often than not is noticed.

A request fails that is not answered, or with a 429 or a 5xx: what a venue refuses for a reason it has answered. One
that we ourselves kept from leaving is none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

CALLS_KEPT = 200
TOO_MANY_REQUESTS = 429


class Calls:
    """The last ones, the oldest first, as (milliseconds of the event loop's clock, failed)."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, bool]] = deque(maxlen=CALLS_KEPT)

    def __iter__(self) -> Iterator[tuple[int, bool]]:
        return iter(tuple(self._kept))

    def answered(self, status: int) -> None:
        self._note(failed=status == TOO_MANY_REQUESTS or status >= 500)

    def failed(self) -> None:
        self._note(failed=True)

    def _note(self, *, failed: bool) -> None:
        self._kept.append((round(asyncio.get_running_loop().time() * 1_000), failed))
