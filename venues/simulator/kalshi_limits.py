"""Token buckets per account, for reads and writes, one write bucket per exchange shard.

A request that does not fit is refused whole, and nothing else happens: no penalty, no header. Buckets refill in real
time, as they protect the real server. Source: FACTS §8.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

DEFAULT_COST = 10
PREFIX = "/trade-api/v2"

COSTS = {
    ("DELETE", "/portfolio/events/orders/{order_id}"): 2,
    ("DELETE", "/portfolio/events/orders/batched"): 2,
    ("GET", "/portfolio/orders/{order_id}"): 2,
}
"""What does not cost the default; batches cost this for each item."""


class BucketKind(StrEnum):
    READ = "read"
    WRITE = "write"


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    read_per_s: int
    read_capacity: int
    write_per_s: int
    write_capacity: int

    def of(self, kind: BucketKind) -> tuple[int, int]:
        """`(refill per second, capacity)`."""
        if kind is BucketKind.READ:
            return self.read_per_s, self.read_capacity
        return self.write_per_s, self.write_capacity


BASIC = Tier(name="basic", read_per_s=200, read_capacity=600, write_per_s=100, write_capacity=100)
ADVANCED = Tier(name="advanced", read_per_s=300, read_capacity=900, write_per_s=300, write_capacity=900)


class Limits:
    """`tier` None: nobody is ever limited."""

    def __init__(self, tier: Tier | None) -> None:
        self.tier = tier
        self._levels: dict[tuple[str, BucketKind, int], tuple[int, int]] = {}

    def take(self, account_id: str, kind: BucketKind, shards: Iterable[int], cost: int, wall_ms: int) -> bool:
        """Take `cost` tokens from every named bucket, or from none."""
        if self.tier is None:
            return True
        keys = [(account_id, kind, shard) for shard in shards]
        levels = {key: self._level(key, kind, wall_ms) for key in keys}
        if any(level < cost * 1000 for level in levels.values()):
            return False
        for key, level in levels.items():
            self._levels[key] = (level - cost * 1000, wall_ms)
        return True

    def _level(self, key: tuple[str, BucketKind, int], kind: BucketKind, wall_ms: int) -> int:
        """Thousandths of a token in a bucket now."""
        assert self.tier is not None
        per_s, capacity = self.tier.of(kind)
        level, at_ms = self._levels.get(key, (capacity * 1000, wall_ms))
        return min(capacity * 1000, level + max(0, wall_ms - at_ms) * per_s)


def cost_of(method: str, pattern: str) -> int:
    return COSTS.get((method, pattern), DEFAULT_COST)


def costs_body() -> dict[str, object]:
    """`GET /account/endpoint_costs`, with the router's own way to write parameters."""
    rows = [
        {"cost": cost, "method": method, "path": PREFIX + pattern.replace("{", ":").replace("}", "")}
        for (method, pattern), cost in COSTS.items()
    ]
    return {"default_cost": DEFAULT_COST, "endpoint_costs": rows}
