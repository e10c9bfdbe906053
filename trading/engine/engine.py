"""One user's trader: the pure session with everything around it that waits, fails and retries.

Story: feeds put messages into the inbox; the pump takes them one by one, lets the session decide and carries out what
it says. Reports about our own orders go through the ledger first. Invariants: the session is touched on the event loop
only; nothing is traded before catch-up has read every account; a lost lease ends this engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

import structlog
from django.conf import settings

from core.errors import Conflict
from markets.services import PriceSample
from trading.domain.commands import CancelOrder, Command, Decision, RaiseAlert, StoreBaseline, SubmitOrder
from trading.domain.context import cancel_context, submit_context
from trading.domain.messages import BookChanges, ConfigChanged, DomainMessage, Tick, TradingState, TradingStateChanged
from trading.domain.session import Session
from trading.engine.catchup import CatchUp, every_account
from trading.engine.clock import Clock
from trading.engine.custody import Custody
from trading.engine.database import DatabaseThread
from trading.engine.desk import Desk
from trading.engine.discovery import Discovery
from trading.engine.executor import Executor
from trading.engine.inbox import ACCOUNT_MESSAGES, Inbox
from trading.engine.journal import Journal
from trading.engine.ledger import LedgerKeeper
from trading.engine.looking_after import read_patiently
from trading.engine.permit import Permit
from trading.engine.publisher import Publisher
from trading.engine.reconciling import Reconciler, Reconcilers
from trading.engine.supervised import TaskGroup, every
from trading.engine.views import Recent, unrealized_losses_u
from trading.engine.watch import RiskWatch
from trading.engine.wishes import STOPPED_BY_USER, Following, strictest_of, wishes
from trading.models import RunTrigger, TraderStatus
from trading.selectors.configs import session_config
from trading.services.trader import trader_heartbeat
from venues.espn.client import EspnFeed
from venues.types import FeedStatus, GameState, MarketListed, MarketState, MarketStateChanged, Message, PublicTrade
from venues.unknown_fields import UNKNOWN_FIELDS

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

PUMP_BATCH = 200
TICK_S = 0.5
VITAL_PAUSE_S = 2.0
"""The longest pause of what holds the lease, tells that we live, and hears "stop"."""
PRICE_EVERY_MS = 5_000


class Engine:
    """Built by `trading.engine.build`; `start` once, `stop` once."""

    def __init__(
        self,
        *,
        desk: Desk,
        session: Session,
        clock: Clock,
        espn: EspnFeed,
        leagues: tuple[str, ...],
        ledger_database: DatabaseThread,
        journal_database: DatabaseThread,
        permit: Permit,
    ) -> None:
        self.desk = desk
        self.session = session
        self.clock = clock
        self.espn = espn
        self.tasks = TaskGroup(broken=lambda task, problem: self.custody.broken(task, problem))
        self.inbox = Inbox()
        self.messages = 0
        self.ended = asyncio.Event()
        self.turns: asyncio.Lock | None = None
        self._is_reconciled = False
        self._wish = TradingStateChanged(TradingState.ACTIVE)
        self._ledger_database = ledger_database
        self._journal_database = journal_database
        self._stops_database = DatabaseThread("stops")
        self._feeds_up: dict[str, tuple[bool, float]] = {}
        self._recent = Recent()
        self._sampled_ms: dict[str, int] = {}
        self.journal = Journal(user=desk.user, database=journal_database)
        self.ledger = LedgerKeeper(accounts=desk.accounts, database=ledger_database, tell=self.decide)
        self.discovery = Discovery(
            feeds=desk.feeds, leagues=leagues, database=journal_database, tell=self.decide, now_ms=clock.now_ms
        )
        self.watch = RiskWatch(desk=desk, session=session, clock=clock, database=journal_database)
        self.executor = Executor(
            accounts=desk.accounts,
            database=ledger_database,
            clock=clock,
            tell=self.decide,
            market_of=self.discovery.market_of,
            unrealized_u=lambda account: unrealized_losses_u(session, account),
            permit=permit,
            watch=self.watch,
            fenced=lambda account, why: self.custody.fenced(account, why),
            trouble=lambda account, error: self.custody.trouble(account, error),
        )
        busy = self.executor.in_flight
        self.catch_ups = [
            CatchUp(account=account, database=ledger_database, ledger=self.ledger, clock=clock, in_flight=busy)
            for account in desk.accounts.values()
        ]
        self.reconcilers = Reconcilers(
            Reconciler(account=account, database=ledger_database, ledger=self.ledger, clock=clock, catch_up=catch_up)
            for account, catch_up in zip(desk.accounts.values(), self.catch_ups, strict=True)
        )
        self.following = Following(
            wishes=self.follow_wishes, doors=desk.accounts.values, database=self._stops_database, permit=permit
        )
        self.custody = Custody(
            desk=desk,
            database=ledger_database,
            writers=(ledger_database, self._stops_database),
            clock=clock,
            tasks=self.tasks,
            catch_ups=self.catch_ups,
            cancel=self.executor.cancel_order,
            ended=self._end,
        )
        self.publisher = self._new_publisher()

    def _new_publisher(self) -> Publisher:
        return Publisher(
            session=self.session,
            recent=self._recent,
            clock=self.clock,
            uids=self.discovery.uids,
            user_uid=str(self.desk.user.uid),
            status=self.status,
        )

    async def start(self) -> None:
        """Take over, catch up, then open the streams. Raises where an account cannot be taken over or read."""
        await self._beat(TraderStatus.STARTING)
        await self.discovery.restore()
        await self.follow_wishes()
        self.tasks.supervise("leases", every(5.0, self._renew_leases), pause_max_s=VITAL_PAUSE_S)
        self.tasks.supervise("ledger", self.ledger.run)
        await self.custody.take_over()
        await self.reconcilers.run(RunTrigger.START)
        await self.follow_wishes()
        self._is_reconciled = True
        self.custody.open()
        self._open_streams()
        self.tasks.supervise("heartbeat", every(2.0, self._heartbeat), pause_max_s=VITAL_PAUSE_S)
        self.tasks.supervise("publisher", self.publisher.run)

    def run_free(self) -> None:
        """Live by the clock, as at real venues: what is polled, ticked and flushed has its own rhythm."""
        self.tasks.supervise("pump", self._pump)
        self.tasks.supervise("espn", lambda: self.espn.run(self.inbox.sink("espn")))
        self.tasks.supervise("tick", every(TICK_S, self._tick))
        self.tasks.supervise("wishes", self.following.wishes_for_ever, pause_max_s=VITAL_PAUSE_S)
        self.tasks.supervise("stops", self.following.stops_for_ever, pause_max_s=VITAL_PAUSE_S)
        self.tasks.supervise("journal", every(1.0, self.flush))
        self.tasks.supervise("discovery", self._discover)
        self.tasks.supervise("catch-up-orders", every(5.0, self._catch_up(CatchUp.orders)))
        self.tasks.supervise("catch-up-fills", every(10.0, self._catch_up(CatchUp.fills)))
        self.tasks.supervise("catch-up-money", every(10.0, self._catch_up(CatchUp.money)))
        self.tasks.supervise("reconcile", self.reconcilers.every_minute)
        self.tasks.supervise("orphans", every(2.0, self.reconcilers.close_wanted))
        self.tasks.supervise("catch-up-settlements", every(10.0, self._catch_up(CatchUp.settlements)))
        self.custody.keep()

    async def stop(self) -> None:
        """Let what is on its way end, compare once more, write what is noted, let the leases go."""
        await self.tasks.stop(drain_s=2.0)
        if self._is_reconciled and not self.ended.is_set():
            self.ledger.mute()
            self.tasks.supervise("ledger", self.ledger.run)
            await self.reconcilers.before_shutdown()
            await self.tasks.stop(drain_s=0.0)
        await self.journal.flush()
        await self._beat(TraderStatus.STOPPED, write=self._journal_database.attempt)
        await self.espn.aclose()
        await self.desk.close(self._ledger_database)
        for database in self.databases:
            await database.close()

    @property
    def databases(self) -> tuple[DatabaseThread, ...]:
        """The threads that hold this engine's database connections."""
        return (self._ledger_database, self._journal_database, self._stops_database)

    @property
    def connections(self) -> list[Any]:
        """Every socket of every door."""
        doors: list[Any] = [*self.desk.feeds.values(), *(account.reader for account in self.desk.accounts.values())]
        return [socket for door in doors for socket in door.sockets]

    def _open_streams(self) -> None:
        for venue, feed in self.desk.feeds.items():
            self._stream(f"{venue}.market", feed.run)
        for account in self.desk.accounts.values():
            self._stream(account.stream, account.listen)

    def _stream(self, name: str, run: Callable[[Callable[[Message], None]], Awaitable[None]]) -> None:
        sink = self.inbox.sink(name)
        self.tasks.supervise(name, lambda: run(sink))

    async def _pump(self) -> None:
        while True:
            await self.inbox.arrival()
            for message in self.inbox.take(PUMP_BATCH):
                self.take(message)
            await asyncio.sleep(0)

    def take(self, message: Message | BookChanges) -> None:
        """One message from a feed: our own orders' reports go to the ledger, the rest is decided on now."""
        if isinstance(message, ACCOUNT_MESSAGES):
            self.watch.note(message)
            self.ledger.put(message)
            return
        self.messages += 1
        self._note(message)
        self.decide(message)

    def decide(self, message: Message | DomainMessage) -> None:
        """Let the session decide and start what it says."""
        commands = self.session.on(message, self.clock.now_us())
        told = [command for command in commands if isinstance(command, Decision)] if commands else []
        for command in commands:
            self._carry_out(command, told)

    def _note(self, message: Message | BookChanges) -> None:
        """Keep what pages, discovery and history want of it."""
        match message:
            case PublicTrade():
                self._recent.note_print(message)
                self.watch.note(message)
            case GameState():
                self.discovery.note_game(message)
                if message.game_id in self.discovery.uids:
                    self.journal.note_game(message)
            case MarketListed():
                self.discovery.note_listing(message.market)
            case MarketStateChanged():
                self.journal.note_state(message)
                if message.state is MarketState.SETTLED:
                    self.tasks.spawn("settlements", every_account(self.catch_ups, CatchUp.settlements))
            case FeedStatus():
                self._compare_after_silence(message)
                self._feeds_up[message.feed] = (message.is_up, asyncio.get_running_loop().time())
                log.info("feed_changed", feed=message.feed, is_up=message.is_up, detail=message.detail)

    def _compare_after_silence(self, status: FeedStatus) -> None:
        """A private stream that is back may have missed anything. In lock-step nothing is read by the wall clock."""
        was_up, _ = self._feeds_up.get(status.feed, (True, 0.0))
        venue, _, channel = status.feed.partition(".")
        if channel.startswith("user.") and status.is_up and not was_up and self.turns is None:
            self.tasks.spawn("reconcile", self.reconcilers.run(RunTrigger.RECONNECT, venue=venue))

    def _carry_out(self, command: Command, told: list[Decision]) -> None:
        match command:
            case Decision():
                self.journal.note_decision(command)
            case SubmitOrder():
                log.info("order_decided", market=command.market_id, purpose=command.purpose, reason=command.reason)
                decision = next((one for one in told if one.decision_id == command.decision_id), None)
                context = submit_context(command, decision, self.session.desk, self.clock.now_us())
                self.tasks.spawn("submit", self._in_turn(self.executor.submit(command, context)))
            case CancelOrder():
                intent = self.session.desk.intents.working.get(command.decision_id)
                context = cancel_context(command, intent, self.session.desk, self.clock.now_us())
                self.tasks.spawn("cancel", self._in_turn(self.executor.cancel(command, context)))
            case RaiseAlert():
                self.journal.note_alert(command)
            case StoreBaseline():
                self.journal.note_baseline(command)

    async def _in_turn(self, work: Awaitable[None]) -> None:
        """In lock-step one thing after the other, in the order of the decisions; else all at once."""
        if self.turns is None:
            await work
            return
        async with self.turns:
            await work

    async def _tick(self) -> None:
        self.decide(Tick())
        self.sample_prices()

    def sample_prices(self) -> None:
        """Note the best prices of markets with a game that is on, at most every five venue seconds each."""
        now_ms = self.clock.now_ms()
        for market in self.session.markets.values():
            is_due = now_ms - self._sampled_ms.get(market.market_id, 0) >= max(PRICE_EVERY_MS, 1_000 * self.clock.pace)
            if not (market.is_live and market.book.is_valid and is_due):
                continue
            self._sampled_ms[market.market_id] = now_ms
            bid_u, ask_u = market.book.best_bid_u or None, market.book.best_ask_u or None
            sample = PriceSample(
                market_id=market.market_id, at_ms=now_ms, bid_u=bid_u, ask_u=ask_u, fair_u=market.fair_u
            )
            self.journal.note_price(sample)

    async def follow_wishes(self) -> None:
        """Take over what the user and the guards want: run or stop, halts, settings."""
        wish = await self._journal_database.call(wishes, self.desk)
        if wish != self._wish or wish.state is not self.session.desk.state:
            self._wish = wish
            self.decide(wish)
        config = await self._journal_database.call(session_config, self.desk.user, self.desk.rows)
        if config != self.session.config:
            self.decide(ConfigChanged(config))
        for blocked in await self.watch.refresh():
            self.decide(blocked)

    async def flush(self) -> None:
        await self.journal.flush()

    async def on_ledger(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Read or write beside the ledger, after everything it was asked before."""
        return await self._ledger_database.call(function, *args, **kwargs)

    async def _discover(self) -> None:
        """Soon after the start, when the first games are known, then ever more rarely, down to every minute."""
        pause_s = 0.1
        while True:
            await self.discovery.refresh()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 60.0)

    def _catch_up(self, read: Callable[[CatchUp], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        return lambda: read_patiently(self.custody.watches.values(), read)

    async def _renew_leases(self) -> None:
        """A lost lease means that another trader has the account: decide nothing more, and end."""
        try:
            await self.desk.renew_leases(self._ledger_database)
        except Conflict as lost:
            log.critical("lease_lost", code=lost.code, error=lost.message)
            self.custody.give_up(lost.code)

    def _end(self, reason: str) -> None:
        self.ended.set()
        self.decide(TradingStateChanged(TradingState.PAUSED, reason))

    async def _heartbeat(self) -> None:
        self.inbox.tell_merged()
        await self._beat(self._trader_status)

    @property
    def _trader_status(self) -> TraderStatus:
        if self._wish.reason == STOPPED_BY_USER:
            return TraderStatus.STOPPED
        is_held = self._wish.state in (TradingState.PAUSED, TradingState.HALTED)
        return TraderStatus.PAUSED if is_held else TraderStatus.RUNNING

    async def _beat(self, status: TraderStatus, *, write: Callable[..., Awaitable[None]] | None = None) -> None:
        stats = {
            "messages": self.messages,
            "merged": self.inbox.merged,
            "decisions": self.journal.decisions_noted,
            "fills": self.ledger.fills_booked,
            "markets": len(self.discovery.listings),
            "digest": self.session.digest.hexdigest(),
            "venue_now_ms": self.clock.now_ms(),
            "unknown_fields": UNKNOWN_FIELDS.summary(),
        }
        write = write or self._journal_database.call
        await write(trader_heartbeat, user=self.desk.user, status=status, stats=stats)

    def status(self) -> dict[str, Any]:
        """The trader's own state for the desk's payload."""
        now = asyncio.get_running_loop().time()
        return {
            "mode": settings.TRADING_MODE,
            "status": self._trader_status,
            "trading_state": strictest_of(self._wish),
            "halt_reason": self._wish.reason,
            "rows_seq": self.ledger.rows_changed + self.journal.decisions_noted,
            "feeds": [
                {"name": name, "is_up": is_up, "age_s": round(now - since)}
                for name, (is_up, since) in sorted(self._feeds_up.items())
            ],
        }
