"""What `tests.bench.orders` measures: an engine at simulated venues that take their time to reply."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from pathlib import Path

import msgspec

from risk.models import AccountLimits
from tests.trading.engine.by_hand import command_of
from tests.trading.engine.stand import IDLE, Stand, standing
from trading.domain.commands import SubmitOrder
from trading.domain.market_view import MarketView
from trading.models import Order, OrderStatus
from venues.simulator.exchange_types import ExchangeEvent, FillBooked
from venues.simulator.faults import Call, Disturbance, NoFaults
from venues.types import MICRO, Outcome, Side, TimeInForce, Venue

AT_ONCE = 10
LEAST_U = 5 * MICRO
"""The smallest order that both venues take, µcontracts."""
ENTRIES_EACH = 90
"""A strategy may enter a market a hundred times a day: after so many, the orders carry another one's name."""
PATIENCE_S = 300.0
MATCHED_WITHIN_S = 20.0
LOOK_EVERY_S = 0.001


class Measured(msgspec.Struct):
    """Milliseconds each; `back_s` until the accounts were compared, `ended_s` until every lost order was ended."""

    placed: list[float]
    detected: list[float]
    resting: int = 0
    back_s: float = 0.0
    ended_s: float = 0.0


class Slow(NoFaults):
    """Every reply of a venue is held for so long; what streams tell is not."""

    def __init__(self, reply_ms: int) -> None:
        self._held = Disturbance(delay_ms=reply_ms, fault="slow")

    def after(self, call: Call) -> Disturbance | None:
        return self._held


class Bench:
    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._numbers = itertools.count()
        self._matched: dict[Venue, list[float]] = defaultdict(list)
        for venue, exchange in stand.simulator.assembly.builder.exchanges.items():
            exchange.subscribe(lambda event, venue=venue: self._hear(venue, event))

    def _hear(self, venue: Venue, event: ExchangeEvent) -> None:
        if isinstance(event, FillBooked) and event.fill.account_id in self._clients(venue):
            self._matched[venue].append(time.monotonic())

    def _clients(self, venue: Venue) -> set[str]:
        return set(self._stand.simulator.assembly.builder.exchanges[venue].account_ids())

    async def fill(self, venue: Venue, seen: Measured) -> None:
        """One order at what the other side asks for, the venues' time standing still while it is on its way."""
        market = await self._stand.market(venue)
        await self._stand.clock(paused=True)
        booked, matched = self._stand.engine.ledger.fills_booked, self._matched[venue]
        matched.clear()
        command = self._command(market, None, LEAST_U, TimeInForce.IOC)
        began = time.monotonic()
        watching = asyncio.create_task(self._detect(booked, matched))
        await self._submit(command)
        placed_ms = (time.monotonic() - began) * 1_000
        row = await self._stand.row(command)
        await self._stand.clock(paused=False)
        if row.status == OrderStatus.DENIED:
            watching.cancel()
            return
        seen.placed.append(placed_ms)
        try:
            seen.detected.append(await watching)
        except TimeoutError:  # nothing was left to match it
            return

    async def _detect(self, booked: int, matched: list[float]) -> float:
        """Milliseconds from the last execution until as many as there were are booked and told. Raises TimeoutError."""
        deadline = time.monotonic() + MATCHED_WITHIN_S
        while not matched or self._stand.engine.ledger.fills_booked < booked + len(matched):
            if time.monotonic() > deadline:
                raise TimeoutError
            await asyncio.sleep(LOOK_EVERY_S)
        return (time.monotonic() - matched[-1]) * 1_000

    async def rest(self, venue: Venue, count: int) -> None:
        """So many orders at rest, some at the same time."""
        market = await self._stand.market(venue)
        wanted = asyncio.Semaphore(AT_ONCE)
        left = count

        async def one(number: int) -> None:
            nonlocal left
            while left > 0:
                left -= 1
                async with wanted:
                    command = self._command(market, 10_000 + 10_000 * (number % 5), LEAST_U, TimeInForce.GTC)
                    await self._submit(command)
                    left += (await self._stand.row(command)).status != OrderStatus.OPEN

        await asyncio.wait_for(asyncio.gather(*(one(number) for number in range(AT_ONCE))), PATIENCE_S)

    async def recover(self, seen: Measured) -> None:
        """Killed; every second order is canceled by somebody else; started again."""
        stand = self._stand
        seen.resting = await stand.database.call(_count_open)
        await stand.kill_engine()
        for exchange in stand.simulator.assembly.builder.exchanges.values():
            (account_id,) = exchange.account_ids()
            for order in exchange.orders(account_id, open_only=True)[::2]:
                exchange.cancel(account_id, order.order_id, stand.simulator.assembly.now_ms())
        began = time.monotonic()
        await stand.start_engine()
        seen.back_s = time.monotonic() - began
        deadline = time.monotonic() + PATIENCE_S
        while await stand.database.call(_count_open):
            assert time.monotonic() < deadline, "orders that are gone are still thought open"
            await asyncio.sleep(0.05)
        seen.ended_s = time.monotonic() - began
        await stand.books_equal()

    def _command(self, market: MarketView, price_u: int | None, qty_u: int, kind: TimeInForce) -> SubmitOrder:
        command = command_of(self._stand.engine, market, Side.BUY, Outcome.YES, price_u, qty_u, kind)
        return msgspec.structs.replace(command, strategy=f"bench-{next(self._numbers) // ENTRIES_EACH}")

    async def _submit(self, command: SubmitOrder) -> None:
        self._stand.engine.session.desk.intents.add(command)
        await self._stand.engine.executor.submit(command)


async def measure(folder: Path, *, orders: int, resting: int, reply_ms: int) -> Measured:
    """`orders` one after the other, then `resting` in all at both venues, and a kill."""
    seen = Measured([], [])
    async with standing(folder, settings=IDLE, faults=Slow(reply_ms), seed=7, speed=10.0, games=4) as stand:
        await stand.start_engine()
        await stand.database.call(_no_limits)
        bench = Bench(stand)
        for number in range(orders):
            await bench.fill(list(Venue)[number % 2], seen)
        for venue in Venue:
            await bench.rest(venue, resting // 2)
        await bench.recover(seen)
    return seen


def _no_limits() -> None:
    AccountLimits.objects.update(
        max_open_orders=1_000, max_orders_per_s=50, max_messages_per_fill=1_000, max_entries_10min=100,
        max_position_usd_u=3_000 * MICRO, max_game_usd_u=6_000 * MICRO, max_group_usd_u=10_000 * MICRO,
        max_exposure_usd_u=9_000 * MICRO, max_exposure_share_u=MICRO,
    )  # fmt: skip


def _count_open() -> int:
    return Order.objects.filter(status__in=(OrderStatus.CLAIMED, OrderStatus.OPEN)).count()
