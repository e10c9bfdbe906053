"""The second life of a token trade: matched now, mined some seconds later, final or failed after that.

A netting venue's fills are final when they are made; there this module does nothing. Contracts bought cannot be sold
before they are mined (Polymarket FACTS §11.6). A failure takes back exactly what the match moved.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum

import msgspec

from venues.simulator.exchange_book import Order
from venues.simulator.exchange_floor import Floor
from venues.simulator.exchange_market import Market
from venues.simulator.exchange_types import (
    ExchangeReject,
    FillSettled,
    FillView,
    RejectCode,
    TradeStatus,
    TradeStatusChanged,
)
from venues.simulator.ledger import Account
from venues.types import Outcome, SettleState, Side


class TradeFate(StrEnum):
    """How a trade ends: RETRYING is sent on chain twice and confirmed later, FAILED is taken back."""

    CONFIRMED = "confirmed"
    RETRYING = "retrying"
    FAILED = "failed"


class PendingTrade(msgspec.Struct, eq=False):
    market: Market
    sides: list[tuple[Account, FillView]]
    status: TradeStatus = TradeStatus.MATCHED
    fate: TradeFate = TradeFate.CONFIRMED


class Finality:
    """Trades with at least one client side that are not final yet."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self.fates: deque[TradeFate] = deque()
        self._pending: dict[str, PendingTrade] = {}

    def begin(self, market: Market, taker: Order, maker: Order, fills: list[FillView], now_ms: int) -> None:
        if not self._floor.rules.fills_settle_later or (taker.account.is_house and maker.account.is_house):
            return
        trade_id = fills[0].trade_id
        sides = [(order.account, fill) for order, fill in zip((taker, maker), fills, strict=True)]
        fate = self.fates.popleft() if self.fates else TradeFate.CONFIRMED
        self._pending[trade_id] = PendingTrade(market, sides, fate=fate)
        self._mark_unmined(sides, 1)
        self._schedule(trade_id, now_ms)

    def resume(self, account: Account, market: Market, fill: FillView) -> None:
        """After a restart: what was pending becomes final at its time."""
        known = self._pending.get(fill.trade_id)
        if known is not None:
            known.sides.append((account, fill))
            return
        self._pending[fill.trade_id] = PendingTrade(market, [(account, fill)], TradeStatus.MINED)
        self._floor.timers.at(
            fill.venue_ms + self._floor.rules.confirmed_after_ms, lambda at_ms: self._confirm(fill.trade_id, at_ms)
        )

    def fail(self, trade_id: str, now_ms: int) -> None:
        """Raises CANNOT_VOID when the trade is final, unknown, or its contracts are gone already."""
        trade = self._pending.get(trade_id)
        if trade is None or any(not _can_return(trade.market, account, fill) for account, fill in trade.sides):
            raise ExchangeReject(RejectCode.CANNOT_VOID, trade_id)
        del self._pending[trade_id]
        if trade.status in (TradeStatus.MATCHED, TradeStatus.RETRYING):
            self._mark_unmined(trade.sides, -1)
        for account, fill in trade.sides:
            self._take_back(trade.market, account, fill, now_ms)
        self._tell(trade, trade_id, TradeStatus.FAILED, now_ms)
        self._settle(trade, SettleState.FAILED, now_ms)
        for account, _ in trade.sides:
            if not account.is_house:
                self._floor.drop_unbacked(account, now_ms)

    def _schedule(self, trade_id: str, now_ms: int) -> None:
        rules, timers = self._floor.rules, self._floor.timers
        timers.at(now_ms + rules.mined_after_ms, lambda at_ms: self._mine(trade_id, at_ms))
        timers.at(now_ms + rules.confirmed_after_ms, lambda at_ms: self._confirm(trade_id, at_ms))

    def _mine(self, trade_id: str, now_ms: int) -> None:
        trade = self._pending.get(trade_id)
        if trade is None or trade.status is not TradeStatus.MATCHED:
            return
        if trade.fate is not TradeFate.CONFIRMED:
            self._tell(trade, trade_id, TradeStatus.RETRYING, now_ms)
            return
        self._mark_unmined(trade.sides, -1)
        self._tell(trade, trade_id, TradeStatus.MINED, now_ms)

    def _confirm(self, trade_id: str, now_ms: int) -> None:
        """The end of a trade: for one that was retried a round later, for one that fails the return of it all."""
        trade = self._pending.get(trade_id)
        if trade is None:
            return
        if trade.fate is TradeFate.FAILED and self._failed(trade_id, now_ms):
            return
        if trade.fate is TradeFate.RETRYING and trade.status is TradeStatus.RETRYING:
            self._mark_unmined(trade.sides, -1)
            self._tell(trade, trade_id, TradeStatus.MINED, now_ms)
            due_ms = now_ms + self._floor.rules.confirmed_after_ms
            self._floor.timers.at(due_ms, lambda at_ms: self._confirm(trade_id, at_ms))
            return
        if trade.status is TradeStatus.RETRYING:
            self._mark_unmined(trade.sides, -1)
        del self._pending[trade_id]
        self._tell(trade, trade_id, TradeStatus.CONFIRMED, now_ms)
        self._settle(trade, SettleState.CONFIRMED, now_ms)

    def _failed(self, trade_id: str, now_ms: int) -> bool:
        """Take it back, unless its contracts are gone: then it stands."""
        try:
            self.fail(trade_id, now_ms)
        except ExchangeReject:
            return False
        return True

    def _tell(self, trade: PendingTrade, trade_id: str, status: TradeStatus, now_ms: int) -> None:
        trade.status = status
        self._floor.publish(TradeStatusChanged(trade.market.native_id, trade_id, status, now_ms))

    def _settle(self, trade: PendingTrade, state: SettleState, now_ms: int) -> None:
        for account, fill in trade.sides:
            if not account.is_house:
                final = msgspec.structs.replace(fill, settle_state=state)
                account.fills[(fill.trade_id, fill.leg)] = final
                self._floor.publish(FillSettled(final, now_ms))

    def _mark_unmined(self, sides: list[tuple[Account, FillView]], sign: int) -> None:
        for account, fill in sides:
            if fill.side is Side.BUY and not account.is_house:
                position = account.position(fill.native_id)
                position.mark_unmined(is_yes=fill.outcome is Outcome.YES, qty_u=sign * fill.qty_u)

    def _take_back(self, market: Market, account: Account, fill: FillView, now_ms: int) -> None:
        position = account.position(fill.native_id)
        is_yes = fill.outcome is Outcome.YES
        back_u = fill.cost_u if fill.side is Side.BUY else -fill.cost_u
        if fill.side is Side.BUY:
            position.remove(is_yes=is_yes, qty_u=fill.qty_u, proceeds_u=fill.cost_u)
        elif account.is_house and position.held_u(is_yes=not is_yes) >= fill.qty_u:
            position.remove(is_yes=not is_yes, qty_u=fill.qty_u, proceeds_u=fill.qty_u - fill.cost_u)
            back_u += fill.qty_u
        else:
            position.add(is_yes=is_yes, qty_u=fill.qty_u, cost_u=fill.cost_u)
        shard = market.spec.shard
        market.escrow_u -= back_u
        self._floor.ledger.move(account, shard, back_u, kind="void", ref=fill.trade_id, now_ms=now_ms)
        self._floor.ledger.move(account, shard, fill.fee_u, kind="void", ref=fill.trade_id, now_ms=now_ms)
        self._floor.ledger.fees_u -= fill.fee_u
        account.fees_u -= fill.fee_u
        position.fees_u -= fill.fee_u
        self._floor.tell_position(account, fill.native_id, now_ms)


def _can_return(market: Market, account: Account, fill: FillView) -> bool:
    if fill.side is Side.SELL:
        return account.is_house or account.cash.get(market.spec.shard, 0) + fill.fee_u >= fill.cost_u
    return account.position(fill.native_id).held_u(is_yes=fill.outcome is Outcome.YES) >= fill.qty_u
