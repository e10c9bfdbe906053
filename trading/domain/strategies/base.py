"""What a strategy is, and the names its decisions go by.

Invariant: a decision id depends only on what was decided (strategy, account, market, outcome, purpose, the number of
the position, the time bucket of the attempt), so that the same signal after a restart gets the same id and the
database's unique constraint stops the second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

from trading.domain.commands import Command, Purpose
from trading.domain.desk import Desk
from trading.domain.market_view import MarketView
from venues.types import Outcome

NOTHING: tuple[Command, ...] = ()
"""The answer of nearly every message; shared, so that silence costs nothing."""


class Strategy(Protocol):
    """Looks at one market after something it depends on has changed. Pure but for the memory in the market's looks."""

    name: str

    def evaluate(self, market: MarketView, desk: Desk, now_us: int) -> Sequence[Command]: ...


def decision_id(
    *,
    strategy: str,
    account: str,
    market_id: str,
    outcome: Outcome,
    purpose: Purpose,
    position_number: int,
    bucket: int,
) -> str:
    """32 hex digits naming one attempt of one decision."""
    parts = (strategy, account, market_id, outcome, purpose, str(position_number), str(bucket))
    return sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def record_id(*, strategy: str, market_id: str, outcome: Outcome, at_us: int) -> str:
    """32 hex digits naming the record of a decision not to act."""
    parts = (strategy, market_id, outcome, "record", str(at_us))
    return sha256("\x1f".join(parts).encode()).hexdigest()[:32]
