"""What the session has to remember for the pre-trade checks, beside its books: message budgets, clocks, jumps, voids.

All of it in memory and in the venues' own time. Invariant: nothing here is written per market message; prints, fills
and orders are.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from trading.domain.opening import OpeningState
from trading.domain.portfolio import fill_key
from venues.types import FillReport, SettleState, Venue

BURST_S = 2
LAST_FILLS = 50
SKEW_SAMPLES = 20
JUMP_WITHIN_US = 5_000_000
JUMP_WAIT_US = 10_000_000
DECISIONS_KEPT = 10_000


class TokenBucket:
    """Orders of one account: `per_s` tokens a second, at most two seconds' worth of them saved up. In thousandths."""

    def __init__(self) -> None:
        self._milli: int | None = None
        self._at_us = 0

    def tokens_milli(self, now_us: int, *, per_s: int) -> int:
        most = BURST_S * per_s * 1_000
        have = most if self._milli is None else self._milli
        self._milli = min(most, have + max(0, now_us - self._at_us) * per_s // 1_000)
        self._at_us = max(self._at_us, now_us)
        return self._milli

    def take(self) -> None:
        self._milli = (self._milli or 0) - 1_000


class ClockSkew:
    """How far a venue's clock is from ours: the least delay of the last prints. A late message is no skew, so the
    least one counts; a message from our future has a negative delay."""

    def __init__(self) -> None:
        self._delays: deque[int] = deque(maxlen=SKEW_SAMPLES)

    def note(self, *, venue_ms: int, now_ms: int) -> None:
        if venue_ms:
            self._delays.append(now_ms - venue_ms)

    @property
    def ms(self) -> int:
        """0 until enough was heard."""
        return min(self._delays) if len(self._delays) == SKEW_SAMPLES else 0


class SettlementHealth:
    """How many of a venue's last fifty fills were taken back."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, bool] = OrderedDict()

    def note(self, key: str, *, has_failed: bool) -> None:
        """`key` as `trading.domain.portfolio.fill_key` makes it; what has failed stays failed."""
        self._failed[key] = self._failed.get(key, False) or has_failed
        while len(self._failed) > LAST_FILLS:
            self._failed.popitem(last=False)

    @property
    def failed(self) -> int:
        return sum(self._failed.values())


class SentLog:
    """Contracts decided on and contracts sent, by decision; the latest ten thousand."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def decide(self, decision_id: str, qty_u: int) -> None:
        """A decision is made once; told again, it grows by nothing."""
        self._rows.setdefault(decision_id, (qty_u, 0))
        while len(self._rows) > DECISIONS_KEPT:
            self._rows.popitem(last=False)

    def send(self, decision_id: str, qty_u: int) -> None:
        decided_u, sent_u = self._rows.get(decision_id, (0, 0))
        self._rows[decision_id] = (decided_u, sent_u + qty_u)

    def of(self, decision_id: str) -> tuple[int, int]:
        """(decided, sent), µcontracts."""
        return self._rows.get(decision_id, (0, 0))


class Vitals:
    """One trader's memory of itself and of its venues."""

    def __init__(self) -> None:
        self.buckets: dict[str, TokenBucket] = {}
        self.skews: dict[Venue, ClockSkew] = {}
        self.settling: dict[Venue, SettlementHealth] = {}
        self.sent = SentLog()

    def bucket(self, account: str) -> TokenBucket:
        return self.buckets.setdefault(account, TokenBucket())

    def skew(self, venue: Venue) -> ClockSkew:
        return self.skews.setdefault(venue, ClockSkew())

    def note_fill(self, fill: FillReport) -> None:
        self._settling(fill.venue).note(fill_key(fill), has_failed=fill.settle_state is SettleState.FAILED)

    def recall_fills(self, opening: OpeningState) -> None:
        """What was booked before this start counts on."""
        failed = set(opening.voided_fills)
        for key in opening.booked_fills:
            self._settling(Venue(key.partition("|")[0])).note(key, has_failed=key in failed)

    def _settling(self, venue: Venue) -> SettlementHealth:
        return self.settling.setdefault(venue, SettlementHealth())

    def failed_of_50(self, venue: Venue) -> int:
        health = self.settling.get(venue)
        return health.failed if health is not None else 0
