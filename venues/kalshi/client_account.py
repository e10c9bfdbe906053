"""The account door: orders, fills, positions, cash and settlements, read by REST and streamed.

Reads are a projection that may lag a write by half a second or more, so "not found" here proves nothing by itself.
Terminal orders leave the live endpoints after two weeks and fills after about three months; reads that reach further
back ask `/historical/…` too. After each connection the stream is completed by REST from a minute before the last one.
Source: docs.kalshi.com, portfolio.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from urllib.parse import quote

import structlog

from venues.errors import NotFoundAtVenue, VenueError
from venues.kalshi.budget import Budget
from venues.kalshi.capabilities import CAPABILITIES
from venues.kalshi.constants import ORDER_READS, KalshiEndpoints, KalshiKey
from venues.kalshi.numbers import signed_u, time_ms
from venues.kalshi.parse_account import parse_balance, parse_fill, parse_order, parse_position, parse_settlement
from venues.kalshi.rest import KalshiRest, Params
from venues.kalshi.runner import StreamRunner
from venues.kalshi.schemas_portfolio import (
    BalanceReply,
    FillsReply,
    OrderReply,
    OrdersReply,
    PositionsReply,
    RestingValueReply,
    SettlementsReply,
    WireSettlement,
)
from venues.kalshi.schemas_replies import CutoffReply, UserDataTimestampReply
from venues.kalshi.sign import Signer, wall_clock_ms
from venues.kalshi.stream_account import FEED, KalshiAccountStream
from venues.ports import FrameTap, OrderRef, Sink
from venues.transport.socket import ReconnectingSocket
from venues.types import (
    BalanceReport,
    FillReport,
    Message,
    OrderReport,
    PositionReport,
    SettlementReport,
    VenueMarket,
)

log = structlog.get_logger(__name__)

_PAGE = 1000
_OVERLAP_MS = 60_000
_FIRST_LOOK_BACK_MS = 600_000
_LONGEST_WAIT_S = 30.0
_FILLS = "/portfolio/fills"
_HISTORICAL_ORDERS = "/historical/orders"
_HISTORICAL_FILLS = "/historical/fills"

RowT = TypeVar("RowT")


class KalshiAccount:
    """`AccountReader` of one account."""

    capabilities = CAPABILITIES

    def __init__(
        self,
        endpoints: KalshiEndpoints,
        key: KalshiKey,
        *,
        account: str,
        market_of: Callable[[str], VenueMarket | None],
        tap: FrameTap | None = None,
        clock_ms: Callable[[], int] = wall_clock_ms,
        budget: Budget | None = None,
    ) -> None:
        """`market_of` finds a known market by ticker; `clock_ms` is the time of the data (virtual in a simulation)."""
        self.account = account
        self.rest = KalshiRest(endpoints, key, name="kalshi.account", budget=budget)
        self.stream = KalshiAccountStream(account=account, census=self.rest.census)
        self._market_of = market_of
        self._clock_ms = clock_ms
        self._read_until_ms: int | None = None
        self._retry = _Retry()
        self._doubts: set[str] = set()
        self._sink: Sink | None = None
        self._runner = StreamRunner(
            self.stream, name=FEED, ws_url=endpoints.ws_url, signer=Signer(key), tap=tap, on_idle=self._complete
        )
        self.sockets: tuple[ReconnectingSocket, ...] = (self._runner.socket,)
        self.calls = (self.rest.calls,)

    async def open_orders(self) -> list[OrderReport]:
        """Everything that rests, on all shards and subaccounts. Raises VenueError."""
        return await self._orders(ORDER_READS, {"status": "resting"})

    async def order(self, ref: OrderRef) -> OrderReport | None:
        """By venue id, else by client id among the market's orders since it was placed, live and historical."""
        if ref.venue_order_id:
            try:
                path = f"{ORDER_READS}/{quote(ref.venue_order_id, safe='')}"
                return parse_order((await self.rest.get(path, OrderReply)).order, account=self.account)
            except NotFoundAtVenue:
                log.info("kalshi_order_not_at_its_id", venue_order_id=ref.venue_order_id)
        where: Params = {"ticker": ref.market.native_id, "min_ts": (ref.placed_ms - _OVERLAP_MS) // 1000}
        for path in (ORDER_READS, _HISTORICAL_ORDERS):
            found = next((order for order in await self._orders(path, where) if _is_of(order, ref)), None)
            if found is not None:
                return found
        return None

    async def orders_named(self, refs: Sequence[OrderRef]) -> list[OrderReport]:
        """In pages: everything since the oldest of them was placed, live and historical."""
        found = await self.orders_since(min(ref.placed_ms for ref in refs) - _OVERLAP_MS)
        by_client = {ref.client_order_id for ref in refs} - {""}
        by_venue = {ref.venue_order_id for ref in refs} - {""}
        return [one for one in found if one.client_order_id in by_client or one.venue_order_id in by_venue]

    async def orders_since(self, since_ms: int) -> list[OrderReport]:
        """Orders of any state; a terminal order may come from the history. Raises VenueError."""
        where: Params = {"min_ts": since_ms // 1000}
        live = await self._orders(ORDER_READS, where)
        if since_ms >= time_ms((await self._cutoff()).orders_updated_ts):
            return live
        return _distinct([*live, *await self._orders(_HISTORICAL_ORDERS, where)], lambda order: order.venue_order_id)

    async def fills_since(self, since_ms: int) -> list[FillReport]:
        """Fills of all shards and subaccounts, from the history too if need be. Raises VenueError."""
        where: Params = {"min_ts": since_ms // 1000}
        live = await self._fills(_FILLS, where)
        if since_ms >= time_ms((await self._cutoff()).trades_created_ts):
            return live
        return _distinct([*live, *await self._fills(_HISTORICAL_FILLS, where)], lambda fill: fill.trade_id)

    async def positions(self) -> list[PositionReport]:
        """Every market with contracts in it and no payout yet. Raises VenueError."""
        where: Params = {"limit": _PAGE, "count_filter": "position"}
        rows = await self.rest.pages("/portfolio/positions", PositionsReply, lambda page: page.market_positions, where)
        return [parse_position(row, account=self.account) for row in rows]

    async def balance(self) -> BalanceReport:
        """Free cash in all and per shard, and with what resting orders hold. Raises VenueError."""
        reply = await self.rest.get("/portfolio/balance", BalanceReply)
        held = await self.rest.get("/portfolio/summary/total_resting_order_value", RestingValueReply)
        held_u = sum(signed_u(shard.balance) for shard in held.resting_order_value_breakdown)
        return parse_balance(reply, account=self.account, held_u=held_u)

    async def settlements_since(self, since_ms: int) -> list[SettlementReport]:
        """Paid markets. Raises VenueError."""
        where: Params = {"limit": _PAGE, "min_ts": since_ms // 1000}
        rows = await self.rest.pages("/portfolio/settlements", SettlementsReply, lambda page: page.settlements, where)
        return [self._settlement(row) for row in rows]

    async def user_data_ms(self) -> int:
        """How fresh the venue's read side is: UTC ms up to which it includes everything."""
        return time_ms((await self.rest.get("/exchange/user_data_timestamp", UserDataTimestampReply)).as_of_time)

    async def run(self, sink: Sink) -> None:
        """Reports as they come, and by REST what came while the stream was away; cancel to stop."""
        self._sink = sink
        await self.rest.learn_budget()
        await self._runner.run(sink)

    async def aclose(self) -> None:
        await self.rest.aclose()

    async def _complete(self) -> None:
        """Read what the stream cannot tell. A failure is tried again after a growing wait."""
        if not self._retry.is_due():
            return
        try:
            if self.stream.needs_reading:
                await self._read_all()
            self._doubts |= self.stream.take_doubts()
            while self._doubts:
                await self._read_order(next(iter(self._doubts)))
        except VenueError as error:
            self.stream.needs_reading = True
            wait_s = self._retry.note_failure()
            log.warning("kalshi_account_not_read", code=error.code, reason=error.message, retry_in_s=wait_s)
        else:
            self._retry.note_success()

    async def _read_all(self) -> None:
        started_ms = self._clock_ms()
        self.stream.needs_reading = False
        until_ms = started_ms - _FIRST_LOOK_BACK_MS if self._read_until_ms is None else self._read_until_ms
        since_ms = until_ms - _OVERLAP_MS
        self._emit(await self.orders_since(since_ms))
        self._emit(await self.open_orders())
        self._emit(await self.fills_since(since_ms))
        self._emit(await self.positions())
        self._emit([await self.balance()])
        self._read_until_ms = started_ms

    async def _read_order(self, order_id: str) -> None:
        """It stays in doubt until a read has told of it, or that the venue does not know it."""
        try:
            reply = await self.rest.get(f"{ORDER_READS}/{quote(order_id, safe='')}", OrderReply)
        except NotFoundAtVenue:
            log.info("kalshi_order_not_at_its_id", venue_order_id=order_id)
        else:
            self._emit([parse_order(reply.order, account=self.account)])
        self._doubts.discard(order_id)

    def _emit(self, messages: Iterable[Message]) -> None:
        if self._sink is not None:
            for message in messages:
                self._sink(message)

    async def _orders(self, path: str, where: Params) -> list[OrderReport]:
        rows = await self.rest.pages(path, OrdersReply, lambda page: page.orders, {"limit": _PAGE, **where})
        return [parse_order(row, account=self.account) for row in rows]

    async def _fills(self, path: str, where: Params) -> list[FillReport]:
        rows = await self.rest.pages(path, FillsReply, lambda page: page.fills, {"limit": _PAGE, **where})
        return [parse_fill(row, account=self.account) for row in rows]

    def _settlement(self, row: WireSettlement) -> SettlementReport:
        market = self._market_of(row.ticker)
        known_u = market.settlement_value_u if market is not None else None
        return parse_settlement(row, account=self.account, known_value_u=known_u)

    async def _cutoff(self) -> CutoffReply:
        return await self.rest.get("/historical/cutoff", CutoffReply)


class _Retry:
    """Waits of 1 s, 2 s … 30 s between failed attempts."""

    def __init__(self) -> None:
        self._failures = 0
        self._due_at = 0.0

    def is_due(self) -> bool:
        return asyncio.get_running_loop().time() >= self._due_at

    def note_failure(self) -> float:
        wait_s = min(_LONGEST_WAIT_S, 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._due_at = asyncio.get_running_loop().time() + wait_s
        return wait_s

    def note_success(self) -> None:
        self._failures, self._due_at = 0, 0.0


def _is_of(order: OrderReport, ref: OrderRef) -> bool:
    if ref.venue_order_id and order.venue_order_id == ref.venue_order_id:
        return True
    return bool(ref.client_order_id) and order.client_order_id == ref.client_order_id


def _distinct(rows: list[RowT], key: Callable[[RowT], str]) -> list[RowT]:
    """One row per key; live rows come first and win."""
    found: dict[str, RowT] = {}
    for row in rows:
        found.setdefault(key(row), row)
    return list(found.values())
