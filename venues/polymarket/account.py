"""Reads one wallet's account: the `AccountReader` of this venue, by REST and by the user socket.

Truth about fills is `/data/trades` and the user channel; the Data API is cached and serves positions and redemptions
only. A failed or partial read raises. After every (re)connection the account is read by REST from a minute before the
socket fell silent, because the venue replays nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from venues.errors import ProtocolError, VenueError
from venues.polymarket.allowances import Allowances
from venues.polymarket.clob import ClobPrivate, ClobPublic
from venues.polymarket.constants import (
    CAPABILITIES,
    KEEPALIVE_EVERY_S,
    SILENCE_S,
    PolymarketEndpoints,
)
from venues.polymarket.data_api import DataApi
from venues.polymarket.holdings import folded, position_reports, settlement_reports
from venues.polymarket.http import VenueHost
from venues.polymarket.markets_clob import market_of_clob
from venues.polymarket.parse import Identity, fill_reports, order_report
from venues.polymarket.schemas_data import Resolution
from venues.polymarket.sign import PolymarketWallet
from venues.polymarket.stream_user import UserChannel, subscription
from venues.polymarket.wall import wall_ms
from venues.ports import FrameTap, OrderRef, Sink
from venues.transport.limiter import RateLimiter
from venues.transport.socket import Keepalive, ReconnectingSocket, SendText
from venues.types import (
    MICRO,
    AccountMessage,
    BalanceReport,
    FeedStatus,
    FillReport,
    OrderReport,
    OrderState,
    PositionReport,
    SettlementReport,
    Side,
    Venue,
    VenueMarket,
)

log = structlog.get_logger(__name__)

FEED = "polymarket.user"
_OVERLAP_MS = 60_000
_RETRY_S = 1.0


class PolymarketAccount:
    """One funded wallet. `market_of` finds a market by condition id; unknown ones are read from the venue.

    `allowances`: shared with the gateway of the same wallet. Raises AuthFailed for a wallet that cannot work.
    """

    capabilities = CAPABILITIES

    def __init__(
        self,
        endpoints: PolymarketEndpoints,
        wallet: PolymarketWallet,
        *,
        account: str,
        market_of: Callable[[str], VenueMarket | None],
        tap: FrameTap | None = None,
        clock_ms: Callable[[], int] = wall_ms,
        limiter: RateLimiter | None = None,
        allowances: Allowances | None = None,
    ) -> None:
        wallet.check()
        self.account = account
        self._wallet = wallet
        self._allowances = allowances if allowances is not None else Allowances()
        self._clock_ms = clock_ms
        self._tap = tap
        self._market_of = market_of
        self._learned: dict[str, VenueMarket] = {}
        self._lost: dict[str, Resolution] = {}
        self._me = Identity(account, wallet.api_key, wallet.funder)
        self._clob_host = VenueHost(name="polymarket.clob", base_url=endpoints.clob_url, limiter=limiter, wallet=wallet)
        self._data_host = VenueHost(name="polymarket.data", base_url=endpoints.data_url, limiter=limiter)
        self.clob = ClobPrivate(self._clob_host)
        self.data = DataApi(self._data_host)
        self._public = ClobPublic(self._clob_host)
        self.channel = UserChannel(self._me, self._known_market)
        self._sink: Sink = _nobody
        self._last_heard_ms = clock_ms()
        """Up to here nothing is missing: while something is, what is heard does not move it."""
        self._is_whole = False
        self._wake = asyncio.Event()
        self._is_told_up = False
        self._socket = ReconnectingSocket(
            name=FEED,
            url=endpoints.ws_url.rstrip("/") + "/ws/user",
            on_open=self._on_open,
            on_frame=self._on_frame,
            on_down=self._on_down,
            keepalive=Keepalive(text="PING", text_every_s=KEEPALIVE_EVERY_S, ping_every_s=None, silence_s=SILENCE_S),
        )
        self.sockets = (self._socket,)
        self.calls = (self._clob_host.calls, self._data_host.calls)

    async def aclose(self) -> None:
        await self._clob_host.aclose()
        await self._data_host.aclose()

    # --- reads ------------------------------------------------------------------------------------------------------

    async def open_orders(self) -> list[OrderReport]:
        """Every active order, resting or in its taker delay."""
        orders = await self.clob.open_orders()
        await self._learn(order.market for order in orders)
        return [order_report(order, self._me, self._known_market(order.market)) for order in orders]

    async def order(self, ref: OrderRef) -> OrderReport | None:
        """An active order by its hash; else, if trades name it, a closed one with what they filled; else None.

        The venue forgets orders that are no longer active: whether a closed one was filled whole or canceled after a
        part is for the caller, who knows its size, to tell from `filled_u`.
        """
        found = await self.clob.order(ref.venue_order_id)
        if found is not None:
            return order_report(found, self._me, ref.market)
        fills = [fill for fill in await self._fills_of_market(ref) if fill.venue_order_id == ref.venue_order_id]
        if not fills:
            return None
        again = await self.clob.order(ref.venue_order_id)  # it may have arrived between the two reads, and rest
        return _closed_report(fills, self.account) if again is None else order_report(again, self._me, ref.market)

    async def orders_named(self, refs: Sequence[OrderRef]) -> list[OrderReport]:
        """The active ones from their list; closed ones by the trades that name them, all of them read at once."""
        active = {one.venue_order_id: one for one in await self.open_orders()}
        closed: dict[str, list[FillReport]] = {}
        missing = {ref.venue_order_id for ref in refs} - active.keys()
        for fill in await self.fills_since(min(ref.placed_ms for ref in refs) - _OVERLAP_MS):
            if fill.venue_order_id in missing:
                closed.setdefault(fill.venue_order_id, []).append(fill)
        if closed:  # one may have arrived between the two reads, and rest
            active |= {one.venue_order_id: one for one in await self.open_orders()}
        found = [active[ref.venue_order_id] for ref in refs if ref.venue_order_id in active]
        return found + [_closed_report(fills, self.account) for name, fills in closed.items() if name not in active]

    async def orders_since(self, since_ms: int) -> list[OrderReport]:
        """All active orders: the venue lists no others. What became of the rest is in `fills_since`."""
        return await self.open_orders()

    async def fills_since(self, since_ms: int) -> list[FillReport]:
        """Every execution matched at or after `since_ms`, in its latest status, oldest first."""
        trades = await self.clob.trades(after_s=since_ms // 1000 - 1)
        await self._learn(trade.market for trade in trades)
        fills = [fill for trade in trades for fill in fill_reports(trade, self._me, self._market(trade.market))]
        recent = (fill for fill in fills if fill.venue_ms >= since_ms // 1000 * 1000)
        return sorted(recent, key=lambda fill: fill.venue_ms)

    async def positions(self) -> list[PositionReport]:
        """What the wallet holds in markets that are not resolved; behind a cache of about 5 s."""
        held = await self.data.positions(self._wallet.funder)
        return position_reports(held, account=self.account, venue_ms=self._clock_ms())

    async def balance(self) -> BalanceReport:
        """pUSD on chain, and what is left of it after our resting buys at their limits (fees not counted).

        What the exchange contracts may take of it is noted for the gateway."""
        kind = self._wallet.signature_type
        if self._allowances.is_doubted:
            await self.clob.refresh_balance(signature_type=kind)
        while self._allowances.doubted_assets:
            asset_id, is_v2 = self._allowances.doubted_assets.popitem()
            await self.clob.refresh_balance(signature_type=kind, asset_id=asset_id, is_v2=is_v2)
        funds = await self.clob.funds(signature_type=kind)
        total_u = funds.balance_u
        self._allowances.note(funds.allowances_u, cash_u=total_u)
        promised_u = sum(_promised_u(order) for order in await self.open_orders())
        return BalanceReport(
            venue=Venue.POLYMARKET,
            account=self.account,
            available_u=max(0, total_u - promised_u),
            total_u=total_u,
            venue_ms=self._clock_ms(),
        )

    async def settlements_since(self, since_ms: int) -> list[SettlementReport]:
        """Redemptions since then, and losing holdings of resolved markets (which nobody redeems)."""
        return await settlement_reports(
            self.data,
            wallet=self._wallet.funder,
            account=self.account,
            since_ms=since_ms,
            traded=self._traded,
            now_ms=self._clock_ms(),
            lost=self._lost,
        )

    async def _fills_of_market(self, ref: OrderRef) -> list[FillReport]:
        trades = await self.clob.trades(market=ref.market.native_id, after_s=ref.placed_ms // 1000 - 60)
        return [fill for trade in trades for fill in fill_reports(trade, self._me, ref.market)]

    async def _traded(self, condition: str) -> tuple[int, int]:
        """What our trades of a market add up to."""
        trades = await self.clob.trades(market=condition)
        await self._learn([condition])
        return folded(fill for trade in trades for fill in fill_reports(trade, self._me, self._market(condition)))

    # --- markets we trade in but were not told of -------------------------------------------------------------------

    def _known_market(self, condition: str) -> VenueMarket | None:
        return self._market_of(condition) or self._learned.get(condition)

    def _market(self, condition: str) -> VenueMarket:
        market = self._known_market(condition)
        if market is None:
            raise ProtocolError(f"market {condition} is not known", code="unknown_market")
        return market

    async def _learn(self, conditions: Iterable[str]) -> None:
        """Read what is not known yet. Raises what the read raised."""
        for condition in dict.fromkeys(conditions):
            if self._known_market(condition) is None:
                self._learned[condition] = market_of_clob(await self._public.market(condition))

    # --- the socket -------------------------------------------------------------------------------------------------

    async def run(self, sink: Sink) -> None:
        """Stream order and fill reports for ever; cancel the task to stop."""
        self._sink = sink
        self._last_heard_ms = self._clock_ms()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._socket.run())
            tasks.create_task(self._tend())

    async def _on_open(self, send: SendText) -> None:
        await send(subscription(self._wallet))
        self.channel.is_doubtful, self._is_whole = True, False
        self._wake.set()

    def _on_frame(self, frame: str | bytes, received_us: int) -> None:
        if self._tap is not None:
            self._tap(FEED, frame, received_us)
        self._emit(self.channel.feed(frame))
        self._is_whole = self._is_whole and not self.channel.is_doubtful
        if self._is_whole:
            self._last_heard_ms = self._clock_ms()
        if self.channel.is_doubtful or self.channel.missing:
            self._wake.set()

    def _on_down(self, reason: str) -> None:
        self._is_told_up = self._is_whole = False
        self._sink(FeedStatus(FEED, False, reason))

    def _emit(self, messages: Iterable[AccountMessage]) -> None:
        for message in messages:
            self._sink(message)

    async def _tend(self) -> None:
        """Whenever the stream alone is not enough (new connection, unreadable frame, unknown market): read by REST."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._catch_up()
            except VenueError as error:
                log.warning("account_catch_up_failed", account=self.account, code=error.code, reason=error.message)
                await asyncio.sleep(_RETRY_S)
                self._wake.set()

    async def _catch_up(self) -> None:
        if self.channel.missing:
            await self._learn(self.channel.missing)
            self._emit(self.channel.learned())
        if not self.channel.is_doubtful:
            return
        self.channel.is_doubtful = False
        try:
            await self._reread()
        except VenueError:
            self.channel.is_doubtful = True
            raise
        self._is_whole = self._socket.is_up and not self.channel.is_doubtful
        if self._socket.is_up and not self._is_told_up:
            self._is_told_up = True
            self._sink(FeedStatus(FEED, True))

    async def _reread(self) -> None:
        """Open orders now, and trades since a minute before we last heard anything. A trade that cannot be read raises,
        after all the others are told."""
        trades = await self.clob.trades(after_s=(self._last_heard_ms - _OVERLAP_MS) // 1000)
        await self._learn(trade.market for trade in trades)
        unreadable: ProtocolError | None = None
        for trade in reversed(trades):
            try:
                self._emit(self.channel.trade(trade))
            except ProtocolError as error:
                unreadable = error
        self._emit(await self.open_orders())
        if unreadable is not None:
            raise unreadable


def _closed_report(fills: list[FillReport], account: str) -> OrderReport:
    """As the venue itself counts: what was matched filled the order, also where its trade failed on chain later."""
    last = max(fills, key=lambda fill: fill.venue_ms)
    return OrderReport(
        venue=Venue.POLYMARKET,
        account=account,
        venue_order_id=last.venue_order_id,
        client_order_id="",
        market_id=last.market_id,
        state=OrderState.CANCELED,
        filled_u=sum(fill.qty_u for fill in fills),
        remaining_u=0,
        venue_ms=last.venue_ms,
        reason="not active any more",
        side=last.side,
        outcome=last.outcome,
    )


def _promised_u(order: OrderReport) -> int:
    """µUSD an open buy may still take, rounded up."""
    if order.side is not Side.BUY or order.price_u is None:
        return 0
    return -(-order.remaining_u * order.price_u // MICRO)


def _nobody(message: object) -> None:
    """The sink before `run`."""
