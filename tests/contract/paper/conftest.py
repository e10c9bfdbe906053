"""The same cards dealt to paper accounts: the simulated venue is the live data, and its own accounts are never used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.contract.bench import Bench, bench, until
from venues.paper.account import open_paper_account
from venues.paper.hub import PaperFeed
from venues.paper.journal import MemoryJournal
from venues.paper.records import Filled
from venues.paper.state import PaperState
from venues.types import MICRO, Outcome, Venue

OPENED_U = 1_000_000 * MICRO


class PaperBench(Bench):
    """`ledger` is the fold of the account's journal, in the words of a simulated venue's."""

    journal: MemoryJournal
    state: PaperState

    async def ledger(self) -> dict[str, Any]:
        records = [record for batch in self.journal.read() for record in batch]
        fills = [record for record in records if isinstance(record, Filled)]
        return {
            "cash_u": OPENED_U + sum(fill.cash_u for fill in fills),
            "fees_u": sum(fill.fee_u for fill in fills),
            "fills": [{"qty_u": fill.qty_u} for fill in fills],
            "orders": list(self.state.orders),
            "positions": [
                {
                    "native_id": market_id.partition(":")[2],
                    "yes_qty_u": legs[Outcome.YES],
                    "no_qty_u": legs[Outcome.NO],
                }
                for market_id, legs in self.state.held.items()
            ],
        }


@asynccontextmanager
async def paper_bench(venue: Venue) -> AsyncIterator[PaperBench]:
    async with bench(venue) as real:
        clock_ms = lambda: real.now_ms  # noqa: E731
        feed, journal = PaperFeed(real.feed, clock_ms=clock_ms), MemoryJournal()
        reader, gateway = open_paper_account(
            feed, account="mine", journal=journal, opening_u=OPENED_U, clock_ms=clock_ms, latency_ms=0
        )
        on = PaperBench(real._simulator, real._control, feed, reader, gateway, real.account_id)
        on.markets, on.journal, on.state = real.markets, journal, reader._exchange.state
        await feed.watch(on.markets.values())
        running = asyncio.create_task(feed.run(lambda message: None))
        try:
            await until(lambda: all(feed.book(market_id).is_valid for market_id in on.markets))
            yield on
            assert (await real.ledger())["orders"] == [], "a paper order reached the venue"
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await gateway.aclose()


@pytest.fixture(params=list(Venue), ids=str)
async def venue(request: pytest.FixtureRequest) -> AsyncIterator[PaperBench]:
    async with paper_bench(request.param) as on:
        yield on
