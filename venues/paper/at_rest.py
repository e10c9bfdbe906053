"""What a dead trader left in a paper account: lists it, and takes it off, by the journal alone.

Story: a paper account lives in the process that trades it. When that is dead nothing fills any more, but what rested
would rest again at the next start. Here it is ended in the journal, so that no start brings it back. Invariant: every
look holds the journal's lock, which the kernel gives to nobody while the trader lives, asleep or not: what is read
under it is all there is, for a request that was on its way ended with its process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from venues.errors import NotSent
from venues.paper.dialect import dialect_of
from venues.paper.journal import FileJournal
from venues.paper.reader import order_report
from venues.paper.records import Ended, Fenced, PaperOrder
from venues.paper.state import PaperState
from venues.ports import CancelAck, OrderRef
from venues.types import OrderReport, OrderState, Venue

REASON = "trader_dead"


class PaperAtRest:
    """Every call raises NotSent, `paper_account_locked` while a process trades the account and `paper_journal_missing`
    where it is not kept here; ProtocolError for a damaged journal; OutcomeUnknown when it cannot be written."""

    def __init__(self, path: Path, *, venue: Venue, account: str) -> None:
        self._path, self._account = path, account
        self._dialect = dialect_of(venue, account=account, clock_ms=_no_time)
        self.capabilities = self._dialect.capabilities

    async def open_orders(self) -> list[OrderReport]:
        with self._opened() as (_, state):
            return [self._report(order) for order in state.open.values()]

    async def cancel(self, ref: OrderRef) -> CancelAck:
        with self._opened() as (journal, state):
            order = state.orders.get(ref.venue_order_id) or state.by_client_id.get(ref.client_order_id)
            is_open = order is not None and order.is_open
            if order is not None and is_open:
                journal.append([_end(order)])
        return CancelAck(
            venue_order_id=ref.venue_order_id,
            is_canceled=is_open,
            canceled_u=order.remaining_u if order is not None and is_open else None,
            reason="" if is_open else "not_found",
            raw=b"",
        )

    async def cancel_all(self) -> None:
        with self._opened() as (journal, state):
            if state.open:
                journal.append([_end(order) for order in state.open.values()])

    async def close_fence(self, token: str) -> None:
        with self._opened() as (journal, state):
            if (fence := state.fences.get(token)) is not None:
                ended = [_end(order) for order in state.open.values() if order.placed.fence_token == token]
                journal.append([Fenced(token=token, is_open=False, limit_u=0, at_ms=fence.at_ms), *ended])

    async def is_fence_closed(self, token: str) -> bool:
        with self._opened() as (_, state):
            return state.fences.get(token) is None

    async def aclose(self) -> None:
        await self._dialect.aclose()

    @contextmanager
    def _opened(self) -> Iterator[tuple[FileJournal, PaperState]]:
        if not self._path.exists():
            raise NotSent(f"{self._path.name} is not kept on this host.", code="paper_journal_missing")
        journal, state = FileJournal(self._path), PaperState(self._dialect)
        try:
            for batch in journal.read():
                for record in batch:
                    state.apply(record)
            yield journal, state
        finally:
            journal.close()

    def _report(self, order: PaperOrder) -> OrderReport:
        return order_report(order, venue=self.capabilities.venue, account=self._account)


def _no_time() -> int:
    """Nothing is placed here."""
    return 0


def _end(order: PaperOrder) -> Ended:
    """As of what was last heard of the order: no time has passed for it since."""
    return Ended(order_id=order.placed.order_id, state=OrderState.CANCELED, reason=REASON, at_ms=order.updated_ms)
