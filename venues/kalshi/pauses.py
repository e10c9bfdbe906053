"""Remembers that trading is paused, so that no order is sent into a pause: a state, not a storm.

Kalshi pauses trading for maintenance (cancels are taken) and sometimes the whole exchange (nothing is). The calendar of
it is only a hint: an order that is refused for it shuts the gate, and `/exchange/status`, read when an order wants to
leave and at most every five seconds, opens it. A shard has a state of its own. Source: docs.kalshi.com, maintenance.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from venues.errors import NotSent, Rejected, VenueError
from venues.kalshi.constants import PAUSED
from venues.kalshi.schemas import WireExchangeStatus

LOOK_EVERY_S = 5.0


class PauseGate:
    """`check` before a new order, `note` after a refusal. Cancels always pass."""

    def __init__(
        self, read_status: Callable[[], Awaitable[WireExchangeStatus]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read_status = read_status
        self._clock = clock
        self._paused: dict[int, str] = {}
        self._look_at: dict[int, float] = {}

    def note(self, error: VenueError, *, shard: int) -> None:
        """A create was refused; only one that says "paused" shuts the gate."""
        if isinstance(error, Rejected) and error.code in PAUSED:
            self._paused[shard] = error.code
            self._look_at[shard] = self._clock() + LOOK_EVERY_S

    async def check(self, *, shard: int) -> None:
        """Raises NotSent with the pause as its code, while the exchange says, or does not deny, that it lasts."""
        code = self._paused.get(shard)
        if code is None:
            return
        if self._clock() >= self._look_at[shard]:
            self._look_at[shard] = self._clock() + LOOK_EVERY_S  # one look at a time
            if await self._is_open(shard):
                self._paused.pop(shard, None)
                return
        wait_s = max(0.0, self._look_at[shard] - self._clock())
        raise NotSent(f"Not sent: Kalshi says {code}; looking again in {wait_s:.0f} s.", code=code)

    async def _is_open(self, shard: int) -> bool:
        try:
            status = await self._read_status()
        except VenueError:
            return False
        states = {one.exchange_index: one.exchange_active and one.trading_active
                  for one in status.exchange_index_statuses}  # fmt: skip
        return states.get(shard, status.exchange_active and status.trading_active)
