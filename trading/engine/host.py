"""Runs an engine for every user who has started one: the trader process, or the trader part of the one-process run.

Story: users wish (rows), the host looks every second and brings up what is missing; an engine that ended (a lost lease)
or could not start is tried again with a growing pause, a longer one where a venue refuses the key, and at once with
another key. While another trader holds a user's accounts this one follows: it looks at the lease and opens nothing. One
user's trouble never touches another's engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from django.conf import settings

from accounts.models import User
from accounts.selectors import credentials_in_use
from trading.engine.database import DatabaseThread
from trading.engine.engine import Engine
from trading.engine.patience import KeyPatience
from trading.models import TraderStatus
from trading.selectors.status import wanted_users
from trading.services.lease import is_held_elsewhere
from trading.services.pauses import fence_lost
from trading.services.standstill import broken_halt
from trading.services.trader import trader_heartbeat
from venues.errors import AuthFailed

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
PAUSE_FIRST_S = 2.0
PAUSE_MAX_S = 60.0
STEADY_S = 60.0
"""An engine that ran for so long had started well: what ends it begins a new row of pauses."""

Build = Callable[[User], Awaitable[Engine]]


class TraderHost:
    """Owns the engines. `build` makes one that is ready to start."""

    def __init__(self, build: Build, *, holder: str) -> None:
        """`holder`: the name under which the engines hold their leases."""
        self._build = build
        self._holder = holder
        self._database = DatabaseThread("host")
        self._engines: dict[int, Engine] = {}
        self._pauses: dict[int, float] = {}
        self._not_before: dict[int, float] = {}
        self._started_s: dict[int, float] = {}
        self._patience = KeyPatience()

    async def run(self) -> None:
        """Look after the engines for ever; cancel to stop, then call `stop`."""
        while True:
            await self._end_lost()
            for user in await self._database.call(wanted_users):
                if user.pk not in self._engines and await self._is_due(user) and not await self._is_follower(user):
                    await self._bring_up(user)
            await asyncio.sleep(LOOK_EVERY_S)

    async def stop(self) -> None:
        """Stop all engines at the same time."""
        engines, self._engines = list(self._engines.values()), {}
        await asyncio.gather(*(engine.stop() for engine in engines), return_exceptions=True)
        await self._database.close()

    async def _bring_up(self, user: User) -> None:
        try:
            engine = await self._started(user)
        except Exception as problem:  # the supervisor's seam: told to the user, tried again later
            log.exception("trader_start_failed", user=str(user.uid))
            await self._database.call(
                trader_heartbeat, user=user, status=TraderStatus.FAILED, detail=f"{type(problem).__name__}: {problem}"
            )
            if isinstance(problem, AuthFailed):
                self._patience.refuse(user.pk, await self._keys(user), now_s=asyncio.get_running_loop().time())
            else:
                self._pause(user.pk)
        else:
            self._patience.accept(user.pk)
            self._engines[user.pk] = engine
            self._started_s[user.pk] = asyncio.get_running_loop().time()
            log.info("trader_started", user=str(user.uid))

    async def _is_follower(self, user: User) -> bool:
        return await self._database.call(is_held_elsewhere, user, mode=settings.TRADING_MODE, holder=self._holder)

    async def _started(self, user: User) -> Engine:
        """An engine that could not start leaves nothing running and no lease behind."""
        engine = await self._build(user)
        try:
            await engine.start()
        except BaseException:
            await engine.stop()
            raise
        engine.run_free()
        return engine

    async def _end_lost(self) -> None:
        for key, engine in list(self._engines.items()):
            if engine.ended.is_set():
                del self._engines[key]
                if asyncio.get_running_loop().time() - self._started_s[key] > STEADY_S:
                    self._pauses.pop(key, None)
                self._pause(key)
                try:
                    await engine.stop()
                finally:  # whatever becomes of its end
                    await self._make_sure_of_halt(engine)

    async def _make_sure_of_halt(self, engine: Engine) -> None:
        """An engine that found itself broken halts its user, one that the venue shut out its account; a database that
        was away may have cut off its word, and the next one must not start without it."""
        if engine.custody.broken_by is not None:
            task, problem = engine.custody.broken_by
            await self._database.persist(broken_halt, user=engine.desk.user, task=task, problem=problem)
        for account, why in engine.custody.shut_out:
            await self._database.persist(fence_lost, venue_account=account.row, epoch=account.epoch, reason=why)

    def _pause(self, key: int) -> None:
        pause_s = self._pauses.get(key, PAUSE_FIRST_S)
        self._pauses[key] = min(pause_s * 2, PAUSE_MAX_S)
        self._not_before[key] = asyncio.get_running_loop().time() + pause_s

    async def _is_due(self, user: User) -> bool:
        now_s = asyncio.get_running_loop().time()
        if now_s < self._not_before.get(user.pk, 0.0):
            return False
        if not self._patience.has_refused(user.pk):
            return True
        return not self._patience.is_waiting(user.pk, await self._keys(user), now_s=now_s)

    async def _keys(self, user: User) -> frozenset[UUID]:
        return await self._database.call(credentials_in_use, user, mode=settings.TRADING_MODE)
