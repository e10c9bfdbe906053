"""Runs an engine for every user who has started one: the trader process, or the trader part of the one-process run.

Story: users wish (rows), the host looks every second and brings up what is missing; an engine that ended (a lost lease)
or could not start is tried again with a growing pause. While another trader holds a user's accounts this one follows:
it looks at the lease and opens nothing. One user's trouble never touches another's engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from django.conf import settings

from accounts.models import User
from trading.engine.database import DatabaseThread
from trading.engine.engine import Engine
from trading.models import TraderStatus
from trading.selectors.status import wanted_users
from trading.services.lease import is_held_elsewhere
from trading.services.trader import trader_heartbeat

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
PAUSE_FIRST_S = 2.0
PAUSE_MAX_S = 60.0

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

    async def run(self) -> None:
        """Look after the engines for ever; cancel to stop, then call `stop`."""
        while True:
            await self._end_lost()
            for user in await self._database.call(wanted_users):
                if user.pk not in self._engines and self._is_due(user) and not await self._is_follower(user):
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
            pause_s = self._pauses.get(user.pk, PAUSE_FIRST_S)
            self._pauses[user.pk] = min(pause_s * 2, PAUSE_MAX_S)
            self._not_before[user.pk] = asyncio.get_running_loop().time() + pause_s
        else:
            self._engines[user.pk] = engine
            self._pauses.pop(user.pk, None)
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
                await engine.stop()

    def _is_due(self, user: User) -> bool:
        return asyncio.get_running_loop().time() >= self._not_before.get(user.pk, 0.0)
