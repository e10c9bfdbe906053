"""A recorded game from its first frame to its settlement, in lock-step, and what came of it.

Invariant: same tape, seed and settings give the same decisions, orders, fills and digest, whatever the machine does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from accounts.models import User
from core.money import plain_text
from trading.domain.messages import Tick
from trading.engine.catchup import CatchUp, every_account
from trading.engine.engine import Engine
from trading.engine.lockstep import LockStep
from trading.engine.simulation import SimulatedTrader
from trading.selectors.replay import ReplayFigures, replay_figures
from venues.errors import VenueError
from venues.simulator.remote import ClockReading

log = structlog.get_logger(__name__)

DISCOVER_EVERY_MS = 120_000
MONEY_EVERY_MS = 300_000
FLUSH_EVERY_MS = 30_000
WISHES_EVERY_MS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySummary:
    """What a replay came to. Money in µUSD."""

    messages: int
    decisions: int
    figures: ReplayFigures
    digest: str

    def sentence(self) -> str:
        """One line for people and scripts."""
        figures = self.figures
        return (
            f"Replay finished: messages={self.messages} decisions={self.decisions} orders={figures.orders} "
            f"fills={figures.fills} pnl_usd={plain_text(figures.pnl_u)} fees_usd={plain_text(figures.fees_u)} "
            f"cash_usd={plain_text(figures.cash_u)} digest={self.digest}"
        )


class Replay:
    """Plays one tape with one user's trader."""

    def __init__(self, trader: SimulatedTrader, *, user: User, speed: float) -> None:
        self._trader = trader
        self._user = user
        self._speed = speed
        self._due: dict[str, int] = {}

    async def run(self) -> ReplaySummary:
        """Play to the end. Raises where the venues cannot be reached or stop answering."""
        await self._trader.control.pause()
        await self._trader.meet()
        engine = await self._trader.build(self._user)
        engine.turns = asyncio.Lock()
        engine.inbox.keeps_all = True
        for feed in engine.desk.feeds.values():
            feed.is_stepped = True
        await engine.start()
        lockstep = LockStep(
            control=self._trader.control,
            clock=self._trader.clock,
            connections=lambda: engine.connections,
            decide_all=lambda: self._decide(engine),
            carried_out=lambda: self._carried_out(engine),
            is_quiet=lambda: not any(game.is_live for game in engine.session.games.values()),
            speed=self._speed,
        )
        try:
            await engine.follow_wishes()
            await self._poll_games(engine)
            await engine.discovery.refresh()
            await lockstep.connected()
            await lockstep.run(lambda reading: self._each_step(engine, reading))
            await self._close_books(engine)
            return await self._summary(engine)
        finally:
            await engine.stop()

    async def _each_step(self, engine: Engine, _reading: ClockReading) -> bool:
        """What is due by virtual time: game feed every step, listings, cash and the journal now and then. True where
        the venues may have written something because of it: new markets are streamed."""
        await self._poll_games(engine)
        engine.decide(Tick())
        engine.sample_prices()
        may_stream_more = self._is_due(engine, "discover", DISCOVER_EVERY_MS)
        if may_stream_more:
            await engine.discovery.refresh()
        if self._is_due(engine, "money", MONEY_EVERY_MS):
            await self._read_money(engine)
        if self._is_due(engine, "wishes", WISHES_EVERY_MS):
            await engine.follow_wishes()
        if self._is_due(engine, "journal", FLUSH_EVERY_MS):
            await engine.flush()
        return may_stream_more

    async def _poll_games(self, engine: Engine) -> None:
        try:
            for game in await engine.espn.poll_once():
                engine.take(game)
        except VenueError as error:
            log.warning("game_feed_failed", code=error.code, error=error.message)

    def _decide(self, engine: Engine) -> int:
        messages = engine.inbox.take_in_fixed_order()
        for message in messages:
            engine.take(message)
        return len(messages)

    async def _carried_out(self, engine: Engine) -> bool:
        """Wait for the end of everything that was started; False where there was nothing."""
        was_busy = engine.tasks.busy > 0
        await engine.tasks.drain()
        await engine.ledger.settled()
        was_busy = was_busy or engine.tasks.busy > 0
        await engine.tasks.drain()
        return was_busy

    async def _read_money(self, engine: Engine) -> None:
        await every_account(engine.catch_ups, CatchUp.money)
        await every_account(engine.catch_ups, CatchUp.settlements)
        await engine.ledger.settled()

    async def _close_books(self, engine: Engine) -> None:
        """The markets are settled: read what was paid, and write everything down."""
        await every_account(engine.catch_ups, CatchUp.fills)
        await self._read_money(engine)
        await self._carried_out(engine)
        await engine.flush()

    async def _summary(self, engine: Engine) -> ReplaySummary:
        accounts = [account.row for account in engine.desk.accounts.values()]
        return ReplaySummary(
            messages=engine.messages,
            decisions=engine.journal.decisions_noted,
            figures=await engine.on_ledger(replay_figures, accounts),
            digest=engine.session.digest.hexdigest(),
        )

    def _is_due(self, engine: Engine, what: str, every_ms: int) -> bool:
        now_ms = engine.clock.now_ms()
        if now_ms < self._due.get(what, 0):
            return False
        self._due[what] = now_ms + every_ms
        return True
