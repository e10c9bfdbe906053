"""Where feeds put messages and the engine takes them: first in, first out, and in lock-step by stream.

Story: reports about our own account have a lane of their own, which is emptied first; none is ever dropped or merged,
and they keep their order. Everything else waits in the other lane. Where feeds bring more than the engine takes, what
comes of a market that waits already is merged with it (`merging`): the newest book wins, and no more waits than
`MERGE_ABOVE` messages and one entry a market. What is no book or print stays where it is, and no book that comes after
it is merged with one before it: a stream that went down must not take a newer snapshot with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from trading.domain.messages import BookChange, BookChanges
from trading.engine.merging import MergedMarket
from venues.types import (
    AccountMessage,
    BalanceReport,
    BookDelta,
    BookGap,
    BookLevel,
    BookSnapshot,
    FillReport,
    Message,
    OrderReport,
    PositionReport,
    PublicTrade,
    SettlementReport,
)

log = structlog.get_logger(__name__)

ACCOUNT_MESSAGES = (OrderReport, FillReport, SettlementReport, PositionReport, BalanceReport)
MERGED_MESSAGES = (BookDelta, BookLevel, BookSnapshot, BookGap, PublicTrade)
MERGE_ABOVE = 1_000
"""Messages that may wait one by one; the session takes so many in some ten milliseconds."""


class Inbox:
    """Feeds append on the event loop; one consumer takes. `order` ranks streams for the lock-step's fixed order."""

    def __init__(self, *, merge_above: int = MERGE_ABOVE) -> None:
        self.keeps_all = False
        """One lane and nothing merged, as lock-step wants it: there the venues wait for us. Set before any comes."""
        self.merged = 0
        """Messages of books and prints that were put to one that waited already."""
        self._merged_told = 0
        self._merge_above = merge_above
        self._private: deque[AccountMessage] = deque()
        self._waiting: deque[tuple[int, Message | MergedMarket]] = deque()
        self._merging: dict[str, MergedMarket] = {}
        self._ranks: dict[str, int] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._private) + len(self._waiting)

    def sink(self, stream: str) -> Callable[[Message], None]:
        """A sink for one stream; streams rank in the order in which their sinks were asked for."""
        rank = self._ranks.setdefault(stream, len(self._ranks))
        fill = self._filled.set

        def put(message: Message) -> None:
            self._put(rank, message)
            fill()

        return put

    def _put(self, rank: int, message: Message) -> None:
        if self.keeps_all:
            self._waiting.append((rank, message))
        elif isinstance(message, MERGED_MESSAGES):
            self._put_mergeable(rank, message)
        elif isinstance(message, ACCOUNT_MESSAGES):
            self._private.append(message)
        else:
            self._merging.clear()
            self._waiting.append((rank, message))

    def _put_mergeable(self, rank: int, message: BookChange | PublicTrade) -> None:
        market = self._merging.get(message.market_id)
        if market is not None:
            market.add(message)
            self.merged += 1
        elif len(self._waiting) < self._merge_above:
            self._waiting.append((rank, message))
        else:
            market = self._merging[message.market_id] = MergedMarket(message.market_id)
            market.add(message)
            self._waiting.append((rank, market))

    def tell_merged(self) -> None:
        """Log what was merged since the last time."""
        if since := self.merged - self._merged_told:
            log.warning("messages_merged", since=since, waiting=len(self))
            self._merged_told = self.merged

    async def arrival(self) -> None:
        """Return when there is something to take."""
        await self._filled.wait()

    def take(self, most: int) -> list[Message | BookChanges]:
        """All reports about our account, then up to `most` entries in the order of their arrival."""
        taken: list[Message | BookChanges] = list(self._private)
        self._private.clear()
        for _ in range(min(most, len(self._waiting))):
            _, entry = self._waiting.popleft()
            if isinstance(entry, MergedMarket):
                self._close(entry)
                taken.extend(entry.take())
            else:
                taken.append(entry)
        if not self._waiting:
            self._filled.clear()
        return taken

    def _close(self, market: MergedMarket) -> None:
        """What comes of this market now begins anew; one that was shut out by another message is closed already."""
        if self._merging.get(market.market_id) is market:
            del self._merging[market.market_id]

    def take_in_fixed_order(self) -> list[Message]:
        """All that is there: stream by stream, each in its own order, whatever came first over the sockets. Only of an
        inbox that keeps all."""
        taken = sorted(self._waiting, key=lambda entry: entry[0])
        self._waiting.clear()
        self._filled.clear()
        return [message for _, message in taken if not isinstance(message, MergedMarket)]
