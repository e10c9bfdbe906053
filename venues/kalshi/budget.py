"""Kalshi's token buckets, mirrored here so that we wait before the venue makes us.

Reads and writes have a bucket each, per user; the sizes come from `/account/limits` and the cost of each endpoint
from `/account/endpoint_costs`, both at start. A single write that names a shard above 0 is paid from that shard's own
write bucket of the same size; everything else from the common one. 30 % of each write bucket is kept for cancels.

A 429 means that our mirror is wrong. It shuts a gate that reads or orders pass and cancels do not: the venue's bucket
keeps refilling without a penalty, so the cancels that follow find tokens.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from venues.errors import Throttled
from venues.kalshi.schemas import WireEndpointCosts, WireLimits
from venues.transport.limiter import RateLimiter

LONGEST_ORDER_WAIT_S = 0.25
"""An order that waits longer is decided on an old book: it is not sent."""

LONGEST_CANCEL_WAIT_S = 2.0
CANCEL_SHARE: Final = (3, 10)

_READ = "read"
_WRITE = "write"
_READ_GATE = "read gate"
_ORDER_GATE = "order gate"
_PARAMETER = re.compile(r"/([:*])[^/]+")
_LOWEST_READ = 200
_LOWEST_WRITE = 100
_FIRST_COSTS: Final = (
    ("DELETE", "/portfolio/events/orders/:order_id", 2),
    ("GET", "/portfolio/orders/:order_id", 2),
)


class Budget:
    """The buckets of one user. Starts with the lowest tier's sizes until the venue has told its own."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limiter = RateLimiter(clock=clock)
        self._limiter.configure(_READ, capacity=_LOWEST_READ, refill_per_s=_LOWEST_READ)
        self._write_capacity = _LOWEST_WRITE
        self._write_refill = _LOWEST_WRITE
        self._write_buckets: set[str] = set()
        self._default_cost = 10
        self._routes = [_Route(*entry) for entry in _FIRST_COSTS]

    def learn_limits(self, limits: WireLimits) -> None:
        """Take over the sizes of `/account/limits`."""
        self._limiter.configure(_READ, capacity=limits.read.bucket_capacity, refill_per_s=limits.read.refill_rate)
        self._write_capacity = limits.write.bucket_capacity
        self._write_refill = limits.write.refill_rate
        for bucket in self._write_buckets:
            self._size_write(bucket)

    def learn_costs(self, costs: WireEndpointCosts, *, prefix: str) -> None:
        """Take over `/account/endpoint_costs`, whose paths carry the API's `prefix`."""
        self._default_cost = costs.default_cost
        routes = [_Route(entry.method, entry.path.removeprefix(prefix), entry.cost) for entry in costs.endpoint_costs]
        self._routes = sorted(routes, key=lambda route: route.parameters)

    def cost(self, method: str, path: str) -> int:
        """Tokens of one call; `path` without prefix and query. A route without parameters wins over one with."""
        return next((route.cost for route in self._routes if route.matches(method, path)), self._default_cost)

    async def take_read(self, path: str, *, max_wait_s: float | None = None) -> None:
        """Wait for the tokens of a GET. Raises NotSent `local_rate_limit` when that takes over `max_wait_s`."""
        await self._limiter.acquire(_READ, self.cost("GET", path), max_wait_s=max_wait_s)
        await self._limiter.acquire(_READ_GATE, 0, max_wait_s=max_wait_s)

    async def take_order(self, method: str, path: str, *, shard: int) -> None:
        """Wait briefly for the tokens of a write that may add risk; leaves the cancels' share. The gate comes last: a
        429 while somebody waits for tokens holds them, too. Raises NotSent."""
        kept = self._write_capacity * CANCEL_SHARE[0] / CANCEL_SHARE[1]
        await self._limiter.acquire(
            self._write_bucket(shard), self.cost(method, path), reserve=kept, max_wait_s=LONGEST_ORDER_WAIT_S
        )
        await self._limiter.acquire(_ORDER_GATE, 0, max_wait_s=LONGEST_ORDER_WAIT_S)

    async def take_cancel(self, method: str, path: str, *, shard: int) -> None:
        """Wait for the tokens of a write that takes risk off; may empty the bucket. Raises NotSent."""
        await self._limiter.acquire(
            self._write_bucket(shard), self.cost(method, path), max_wait_s=LONGEST_CANCEL_WAIT_S
        )

    def note_throttled(self, error: Throttled, *, is_read: bool) -> None:
        """Shut the gate after a 429 and tell the error for how long."""
        error.retry_after_s = self._limiter.penalise(_READ_GATE if is_read else _ORDER_GATE, error.retry_after_s)

    def note_answered(self, *, is_read: bool) -> None:
        """The venue answers normally: the next 429 starts with a short wait again."""
        self._limiter.forgive(_READ_GATE if is_read else _ORDER_GATE)

    def _write_bucket(self, shard: int) -> str:
        bucket = f"{_WRITE} {shard}" if shard > 0 else _WRITE
        if bucket not in self._write_buckets:
            self._write_buckets.add(bucket)
            self._size_write(bucket)
        return bucket

    def _size_write(self, bucket: str) -> None:
        self._limiter.configure(bucket, capacity=self._write_capacity, refill_per_s=self._write_refill)


class _Route:
    """One line of the cost table: a path such as `/portfolio/orders/:order_id` or `/cfbenchmarks/*endpoint`."""

    def __init__(self, method: str, path: str, cost: int) -> None:
        self.cost = cost
        self.parameters = len(_PARAMETER.findall(path))
        self._method = method
        self._pattern = re.compile(_PARAMETER.sub(lambda hole: "/.+" if hole[1] == "*" else "/[^/]+", path))

    def matches(self, method: str, path: str) -> bool:
        return method == self._method and self._pattern.fullmatch(path) is not None
