"""The guard shuts at the venue what a dead trader may still have on its way (ORDERS K03).

Story: a trader that was killed, hangs or sleeps lets its lease run out. A request of its own that is still under way,
or that it sends when it wakes up, does not look at our database: the venue's fence has to refuse it, and no successor
may be there to shut it. Invariant: only fences whose lease has run out are touched, by the database's own clock, so no
trader that may trade is ever shut out; a lease that ran out never comes back with the same epoch. Beside a KILL file
and without a database nobody may trade: then the fence that was last known is shut too, and that is written down when
the database is back, so that its trader is not halted for it and opens another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import structlog

from accounts.models import VenueAccount
from trading.engine.database import AWAY, DatabaseThread
from trading.models import VenueFence
from trading.selectors.fences import live_fence, unheld_fences
from trading.services.fences import fence_close_unheld, fence_note_shut
from trading.services.guard import ACTOR
from venues.errors import VenueError
from venues.ports import Capabilities

log = structlog.get_logger(__name__)


class FenceGateway(Protocol):
    @property
    def capabilities(self) -> Capabilities: ...
    async def close_fence(self, token: str) -> None: ...
    async def is_fence_closed(self, token: str) -> bool: ...


class FencedDoor(Protocol):
    """`fence`: the live one when the database was last read; `has_shut_fence`: shut since, and not written down yet."""

    fence: VenueFence | None
    has_shut_fence: bool

    @property
    def row(self) -> VenueAccount: ...
    @property
    def gateway(self) -> FenceGateway: ...


async def shut_unheld_fences(doors: Iterable[FencedDoor], database: DatabaseThread) -> int:
    """One look at every account whose venue has fences; how many were proven shut. Those that were not: ask again."""
    shut = 0
    for door in doors:
        if not door.gateway.capabilities.fences:
            continue
        try:
            for fence in await database.call(unheld_fences, door.row):
                shut += await _shut(door, fence, database)
        except AWAY as error:  # shut it is, whether or not it could be written down: it is done and written again
            log.error("fences_without_database", account=door.row.account_key, error=str(error))
    return shut


async def know_fences(doors: Iterable[FencedDoor], database: DatabaseThread) -> None:
    """Remember each account's live fence, for when the database is away. Raises what a database that is away raises."""
    for door in doors:
        if door.gateway.capabilities.fences and not door.has_shut_fence:
            door.fence = await database.call(live_fence, door.row)


async def shut_known_fence(door: FencedDoor) -> bool:
    """True where the venue takes no order of the account's last known fence, or has none. Raises VenueError."""
    if door.fence is not None and not door.has_shut_fence:
        await door.gateway.close_fence(door.fence.token)
        door.has_shut_fence = await door.gateway.is_fence_closed(door.fence.token)
    return door.fence is None or door.has_shut_fence


async def note_shut_fences(doors: Iterable[FencedDoor], database: DatabaseThread) -> None:
    """The database is back. Raises what it raises where it is away again."""
    for door in doors:
        if door.fence is not None and door.has_shut_fence:
            await database.call(fence_note_shut, fence=door.fence, actor=ACTOR)
            log.warning("fence_shut_by_guard", account=door.row.account_key, epoch=door.fence.epoch)
            door.fence, door.has_shut_fence = None, False


async def _shut(door: FencedDoor, fence: VenueFence, database: DatabaseThread) -> bool:
    try:
        await door.gateway.close_fence(fence.token)
        is_shut = await door.gateway.is_fence_closed(fence.token)
    except VenueError as error:
        log.warning("fence_not_shut", account=door.row.account_key, code=error.code, error=error.message)
        return False
    if not is_shut or not await database.call(fence_close_unheld, fence=fence, actor=ACTOR):
        return False
    log.warning("fence_shut_by_guard", account=door.row.account_key, epoch=fence.epoch)
    return True
