"""Trader and guard as parts of the one-process run: free-running on generated games, in lock-step on a recorded one."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.demo import DEMO_EMAIL
from accounts.models import User
from accounts.selectors import user_by_email
from core.embedded.parts import RunContext
from trading.engine.guard_anchors import anchor_here
from trading.engine.guarding import watch
from trading.engine.permit import FilePermit
from trading.engine.replay import Replay
from trading.engine.simulation import SimulatedTrader
from trading.services.demo import demo_desk_ensure
from trading.services.records import TRADER


class TraderPart:
    """Starts the demo user's trader on the simulators that the same run started."""

    name = "trader"

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._trader: SimulatedTrader | None = None
        self._replay: asyncio.Task[Any] | None = None

    async def start(self) -> None:
        user = await asyncio.to_thread(demo_user)
        self._trader = SimulatedTrader(
            host="127.0.0.1",
            port=self._context.simulator_port or settings.SIMULATOR_PORT,
            data_dir=self._context.options.data_dir,
            holder=_run_holder(self._context.options.data_dir),
            permit=None if self._context.options.is_replay else FilePermit(Path(settings.DATA_DIR)),
        )
        if self._context.options.is_replay:
            replay = Replay(self._trader, user=user, speed=self._context.options.speed)
            self._replay = asyncio.create_task(self._play(replay), name="replay")
        else:
            await self._trader.start()
            await self._anchor("trader started")

    async def stop(self) -> None:
        if self._replay is not None:
            self._replay.cancel()
            await asyncio.gather(self._replay, return_exceptions=True)
        if self._trader is not None:
            await self._trader.stop()
            if self._replay is None:
                await self._anchor("trader stopped")

    def is_alive(self) -> bool:
        return self._replay is None or not self._replay.done() or self._replay.exception() is None

    async def _anchor(self, why: str) -> None:
        await asyncio.to_thread(anchor_here, self._context.options.data_dir, why=why, actor=TRADER)

    async def _play(self, replay: Replay) -> None:
        summary = await replay.run()
        print(summary.sentence(), flush=True)
        if self._context.options.exit_at_end:
            self._context.end()


def demo_user() -> User:
    """The user of the newcomer's run, with settings and a trader that runs from the first start on."""
    user = user_by_email(DEMO_EMAIL)
    assert user is not None, "the run makes the demo user before its parts start"
    demo_desk_ensure(user=user)
    return user


def _run_holder(data_dir: Path) -> str:
    """The run's name as a holder of leases: the lock on its folder proves that a former holder of it is dead, so that
    a run that was killed need not wait for its own lease to run out."""
    folder = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
    return f"{socket.gethostname()[:64]}:run-{folder}"


class GuardPart:
    """The guard as a thread of the one-process run."""

    name = "guard"

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._asked_to_stop = threading.Event()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        self._asked_to_stop.clear()
        self._thread = threading.Thread(
            target=watch,
            args=(self._asked_to_stop,),
            kwargs={"simulator_port": self._context.simulator_port},
            name="guard",
            daemon=True,
        )
        self._thread.start()

    async def stop(self) -> None:
        self._asked_to_stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 2.0)

    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()
