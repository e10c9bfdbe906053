"""The running trader's comparisons: before it trades, every minute, after each reconnect, and before it goes.

Story: as in `trading.reading`, but through the trader's own readers and ledger, so that the session hears what is new;
an order of ours that our books think open and the venue does not have is looked for and ended by catch-up's proofs.
The orders that a person wants closed are canceled here, because only the trader may speak to a gateway. Invariant: a
comparison at the start that cannot read an account raises: nothing is traded then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

import structlog

from core.clock import to_ms
from core.errors import DomainError
from markets.models import Market
from trading.domain.reconciling import Difference, confirmed
from trading.engine.catchup import CatchUp
from trading.engine.clock import Clock
from trading.engine.database import AWAY, DatabaseThread
from trading.engine.desk import DeskAccount
from trading.engine.ledger import LedgerKeeper
from trading.models import OrphanedOrder, OrphanState, ReconciliationRun, RunTrigger
from trading.reading import (
    CONFIRM_AFTER_S,
    Reading,
    differences_of,
    ended_ghosts,
    evidence_of,
    plan_of,
    read_account,
    strangers_in,
)
from trading.services.orphans import orphan_close_proven
from trading.services.reconciliation import reconciliation_begin, reconciliation_end, reconciliation_fail
from trading.services.reconciliation_halts import reconciliation_halts_follow
from venues.errors import VenueError
from venues.ports import OrderRef
from venues.types import AccountMessage

log = structlog.get_logger(__name__)

WHOLE = (RunTrigger.START, RunTrigger.SHUTDOWN)
"""When our own books are folded anew as well: not every minute, for it reads every row of the account."""
EVERY_S = 60.0
GOODBYE_S = 4.0
ABSENT_FOR_S = 2.0


class Reconciler:
    """One account. One comparison at a time."""

    def __init__(
        self,
        *,
        account: DeskAccount,
        database: DatabaseThread,
        ledger: LedgerKeeper,
        clock: Clock,
        catch_up: CatchUp,
        confirm_after_s: float = CONFIRM_AFTER_S,
    ) -> None:
        self._account = account
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._catch_up = catch_up
        self._confirm_after_s = confirm_after_s
        self._turn = asyncio.Lock()
        self._absent_since: dict[int, float] = {}

    @property
    def venue(self) -> str:
        return self._account.row.venue

    async def run(self, trigger: RunTrigger) -> ReconciliationRun:
        """Compare now. Raises VenueError at a start; later a failed read is kept as a failed run."""
        async with self._turn:
            run = await self._database.call(reconciliation_begin, venue_account=self._account.row, trigger=trigger)
            try:
                run = await self._compare(run, is_whole=trigger in WHOLE)
            except VenueError as error:
                log.warning("reconciliation_failed", account=self._account.name, code=error.code, error=error.message)
                await self._database.call(reconciliation_fail, run=run, code=error.code, message=error.message)
                if trigger is RunTrigger.START:
                    raise
            await self._database.call(reconciliation_halts_follow, run=run)
            return run

    async def close_wanted(self) -> None:
        """Take off what a person wants off, and prove it: ended as the venue tells it, or gone from healthy reads."""
        for orphan, ref in await self._database.call(_closing, self._account.row.pk):
            with contextlib.suppress(VenueError):  # not answered: asked again at the next look
                await self._close(orphan, ref)

    async def _compare(self, run: ReconciliationRun, *, is_whole: bool) -> ReconciliationRun:
        reading, first = await self._cycle(is_whole=is_whole)
        second = first
        if first:
            await self._take_over(reading)
            reading, second = await self._cycle(is_whole=is_whole)
        if second:
            await asyncio.sleep(self._confirm_after_s)
            reading, second = await self._cycle(is_whole=is_whole)
        stands = confirmed(first, second)
        return await self._database.call(
            reconciliation_end,
            run=run,
            differences=stands,
            vanished=ended_ghosts(first, second),
            evidence=evidence_of(reading, stands, len(first) - len(stands)),
        )

    async def _cycle(self, *, is_whole: bool) -> tuple[Reading, tuple[Difference, ...]]:
        """Read; what is new among the orders is kept first. Nothing that is known is told to the session again."""
        row = self._account.row
        plan = await self._database.call(plan_of, row, venue_ms=self._clock.now_ms(), look_for=False)
        reading = await read_account(self._account.reader, plan)
        for report in await self._database.call(strangers_in, row, reading):
            self._ledger.put(report)
        await self._ledger.settled()
        return reading, await self._database.call(differences_of, row, reading, is_whole=is_whole)

    async def _take_over(self, reading: Reading) -> None:
        """Something differs: book everything that was read, and look for the orders that were not."""
        reports: list[AccountMessage] = [*reading.open_orders, *reading.fills]
        for report in (*reports, *reading.settlements):
            self._ledger.put(report)
        for pause_s in (*self._pauses(), 0.0):
            await self._catch_up.orders()
            if not self._catch_up.proof.is_waiting:
                break
            await asyncio.sleep(pause_s)
        await self._ledger.settled()

    def _pauses(self) -> tuple[float, float]:
        """Between three looks for orders that are missing: two of them far enough apart prove an absence."""
        pause_s = ABSENT_FOR_S if self._account.reader.capabilities.forgets_ended_orders else 0.0
        return (pause_s, pause_s)

    async def _close(self, orphan: OrphanedOrder, ref: OrderRef) -> None:
        ack = await self._account.gateway.cancel(ref)
        report = await self._account.reader.order(ref)
        if report is not None:
            self._ledger.put(report)
            return
        now_s = asyncio.get_running_loop().time()
        absent_s = now_s - self._absent_since.setdefault(orphan.pk, now_s)
        if absent_s >= ABSENT_FOR_S:
            evidence = {"canceled": ack.is_canceled, "answer": ack.reason[:200], "absent_s": round(absent_s, 1)}
            await self._database.call(orphan_close_proven, orphan=orphan, evidence=evidence)


class Reconcilers:
    """All accounts of one trader."""

    def __init__(self, reconcilers: Iterable[Reconciler]) -> None:
        self._all = tuple(reconcilers)

    async def run(self, trigger: RunTrigger, *, venue: str = "") -> None:
        """One after the other; those at `venue` only, if it is given."""
        for one in self._all:
            if venue in ("", one.venue):
                await one.run(trigger)

    async def every_minute(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await self.run(RunTrigger.PERIODIC)

    async def close_wanted(self) -> None:
        for one in self._all:
            await one.close_wanted()

    async def before_shutdown(self) -> None:
        """As far as a few seconds, the database and the lease allow: whoever starts next compares again, and the doors
        are still to be closed."""
        try:
            await asyncio.wait_for(self.run(RunTrigger.SHUTDOWN), GOODBYE_S)
        except (TimeoutError, DomainError, *AWAY) as problem:
            log.warning("reconciliation_cut_short", problem=repr(problem))


def _closing(account_pk: int) -> list[tuple[OrphanedOrder, OrderRef]]:
    rows = OrphanedOrder.objects.filter(venue_account_id=account_pk, state=OrphanState.CLOSING).order_by("id")
    found = []
    for row in rows:
        market = Market.objects.filter(market_id=row.market_id).first()
        if market is not None:
            ref = OrderRef(
                client_order_id=row.client_order_id,
                venue_order_id=row.venue_order_id,
                market=market.venue_market,
                placed_ms=to_ms(row.venue_at),
            )
            found.append((row, ref))
    return found
