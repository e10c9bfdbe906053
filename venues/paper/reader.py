"""Reads a paper account: the `AccountReader` beside its gateway. What it tells is the journal's fold, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from venues.errors import VenueError
from venues.paper.exchange import PaperExchange
from venues.paper.records import Ended, Filled, PaperOrder, Placed, Record, Rested, Settled
from venues.ports import OrderRef, Sink
from venues.types import (
    BalanceReport,
    FeedStatus,
    FillReport,
    OrderReport,
    Outcome,
    PositionReport,
    SettlementReport,
    SettleState,
    Venue,
    VenueMarket,
)

LOOK_EVERY_S = 0.05
REREAD_EVERY_MS = 30_000


class PaperAccount:
    """`AccountReader` of one paper account. Every read raises OutcomeUnknown when the account could not be kept."""

    sockets: tuple[object, ...] = ()

    def __init__(self, exchange: PaperExchange, *, account: str, clock_ms: Callable[[], int]) -> None:
        self.account = account
        self.capabilities = exchange.dialect.capabilities
        self._exchange = exchange
        self._clock_ms = clock_ms

    async def open_orders(self) -> list[OrderReport]:
        self._now_ms()
        return [self._order_report(order) for order in self._exchange.state.open.values()]

    async def order(self, ref: OrderRef) -> OrderReport | None:
        self._now_ms()
        state = self._exchange.state
        found = state.orders.get(ref.venue_order_id) or state.by_client_id.get(ref.client_order_id)
        return None if found is None else self._order_report(found)

    async def orders_named(self, refs: Sequence[OrderRef]) -> list[OrderReport]:
        found = [await self.order(ref) for ref in refs]
        return [one for one in found if one is not None]

    async def orders_since(self, since_ms: int) -> list[OrderReport]:
        self._now_ms()
        orders = self._exchange.state.orders.values()
        return [self._order_report(order) for order in orders if order.updated_ms >= since_ms]

    async def fills_since(self, since_ms: int) -> list[FillReport]:
        now_ms = self._now_ms()
        return [self._fill_report(fill, now_ms) for fill in self._exchange.state.fills if fill.at_ms >= since_ms]

    async def positions(self) -> list[PositionReport]:
        now_ms = self._now_ms()
        held = self._exchange.state.held
        return [self._position(market_id, now_ms) for market_id, legs in held.items() if any(legs.values())]

    async def balance(self) -> BalanceReport:
        now_ms = self._now_ms()
        state = self._exchange.state
        return BalanceReport(
            venue=self.capabilities.venue,
            account=self.account,
            available_u=state.cash_u - state.reserved_u(),
            total_u=state.cash_u,
            venue_ms=now_ms,
        )

    async def settlements_since(self, since_ms: int) -> list[SettlementReport]:
        self._now_ms()
        rows = self._exchange.state.settlements.values()
        return [self._settlement(row) for row in rows if row.at_ms >= since_ms]

    async def run(self, sink: Sink) -> None:
        """Tell what happens, make what is due happen, and read again what is held: a settlement may have been told
        while nobody listened."""
        hear = self._teller(sink)
        self._exchange.listeners.append(hear)
        sink(FeedStatus(f"{self.capabilities.venue}.user", True))
        try:
            await self._live(sink)
        finally:
            self._exchange.listeners.remove(hear)

    async def aclose(self) -> None:
        self._exchange.close()

    async def _live(self, sink: Sink) -> None:
        final_after_ms = self._exchange.dialect.final_after_ms
        told_to_ms = self._clock_ms() - final_after_ms
        reread_ms = self._clock_ms()
        while True:
            now_ms = self._now_ms()
            if final_after_ms:
                self._tell_final(sink, told_to_ms, now_ms - final_after_ms, now_ms)
                told_to_ms = now_ms - final_after_ms
            if now_ms >= reread_ms:
                await self._reread_held()
                reread_ms = now_ms + REREAD_EVERY_MS
            await asyncio.sleep(LOOK_EVERY_S)

    async def _reread_held(self) -> None:
        for market_id in list(self._exchange.state.held):
            market = self._exchange.feed.markets.get(market_id) or self._known_market(market_id)
            try:
                await self._exchange.feed.market(market)
            except VenueError:
                return  # the feed is away: later

    def _known_market(self, market_id: str) -> VenueMarket:
        orders = self._exchange.state.orders.values()
        return next(one.placed.market for one in orders if one.placed.market.market_id == market_id)

    def _tell_final(self, sink: Sink, after_ms: int, until_ms: int, now_ms: int) -> None:
        for fill in self._exchange.state.fills:
            if after_ms < fill.at_ms <= until_ms:
                sink(self._fill_report(fill, now_ms))

    def _teller(self, sink: Sink) -> Callable[[Record], None]:
        def tell(record: Record) -> None:
            match record:
                case Placed() | Rested() | Ended():
                    sink(self._order_report(self._exchange.state.orders[record.order_id]))
                case Filled():
                    sink(self._fill_report(record, record.at_ms))
                case Settled():
                    sink(self._settlement(record))

        return tell

    def _now_ms(self) -> int:
        """The moment of a read; what is due by then has happened."""
        self._exchange.check()
        now_ms = self._clock_ms()
        self._exchange.advance(now_ms)
        return now_ms

    def _order_report(self, order: PaperOrder) -> OrderReport:
        return order_report(order, venue=self.capabilities.venue, account=self.account)

    def _fill_report(self, fill: Filled, now_ms: int) -> FillReport:
        placed = self._exchange.state.orders[fill.order_id].placed
        final_after_ms = self._exchange.dialect.final_after_ms
        is_final = not final_after_ms or now_ms - fill.at_ms >= final_after_ms
        return FillReport(
            venue=self.capabilities.venue,
            account=self.account,
            trade_id=fill.trade_id,
            leg="taker" if fill.is_taker else "maker",
            venue_order_id=fill.order_id,
            client_order_id=placed.client_order_id,
            market_id=placed.market.market_id,
            side=placed.side,
            outcome=placed.outcome,
            price_u=fill.price_u,
            qty_u=fill.qty_u,
            fee_u=fill.fee_u,
            is_taker=fill.is_taker,
            settle_state=SettleState.CONFIRMED if is_final else SettleState.PENDING,
            venue_ms=fill.at_ms,
        )

    def _settlement(self, row: Settled) -> SettlementReport:
        return SettlementReport(
            venue=self.capabilities.venue,
            account=self.account,
            market_id=row.market_id,
            value_u=row.value_u,
            yes_qty_u=row.yes_qty_u,
            no_qty_u=row.no_qty_u,
            payout_u=row.payout_u,
            venue_ms=row.at_ms,
        )

    def _position(self, market_id: str, now_ms: int) -> PositionReport:
        state = self._exchange.state
        return PositionReport(
            venue=self.capabilities.venue,
            account=self.account,
            market_id=market_id,
            yes_qty_u=state.of(market_id, Outcome.YES),
            no_qty_u=state.of(market_id, Outcome.NO),
            venue_ms=now_ms,
        )


def order_report(order: PaperOrder, *, venue: Venue, account: str) -> OrderReport:
    placed = order.placed
    return OrderReport(
        venue=venue,
        account=account,
        venue_order_id=placed.order_id,
        client_order_id=placed.client_order_id,
        market_id=placed.market.market_id,
        state=order.state,
        filled_u=order.filled_u,
        remaining_u=order.remaining_u if order.is_open else 0,
        venue_ms=order.updated_ms,
        reason=order.reason if not order.is_open else "",
        side=placed.side,
        outcome=placed.outcome,
        price_u=placed.price_u,
        qty_u=placed.qty_u,
    )
