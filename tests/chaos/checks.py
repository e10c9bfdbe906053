"""The reckoning: everything that must be true at the end of a run, of our rows, of both books and of the wire."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db import connection

from accounts.models import VenueAccount
from trading.models import Order
from trading.selectors.invariants import CHECKS, Violation, violations
from trading.selectors.venue_rules import capabilities_of
from trading.services.refold import account_differences
from venues.book import Book
from venues.kalshi.orders import groups_of
from venues.types import MarketState, Venue

if TYPE_CHECKING:
    from tests.chaos.network import Arrival
    from tests.chaos.run import Run
    from trading.engine.desk import DeskAccount
    from trading.engine.engine import Engine

NOT_HERE = ("INV-42",)
"""No relay runs in a chaos run, so its outbox is never delivered."""
ON_THE_WIRE = ("INV-03", "INV-04", "INV-10", "INV-11", "INV-12", "INV-50", "INV-53")
OF_THE_ROWS = ("INV-43", "INV-52")
AT_REST = ("INV-51", "LIVENESS")
AGAINST_THE_VENUE = ("INV-05",)
APPLY = (*(code for code in CHECKS if code not in NOT_HERE), *AGAINST_THE_VENUE, *ON_THE_WIRE, *OF_THE_ROWS, *AT_REST)
HALT_TAKES_S = 0.1


def look(run: Run) -> list[Violation]:
    rows = violations(ledgers=run.ledgers(), without=NOT_HERE)
    return [*rows, *_wire(run), *_refolded(), *_secrets(run), *_liveness(run)]


def unrest(run: Run) -> list[Violation]:
    """What must be so at rest in the memory of whoever trades: one trades, and its books are the venues' own."""
    engines = [trader.engine for trader in run.traders if trader.engine is not None]
    trading = [one for one in engines if all(_may_trade(account) for account in one.desk.accounts.values())]
    if not trading:
        return [Violation("LIVENESS", "nobody trades in the end")]
    return [found for engine in trading for found in (*_books(run, engine), *_fences(run, engine))]


def _may_trade(account: DeskAccount) -> bool:
    return account.is_reconciled and bool(account.fence_token)


def _books(run: Run, engine: Engine) -> Iterator[Violation]:
    for listing in engine.discovery.listings.values():
        ours = engine.session.markets[listing.market_id].book
        market = run.venues.exchange(listing.venue).market(listing.native_id)
        if market.state is not MarketState.OPEN:
            continue
        theirs = Book()
        theirs.apply_snapshot(market.bids.depth(), market.asks.depth())
        if ours != theirs:
            yield Violation("INV-51", f"the book of {listing.market_id} is {ours}, the venue's is {theirs}")


def _fences(run: Run, engine: Engine) -> Iterator[Violation]:
    """The fence that orders carry is there at the venue; whether the venue's own throttle fired, a refusal tells."""
    for account in engine.desk.accounts.values():
        if not account.gateway.capabilities.fences:
            continue
        venue = Venue(account.row.venue)
        there = {group.group_id for group in run.venues.exchange(venue).groups(run.venues.account_id(venue))}
        if gone := set(groups_of(account.fence_token).values()) - there:
            yield Violation(
                "INV-12", f"the fence of epoch {account.epoch} carries on without its groups {sorted(gone)}"
            )


def _wire(run: Run) -> Iterator[Violation]:
    """Every order that arrived was written down before it left, arrived once, and left while nothing forbade it."""
    rows = {row.body_sha256: row for row in Order.objects.exclude(body_sha256="")}
    seen: Counter[int] = Counter()
    for arrival in run.network.arrivals:
        row = rows.get(hashlib.sha256(arrival.body).hexdigest())
        if row is None or row.sent_at is None:
            yield Violation("INV-04", f"bytes reached {arrival.venue} that no order was written down for")
            continue
        seen[row.pk] += 1
        if seen[row.pk] > 1:
            yield Violation("INV-03", f"order {row.pk} arrived {seen[row.pk]} times")
        yield from _forbidden(run, row, arrival)
    for holder, epoch in run.shut_out:
        yield Violation("INV-12", f"{holder} shut the fence of epoch {epoch}, which another holds")
    if run.network.throttled:
        yield Violation("INV-53", f"a venue refused {run.network.throttled} requests as too many")


def _forbidden(run: Run, row: Order, arrival: Arrival) -> Iterator[Violation]:
    epoch, book = arrival.departure
    if row.lease_epoch != epoch:
        yield Violation("INV-10", f"order {row.pk} of epoch {row.lease_epoch} left while epoch {epoch} held the lease")
    if capabilities_of(arrival.venue).fences and arrival.status < 300 and row.lease_epoch < arrival.fence_epoch:
        words = f"order {row.pk} of epoch {row.lease_epoch} was taken though epoch {arrival.fence_epoch} has a fence"
        yield Violation("INV-12", words)
    if book and not row.reduce_only:  # what only reduces may leave on a broken book
        yield Violation("INV-50", f"order {row.pk} left with {book}")
    for since_s, until_s in run.halts:
        if since_s + HALT_TAKES_S < arrival.left_s < until_s:
            yield Violation("INV-11", f"order {row.pk} left {arrival.left_s - since_s:.2f} s after a halt")


def _secrets(run: Run) -> Iterator[Violation]:
    """Nothing of a credential is readable anywhere in the database."""
    written: bytes = connection.connection.serialize()
    for secret in run.secrets():
        if secret.encode() in written:
            yield Violation("INV-43", f"a secret that begins with {secret[:4]!r} is written down in the clear")


def _refolded() -> Iterator[Violation]:
    """What is kept for speed is what the rows say."""
    for account in VenueAccount.objects.order_by("id"):
        for words in account_differences(account):
            yield Violation("INV-52", f"account {account.pk}: {words}")


def _liveness(run: Run) -> Iterator[Violation]:
    for row in run.working():
        words = f"order {row.pk} at {row.venue_account.venue} is {row.status} ({row.time_in_force}) in the end"
        yield Violation("LIVENESS", words + (", nobody knows its fate" if row.is_unknown else ""))
