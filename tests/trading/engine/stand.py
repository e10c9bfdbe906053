"""A simulator, a user with a desk, and engines on them that start, stop and die as in the running program."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from django.db import connection, transaction

from accounts.models import Mode, User, VenueAccount
from risk.models import AccountLimits
from tests.books import Books, our_books, venue_books
from tests.swapped import swapped
from tests.trading.engine.by_hand import command_of
from trading.domain.commands import SubmitOrder
from trading.domain.lifecycle import ENDED
from trading.domain.market_view import MarketView
from trading.engine import executor
from trading.engine.database import DatabaseThread
from trading.engine.engine import Engine
from trading.engine.permit import Permit
from trading.engine.replay import Replay, ReplaySummary
from trading.engine.simulation import SimulatedTrader
from trading.models import AccountLedger, Order, SportConfig, TraderState
from trading.services.claims import OrderIntent, order_claim
from trading.services.demo import demo_desk_ensure
from trading.services.refold import account_differences
from venues.simulator.config import SimulatorConfig
from venues.simulator.faults import FaultPlan
from venues.simulator.simulator import Simulator
from venues.types import MICRO, Outcome, Side, TimeInForce, Venue

PATIENCE_S = 120.0

EAGER: Mapping[str, Any] = {
    "entry_threshold_pct": Decimal(0),
    "absolute_entry_price_usd": Decimal("0.95"),
    "allow_late_baseline": True,
    "min_entry_confidence_score": Decimal(0),
    "min_time_remaining_s": 0,
    "take_profit_pct": Decimal("0.01"),
    "stop_loss_pct": Decimal("0.20"),
    "exit_before_segment": False,
    "max_positions_per_game": 2,
    "default_position_size_usd": Decimal(20),
    "max_spread_usd": Decimal("0.20"),
    "slippage_cap_usd": Decimal("0.03"),
}
"""Settings under which nearly every price is a dip: orders within seconds, on both venues."""

IDLE: Mapping[str, Any] = {
    "is_enabled": False,
    "take_profit_pct": Decimal(1),
    "stop_loss_pct": Decimal(1),
    "exit_before_segment": False,
    "confirm_within_s": 86_400,
}
"""The strategy only watches, and keeps what is held: every order is the test's own, and rests as long as the test
wants, which at thirty times the pace would else be two seconds."""


class Stand:
    """One simulator for the whole test; one engine at a time, but for `start_second`."""

    def __init__(self, simulator: Simulator, database: DatabaseThread, user: User, folder: Path) -> None:
        self.simulator = simulator
        self.database = database
        self.user = user
        self.paper_latency_ms: int | None = None  # set before the first start: the accounts are paper accounts
        self._folder = folder
        self._control = httpx.AsyncClient(base_url=simulator.endpoints.control, timeout=60.0)
        self._trader: SimulatedTrader | None = None
        self._engine: Engine | None = None
        self._is_paused = False
        self._cut_off = 0

    # --- engines ----------------------------------------------------------------------------------------------------

    @property
    def engine(self) -> Engine:
        assert self._engine is not None, "no engine runs"
        return self._engine

    async def start_engine(self, *, permit: Permit | None = None, holder: str | None = None) -> Engine:
        """What the trader part does: meet the venues, build from the rows, catch up, run."""
        self._trader = SimulatedTrader(
            host="127.0.0.1",
            port=self.simulator.ports.kalshi,
            data_dir=self._folder,
            holder=holder,
            permit=permit,
            paper_latency_ms=self.paper_latency_ms,
        )
        await self._trader.meet()
        self._engine = await self._trader.build(self.user)
        await self.database.call(_loosen)
        await self._engine.start()
        self._engine.run_free()
        return self._engine

    async def start_second(self, holder: str) -> Engine:
        """Another process's engine for the same user, which is `engine` from now on if it starts. Let the first one
        go by `drop` at the end."""
        first, self._trader = self._trader, None
        try:
            return await self.start_engine(holder=holder)
        except BaseException:
            if self._trader is not None:
                await self._trader.stop()
            self._trader = first
            raise

    async def drop(self, engine: Engine) -> None:
        """The sockets and threads of an engine that `engine` no longer is; nothing drained, no lease let go."""
        await engine.tasks.stop(drain_s=0.0)
        await engine.espn.aclose()
        for feed in engine.desk.feeds.values():
            await feed.aclose()
        for account in engine.desk.accounts.values():
            await account.reader.aclose()
            await account.gateway.aclose()
        for database in engine.databases:
            await database.close()

    async def replay(self) -> ReplaySummary:
        """Play the simulator's tape to its end, in lock-step."""
        trader = SimulatedTrader(host="127.0.0.1", port=self.simulator.ports.kalshi, data_dir=self._folder)
        try:
            return await Replay(trader, user=self.user, speed=1_000_000.0).run()
        finally:
            await trader.stop()

    async def stop_engine(self) -> None:
        """A clean end, as at SIGTERM."""
        engine, trader, self._engine, self._trader = self.engine, self._trader, None, None
        await engine.stop()
        if trader is not None:
            await trader.stop()

    async def kill_engine(self) -> None:
        """The end of a killed process: nothing drained, nothing flushed, no lease let go; its sockets close."""
        engine, trader, self._engine, self._trader = self.engine, self._trader, None, None
        self._cut_off += len(engine.executor.in_flight)
        await self.drop(engine)
        if trader is not None:
            await trader.stop()

    async def close(self) -> None:
        if self._engine is not None:
            await self.stop_engine()
        await self._control.aclose()
        await self.simulator.stop()
        await self.database.close()

    # --- orders -----------------------------------------------------------------------------------------------------

    async def market(self, venue: Venue, *, is_heard: bool = True) -> MarketView:
        """A market of this venue in a live game where both sides of the book are worth an order. `is_heard`: and whose
        account tells us of itself."""
        await self.until(lambda: self._tradable(venue) is not None)
        market = self._tradable(venue)
        assert market is not None
        if is_heard:
            await self.until(lambda: not is_deaf(self.engine, market))
        return market

    async def submit(
        self,
        market: MarketView,
        *,
        side: Side = Side.BUY,
        outcome: Outcome = Outcome.YES,
        price_u: int | None = None,
        qty_u: int = 10 * MICRO,
        time_in_force: TimeInForce = TimeInForce.IOC,
        by: Engine | None = None,
    ) -> SubmitOrder:
        """Hand an order to the executor as the session does, and wait for the end of its three steps. Without a price
        it takes what is there, and the venues' time stands still while it is on its way: on a slow machine the price
        would run away from it."""
        engine = by or self.engine
        if price_u is not None or self._is_paused:
            return await _submitted(engine, command_of(engine, market, side, outcome, price_u, qty_u, time_in_force))
        await self.clock(paused=True)
        command = command_of(engine, market, side, outcome, price_u, qty_u, time_in_force)
        await _submitted(engine, command)
        await self.clock(paused=False)
        return command

    async def claim_only(self, market: MarketView) -> SubmitOrder:
        """The first of the three steps, as if the program had died after it."""
        command = command_of(self.engine, market, Side.BUY, Outcome.YES, None, 10 * MICRO, TimeInForce.IOC)
        await self.engine.on_ledger(_claim, self.engine, command)
        return command

    async def row(self, command: SubmitOrder) -> Order:
        return await self.database.call(_order_row, command.decision_id)

    def _tradable(self, venue: Venue) -> MarketView | None:
        live = [market for market in self.engine.session.markets.values() if market.listing and market.is_live]
        for market in live:
            book, listing = market.book, market.listing
            is_open = listing is not None and listing.venue is venue and book.is_valid
            if is_open and book.best_bid_u > 100_000 and 0 < book.best_ask_u < 900_000:
                return market
        return None

    @asynccontextmanager
    async def database_locked(self) -> AsyncIterator[None]:
        """Somebody else holds what every claim needs; the engine's ledger waits for it only a moment."""
        await self.engine.on_ledger(_be_impatient)
        holder = DatabaseThread("holder")
        locked, done = threading.Event(), threading.Event()
        holding = asyncio.create_task(holder.call(_hold_ledgers, locked, done))
        await asyncio.to_thread(locked.wait)
        try:
            yield
        finally:
            done.set()
            await holding
            await holder.close()

    # --- the venues -------------------------------------------------------------------------------------------------

    async def clock(self, **wish: Any) -> None:
        """`speed=`, `paused=` or `step_ms=`, as a request to the control port."""
        (await self._control.post("/clock", json=wish)).raise_for_status()
        self._is_paused = wish.get("paused", self._is_paused)
        if self._trader is not None:
            await self._trader.sync_clock()

    async def at_venues(self, path: str, **wish: Any) -> None:
        """Anything else that the control port can do: an event, a mode, a fault."""
        reply = await self._control.post(path, json=wish)
        assert reply.is_success, reply.text

    async def venue_books(self) -> Books:
        return venue_books((await self._control.get("/ledger")).json())

    async def our_books(self) -> Books:
        return await self.database.call(_our_books)

    # --- looking ----------------------------------------------------------------------------------------------------

    async def until(self, seen: Callable[[], bool], *, within_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + within_s
        while not seen():
            assert time.monotonic() < deadline, "it did not happen in time"
            await asyncio.sleep(0.01)

    async def until_row(self, command: SubmitOrder, *statuses: str) -> Order:
        """The order's row when it has one of these statuses."""
        deadline = time.monotonic() + PATIENCE_S
        while (row := await self.row(command)).status not in statuses:
            assert time.monotonic() < deadline, f"it is {row.status}, not {' or '.join(statuses)}"
            await asyncio.sleep(0.02)
        return row

    async def until_status(self, status: str) -> None:
        """The trader has told this of itself."""
        deadline = time.monotonic() + PATIENCE_S
        while (told := await self.database.call(_told_status, self.user)) != status:
            assert time.monotonic() < deadline, f"the trader tells {told}, not {status}"
            await asyncio.sleep(0.05)

    async def until_over(self, command: SubmitOrder) -> Order:
        return await self.until_row(command, *ENDED)

    async def books_equal(self, *, within_s: float = PATIENCE_S, but_for: str = "", lost: int = 0) -> Books:
        """Stop the venues' time, wait until both books are the same, and prove that ours are the fold of their rows.
        `lost` requests may never have arrived, beside those that were on their way when an engine was killed."""
        await self.clock(paused=True)
        deadline = time.monotonic() + within_s
        lost += self._cut_off
        while differences := (ours := await self.our_books()).differences(
            await self.venue_books(), but_for=but_for, lost=lost
        ):
            assert time.monotonic() < deadline, "\n".join(differences)
            await asyncio.sleep(0.05)
        refolded = await self.database.call(_refolded_differences)
        assert not refolded, "\n".join(refolded)
        return ours


@asynccontextmanager
async def standing(
    folder: Path,
    *,
    settings: Mapping[str, Any] = EAGER,
    leagues: tuple[str, ...] = (),
    faults: FaultPlan | None = None,
    **config: Any,
) -> AsyncIterator[Stand]:
    """`settings` of the dip strategy in all leagues, or in `leagues` only; `config` of the simulator."""
    simulator = Simulator(SimulatorConfig(port=0, **config), faults=faults)
    await simulator.start()
    database = DatabaseThread("test")
    stand = Stand(simulator, database, await database.call(_user, settings, leagues), folder)
    try:
        with swapped(executor, "SEND_WITHIN_S", executor.DECIDED_WITHIN_S):  # a busy machine is no process that slept
            yield stand
    finally:
        await stand.close()


def _user(settings: Mapping[str, Any], leagues: tuple[str, ...]) -> User:
    user = User.objects.create_user("demo@example.org")
    demo_desk_ensure(user=user)
    SportConfig.objects.filter(user=user).update(**settings)
    if leagues:
        SportConfig.objects.filter(user=user).exclude(league__in=leagues).delete()
    return user


def is_deaf(engine: Engine, market: MarketView) -> bool:
    """The engine has not heard the private stream of the account that it trades this market with."""
    assert market.listing is not None
    accounts = [one for one in engine.desk.accounts.values() if one.row.venue == market.listing.venue]
    return any(engine.session.desk.is_deaf(market.listing.venue, one.name) for one in accounts)


async def _submitted(engine: Engine, command: SubmitOrder) -> SubmitOrder:
    engine.session.desk.intents.add(command)
    await engine.executor.submit(command)
    return command


def _order_row(decision_id: str) -> Order:
    return Order.objects.select_related("market").get(decision_id=decision_id)


def _loosen() -> None:
    """The tests' own orders reach further and are bigger than a strategy's; what limits do is tested elsewhere."""
    for row in VenueAccount.objects.filter(mode=Mode.PAPER, limits=None):
        AccountLimits.objects.create(venue_account=row)
    AccountLimits.objects.filter(venue_account__mode=Mode.PAPER).update(
        max_book_age_ms=5_000, max_book_age_pregame_ms=5_000, max_score_age_ms=60_000
    )
    AccountLimits.objects.update(
        collar_price_u=MICRO, fair_band_price_u=MICRO, max_depth_share_u=MICRO, max_unknown_market=10,
        max_unknown_account=10, max_edge_price_u=MICRO, max_move_price_u=MICRO, max_balance_share_u=MICRO,
        max_entries_10min=100, max_entries_day=100, max_order_qty_u=2_000 * MICRO,
    )  # fmt: skip


def _told_status(user: User) -> str:
    return TraderState.objects.get(user=user).status


def _claim(engine: Engine, command: SubmitOrder) -> Order:
    account = engine.desk.accounts[command.account]
    names = {field: getattr(command, field) for field in OrderIntent.__dataclass_fields__ if hasattr(command, field)}
    return order_claim(venue_account=account.row, lease_epoch=account.epoch, intent=OrderIntent(**names))


def _be_impatient() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50" if connection.vendor == "sqlite" else "SET lock_timeout = '50ms'")


def _hold_ledgers(locked: threading.Event, done: threading.Event) -> None:
    with transaction.atomic():
        list(AccountLedger.objects.select_for_update())
        locked.set()
        done.wait()


def _our_books() -> Books:
    with connection.cursor() as cursor:
        return our_books(cursor)


@transaction.atomic
def _refolded_differences() -> list[str]:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    return [line for account in VenueAccount.objects.all() for line in account_differences(account)]
