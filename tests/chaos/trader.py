"""One host on which a trader process runs, dies and is started again."""

from __future__ import annotations

import asyncio
import itertools
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from django.db import OperationalError

from accounts.models import Mode, User
from risk.models import HaltState
from risk.selectors import stopped_scopes
from tests.chaos.process import CURRENT, Process
from tests.chaos.stage import BASE_PORT
from trading.domain.commands import Command
from trading.domain.market_view import MarketView
from trading.engine.build import build
from trading.engine.database import DatabaseThread
from trading.engine.engine import Engine
from trading.engine.host import TraderHost
from trading.engine.permit import PermitAsk
from trading.engine.supervised import TaskGroup
from venues.errors import NotSent
from venues.registry import simulated_endpoints

if TYPE_CHECKING:
    from tests.chaos.run import Run

_generations = itertools.count(1)


class LoopClock:
    """The trader's clock is the loop's."""

    pace = 1.0

    def __init__(self, run: Run) -> None:
        self._loop = run.loop

    def now_us(self) -> int:
        return self._loop.wall_us()

    def now_ms(self) -> int:
        return self._loop.wall_ms()


class SilentGames:
    """No game feed: these runs decide by dice."""

    async def run(self, sink: Any) -> None:
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        return


class LoopPermit:
    """The permit without the guard's thread: the halts are read at the very moment of the last look."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def refusal(self, ask: PermitAsk) -> NotSent | None:
        try:
            stopped = self._run.on_database(stopped_scopes)
        except OperationalError:
            return NotSent("Not sent: the database does not answer.", code="no_permit")
        for halt in stopped:
            if halt.scope in ask.scopes and not (ask.reduces and (halt.flatten or halt.state is HaltState.REDUCING)):
                return NotSent("Not sent: trading is halted.", code="permit_halted")
        return None

    async def awaited(self, ask: PermitAsk) -> None:
        return None

    def generation(self) -> int:
        return 0


class Trader:
    """`engine` is the one that trades now, if any."""

    def __init__(self, name: str, run: Run) -> None:
        self.name = name
        self.generation = 0
        self._run = run
        self.process = Process(name, on_death=run.died)
        self._host: TraderHost | None = None

    @property
    def holder(self) -> str:
        """The name under which the process that runs now holds leases."""
        return f"{self.name}:{self.generation}"

    def start(self) -> None:
        self.generation += 1
        self.process = Process(self.name, on_death=self._run.died)
        self.process.paused_until_s = self._run.asleep_until_s
        self._host = TraderHost(self._build, holder=self.holder)
        self.process.start(self._main(self._host))
        self._run.log("started", self.name, self.generation)

    async def _main(self, host: TraderHost) -> None:
        """As `SimulatedTrader.start`."""
        TaskGroup().supervise("traders", host.run)

    def restart_in(self, seconds: float) -> None:
        self._host = None
        self._run.loop.call_later(seconds, self.start, context=Context())

    @property
    def engine(self) -> Engine | None:
        if self._host is None or self.process.is_dead or self.process.paused_until_s > self._run.loop.time():
            return None
        return next(iter(self._host._engines.values()), None)

    def market(self, market_id: str) -> MarketView | None:
        """What the session of this trader knows of a market, paused or not."""
        engine = next(iter(self._host._engines.values()), None) if self._host is not None else None
        return engine.session.markets.get(market_id) if engine is not None else None

    def carry_out(self, command: Command) -> None:
        """As if the session of this trader had said so now."""
        context = copy_context()
        context.run(CURRENT.set, self.process)
        context.run(self._carry_out, command)

    def _carry_out(self, command: Any) -> None:
        engine = self.engine
        assert engine is not None
        if hasattr(command, "qty_u"):
            engine.session.desk.intents.add(command)
        engine._carry_out(command, [])

    async def _build(self, user: User) -> Engine:
        database = DatabaseThread("ledger")
        try:
            engine = await build(
                user=user,
                mode=Mode.SIMULATED,
                holder=self.holder,
                endpoints=simulated_endpoints(BASE_PORT + 10 * (next(_generations) % 5_000)),
                clock=LoopClock(self._run),
                database=database,
                tap=None,
                permit=LoopPermit(self._run),
            )
        except BaseException:
            await database.close()
            raise
        engine.espn = SilentGames()  # type: ignore[assignment]
        return engine
