"""Opens the doors of a paper account on a venue's live feed."""

from __future__ import annotations

from collections.abc import Callable

from venues.paper.dialect import dialect_of
from venues.paper.exchange import PaperExchange
from venues.paper.gateway import LATENCY_MS, PaperOrders
from venues.paper.hub import PaperFeed
from venues.paper.journal import Journal
from venues.paper.reader import PaperAccount


def open_paper_account(
    feed: PaperFeed,
    *,
    account: str,
    journal: Journal,
    opening_u: int,
    clock_ms: Callable[[], int],
    latency_ms: int = LATENCY_MS,
) -> tuple[PaperAccount, PaperOrders]:
    """The reader and the gateway of one account, restored from its journal or opened with `opening_u` µUSD.

    Raises ProtocolError for a damaged journal, OutcomeUnknown for one that cannot be written.
    """
    dialect = dialect_of(feed.capabilities.venue, account=account, clock_ms=clock_ms)
    exchange = PaperExchange(feed=feed, dialect=dialect, journal=journal, clock_ms=clock_ms, opening_u=opening_u)
    reader = PaperAccount(exchange, account=account, clock_ms=clock_ms)
    return reader, PaperOrders(exchange, account=account, clock_ms=clock_ms, latency_ms=latency_ms)
