"""One user's accounts at the venues, each with its lease and its doors.

Invariant: an account without a held lease has no gateway in use: `epoch` is part of every claim, so a trader that lost
the lease claims nothing.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import msgspec

from accounts.models import User, VenueAccount
from accounts.selectors import accounts_of
from accounts.services import credential_open
from core.kill_points import kill_point
from trading.domain.desk import private_stream
from trading.engine.database import DatabaseThread
from trading.engine.paper import PaperDoors, market_data_secrets, paper_opening
from trading.engine.simulated import ACTOR, KIND_OF
from trading.selectors.our_books import order_ref as order_ref
from trading.services.lease import LEASE, lease_acquire, lease_release, lease_renew
from venues.ports import AccountReader, FrameTap, MarketDataFeed, OrderGateway
from venues.registry import VenueEndpoints, open_account, open_market_data
from venues.types import FeedStatus, Message, Venue, VenueMarket


@dataclass
class DeskAccount:
    """A venue account that this trader may trade. `name` is what reports and commands call it: its key at the venue."""

    row: VenueAccount
    epoch: int
    reader: AccountReader
    gateway: OrderGateway
    lease_until_s: float = 0.0
    """Event-loop time until which the lease is ours whatever happens: counted from before it was asked for."""
    fence_token: str = ""
    """What every order carries; empty until the account is taken over, and while the fence is being changed."""
    alive_until_s: float | None = None
    """Event-loop time until which the venue's dead-man switch is known to hold; None where none is armed."""
    is_reconciled: bool = False
    """Orders, fills, positions and cash were read since the account was taken over: before that nothing is claimed."""

    @property
    def name(self) -> str:
        return self.row.account_key

    @property
    def stream(self) -> str:
        """What its private stream is called here and in the session."""
        return private_stream(self.row.venue, self.name)

    async def listen(self, sink: Callable[[Message], None]) -> None:
        """Its private stream for ever. The adapter calls it by the venue's name, this by the account's."""

        def named(message: Message) -> None:
            is_status = isinstance(message, FeedStatus)
            sink(msgspec.structs.replace(message, feed=self.stream) if is_status else message)

        await self.reader.run(named)


@dataclass
class Desk:
    """A user, the accounts held for them, and the public data of the venues they are at."""

    user: User
    holder: str
    accounts: dict[str, DeskAccount] = field(default_factory=dict)
    feeds: dict[Venue, MarketDataFeed] = field(default_factory=dict)

    @property
    def rows(self) -> list[VenueAccount]:
        """The rows of the accounts held."""
        return [account.row for account in self.accounts.values()]

    async def renew_leases(self, database: DatabaseThread) -> None:
        """Raises Conflict `lease_lost` when another trader has taken an account over."""
        for account in self.accounts.values():
            kill_point("P14.before_renewal")
            asked_s = asyncio.get_running_loop().time()
            await database.call(lease_renew, venue_account=account.row, holder=self.holder, epoch=account.epoch)
            account.lease_until_s = asked_s + LEASE.total_seconds()

    async def close(self, database: DatabaseThread) -> None:
        """Close the doors and let the leases go; while the database is away they run out by themselves."""
        for feed in self.feeds.values():
            await feed.aclose()
        for account in self.accounts.values():
            await account.reader.aclose()
            await account.gateway.aclose()
            await database.attempt(lease_release, venue_account=account.row, holder=self.holder, epoch=account.epoch)


def process_holder() -> str:
    """The name under which this process holds leases; containers may share host names and process ids."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}-{_token_of(os.getpid())}"


@cache
def _token_of(_pid: int) -> str:
    return secrets.token_hex(8)


async def open_desk(
    *,
    user: User,
    mode: str,
    holder: str,
    endpoints: VenueEndpoints,
    database: DatabaseThread,
    market_of: Callable[[str], VenueMarket | None],
    clock_ms: Callable[[], int],
    tap: FrameTap | None,
    paper: PaperDoors | None = None,
) -> Desk:
    """Take the leases and open the doors; all of them or none. Raises Conflict `lease_held` while another trader holds
    an account. `paper`: the accounts are paper accounts on the venues' live data."""
    desk = Desk(user=user, holder=holder)
    try:
        for row in await database.call(accounts_of, user, mode=mode):
            venue = Venue(row.venue)
            secrets = await _secrets(row, database, is_paper=paper is not None)
            asked_s = asyncio.get_running_loop().time()
            kill_point("P14.before_lease")
            lease = await database.call(lease_acquire, venue_account=row, holder=holder)
            kill_point("P14.leased")
            if venue not in desk.feeds:
                feed = open_market_data(venue, endpoints=endpoints, secrets=secrets, clock_ms=clock_ms, tap=tap)
                desk.feeds[venue] = feed if paper is None else paper.feed(feed)
            if paper is None:
                reader, gateway = open_account(
                    venue,
                    endpoints=endpoints,
                    secrets=secrets,
                    account=row.account_key,
                    market_of=market_of,
                    clock_ms=clock_ms,
                    tap=tap,
                )
            else:
                reader, gateway = paper.open(row, desk.feeds[venue], await database.call(paper_opening, row))
            desk.accounts[row.account_key] = DeskAccount(
                row=row,
                epoch=lease.epoch,
                reader=reader,
                gateway=gateway,
                lease_until_s=asked_s + LEASE.total_seconds(),
            )
    except BaseException:
        await desk.close(database)
        raise
    return desk


async def _secrets(row: VenueAccount, database: DatabaseThread, *, is_paper: bool) -> Mapping[str, str]:
    if is_paper:
        return await database.call(market_data_secrets, row)
    opened = await database.call(
        credential_open, account=row, kind=KIND_OF[Venue(row.venue)], purpose="trade", actor=ACTOR
    )
    return {name: secret.reveal_text() for name, secret in opened.items()}
