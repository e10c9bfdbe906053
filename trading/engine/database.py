"""The engine's database threads.

Django connections belong to a thread, and one slow batch must not stand before an order: the ledger (orders, fills,
cash), the journal (decisions, price points, games) and the emergency stops each have a thread, and so a connection, of
their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

import structlog
from django.db import IntegrityError, InterfaceError, InternalError, OperationalError, connections

log = structlog.get_logger(__name__)

AWAY = (OperationalError, InterfaceError, InternalError)
"""What Django raises when the database cannot be reached or does not let us in for now; the last of them where it may
only be read (a replica, a disk without room)."""

RAISED = "P0001"
"""SQLSTATE of `RAISE EXCEPTION`. Source: PostgreSQL 15, appendix A."""

RETRY_S = 0.5

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThread:
    """Runs synchronous services one after the other on one thread with one lasting connection."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises what the service raises; after a lost connection the next call gets a new one. What a trigger of ours
        refuses it refuses for ever: an IntegrityError on either database, never one of `AWAY`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(_run, partial(function, *args, **kwargs)))

    async def persist(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `call`, again and again while the database is away: for a fact that no later read would bring back."""
        while True:
            try:
                return await self.call(function, *args, **kwargs)
            except AWAY as error:
                log.error("write_waits_for_database", write=getattr(function, "__name__", ""), error=str(error))
                await asyncio.sleep(RETRY_S)

    async def attempt(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """As `call` where the database is there, else a line in the log: for what must wait for no disk (a cancel)."""
        try:
            await self.call(function, *args, **kwargs)
        except AWAY as error:
            log.error("write_given_up", write=getattr(function, "__name__", ""), error=str(error))

    async def close(self) -> None:
        """Finish what is queued, then close the connection."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, connections.close_all)
        self._pool.shutdown(wait=True)


def _is_refused(error: Exception) -> bool:
    """By a RAISE of a trigger, which PostgreSQL tells as it tells of itself in trouble."""
    return getattr(error.__cause__, "sqlstate", None) == RAISED


def _run(work: Callable[[], T]) -> T:
    try:
        return work()
    except AWAY as error:
        if _is_refused(error):
            raise IntegrityError(*error.args) from error
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()
        raise
