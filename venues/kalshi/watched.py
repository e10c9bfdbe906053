"""One streamed market: whether its book can be trusted, since when we wait for it, and how it was determined."""

from __future__ import annotations

from venues.kalshi.parse import market_id, market_result, settlement_value_u
from venues.kalshi.schemas_stream import LifecycleMsg
from venues.types import MarketState, MarketStateChanged, Outcome

SNAPSHOT_WITHIN_US = 5_000_000
AUDIT_EVERY_US = 60_000_000
_LONGEST_WAIT_US = 40_000_000


class Watched:
    """`is_live` from a snapshot to the next loss; `asked_us` is when its snapshot was last asked for, `whole_us` when
    one came, or was asked for to make sure."""

    __slots__ = ("asked_us", "id", "is_live", "result", "tries", "value_u", "whole_us")

    def __init__(self, ticker: str) -> None:
        self.id = market_id(ticker)
        self.result: Outcome | None = None
        self.value_u: int | None = None
        self.whole_us = 0
        self.lose(0)

    def lose(self, now_us: int) -> None:
        """The book is not to be trusted until its next snapshot."""
        self.is_live = False
        self.asked_us = now_us
        self.tries = 0

    def is_to_be_audited(self, now_us: int) -> bool:
        """Whether a live book has gone so long on changes alone."""
        return self.is_live and now_us - self.whole_us > AUDIT_EVERY_US

    def is_overdue(self, now_us: int, *, subscribed_us: int) -> bool:
        """Whether the snapshot should have come: 5 s after it was asked for, then 10, 20 and every 40 s."""
        wait_us = min(_LONGEST_WAIT_US, SNAPSHOT_WITHIN_US << min(self.tries, 4))
        return not self.is_live and now_us - max(self.asked_us, subscribed_us) > wait_us

    def changed_by(self, msg: LifecycleMsg, received_ms: int) -> MarketStateChanged | None:
        """The new state, if the message tells one. A settled market repeats what it was determined with.

        Raises ProtocolError for a result that is unknown or contradicts its value.
        """
        if msg.event_type in ("activated", "deactivated"):
            is_paused = msg.event_type == "deactivated" if msg.is_deactivated is None else msg.is_deactivated
            return MarketStateChanged(self.id, MarketState.PAUSED if is_paused else MarketState.OPEN, received_ms)
        if msg.event_type == "determined":
            value_u = settlement_value_u(msg.result, msg.settlement_value)
            self.result, self.value_u = market_result(msg.result), value_u
            return self._resulted(MarketState.DETERMINED, msg.determination_ts, received_ms)
        if msg.event_type == "settled":
            return self._resulted(MarketState.SETTLED, msg.settled_ts, received_ms)
        return None

    def _resulted(self, state: MarketState, at_s: int | None, received_ms: int) -> MarketStateChanged:
        venue_ms = received_ms if at_s is None else at_s * 1000
        return MarketStateChanged(self.id, state, venue_ms, self.result, self.value_u)
