"""The life of a market: listed, open, paused, closed, determined, settled; and what each step does to its orders.

Steps in time (open, close, game start, settlement) are timers that look again when they fire, so terms may change
under them. Nothing announces them but the event. Sources: Kalshi FACTS §3.4, §6.2, §10; Polymarket FACTS §2.9, §9.
"""

from __future__ import annotations

import msgspec

from venues.simulator.exchange_book import Order
from venues.simulator.exchange_floor import Floor
from venues.simulator.exchange_market import Market
from venues.simulator.exchange_types import (
    BookCleared,
    ExchangeReject,
    MarketChange,
    MarketChanged,
    MarketSpec,
    Reason,
    RejectCode,
    Settled,
    SettlementView,
    TradingSwitched,
)
from venues.simulator.ledger import Account
from venues.types import MICRO, MarketState, OrderState

LIVE = (MarketState.UNOPENED, MarketState.OPEN, MarketState.PAUSED)


class Lifecycle:
    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def advance(self, now_ms: int) -> None:
        self._floor.timers.fire(now_ms)

    def add_market(self, spec: MarketSpec, now_ms: int, state: MarketState | None) -> None:
        if spec.native_id in self._floor.markets:
            raise ExchangeReject(RejectCode.INVALID_ORDER, f"market {spec.native_id} is listed already")
        if state is None:
            state = MarketState.OPEN if spec.open_ms <= now_ms else MarketState.UNOPENED
        market = self._floor.markets[spec.native_id] = Market(spec, state, now_ms)
        self._tell(market, MarketChange.LISTED, state, now_ms)
        self._schedule(market)

    def update_terms(self, spec: MarketSpec, now_ms: int) -> None:
        market = self._floor.market(spec.native_id)
        moved = spec.close_ms != market.spec.close_ms
        market.spec = spec
        self._tell(market, MarketChange.CLOSE_MOVED if moved else MarketChange.TERMS, market.state, now_ms)
        self._schedule(market)

    def set_state(self, native_id: str, state: MarketState, now_ms: int) -> None:
        market = self._floor.market(native_id)
        if state not in (*LIVE, MarketState.CLOSED) or market.value_u is not None:
            raise ExchangeReject(RejectCode.INVALID_ORDER, f"{market.state} cannot become {state}")
        previous = market.state
        if state is previous:
            return
        market.state = state
        self._tell(market, MarketChange.STATE, previous, now_ms)
        if state is MarketState.PAUSED:
            self._cancel_pausing(market, now_ms)
        elif state is MarketState.CLOSED:
            self._cancel_soon(market, now_ms)
        elif previous is MarketState.PAUSED and self._floor.rules.reactivation_wipes_book:
            self._clear_book(market, Reason.REACTIVATED, now_ms)

    def switch_trading(self, is_exchange_active: bool, is_trading_active: bool, now_ms: int) -> None:
        floor = self._floor
        stops = floor.is_trading_active and not is_trading_active
        floor.is_exchange_active, floor.is_trading_active = is_exchange_active, is_trading_active
        floor.publish(TradingSwitched(is_exchange_active, is_trading_active, now_ms))
        if stops:
            for market in floor.markets.values():
                self._cancel_pausing(market, now_ms)

    def determine(self, native_id: str, value_u: int, now_ms: int) -> None:
        market = self._floor.market(native_id)
        if not 0 <= value_u <= MICRO or market.state is MarketState.SETTLED:
            raise ExchangeReject(RejectCode.INVALID_ORDER, f"{market.state} cannot be determined at {value_u}")
        if market.state in LIVE:
            self._close_early(market, now_ms)
        self._clear_book(market, Reason.RESOLVED, now_ms)
        previous, market.state, market.value_u = market.state, MarketState.DETERMINED, value_u
        self._tell(market, MarketChange.STATE, previous, now_ms)
        due_ms = now_ms + market.spec.settle_timer_ms

        def settle(at_ms: int) -> None:
            if market.state is MarketState.DETERMINED and market.value_u == value_u:
                self._settle(market, value_u, at_ms)

        self._floor.timers.at(due_ms, settle)

    def correct(self, native_id: str, value_u: int, now_ms: int) -> None:
        market, ledger = self._floor.market(native_id), self._floor.ledger
        if not 0 <= value_u <= MICRO or market.state is not MarketState.SETTLED:
            raise ExchangeReject(RejectCode.INVALID_ORDER, f"{market.state} cannot be corrected to {value_u}")
        market.value_u = value_u
        for account in ledger.accounts.values():
            for index, settlement in enumerate(account.settlements):
                if settlement.native_id != native_id:
                    continue
                paid_u = sum(_payouts_u(settlement.yes_qty_u, settlement.no_qty_u, value_u))
                difference_u = paid_u - settlement.payout_u
                ledger.dust_u -= difference_u
                account.position(native_id).realized_u += difference_u
                ledger.move(account, market.spec.shard, difference_u, kind="settlement", ref=native_id, now_ms=now_ms)
                corrected = msgspec.structs.replace(settlement, value_u=value_u, payout_u=paid_u, venue_ms=now_ms)
                account.settlements[index] = corrected
                self._floor.publish(Settled(corrected))
        self._tell(market, MarketChange.STATE, MarketState.SETTLED, now_ms)

    def _schedule(self, market: Market) -> None:
        spec, timers = market.spec, self._floor.timers
        if market.state is MarketState.UNOPENED:
            timers.at(spec.open_ms, lambda at_ms: self._open(market, at_ms))
        if spec.close_ms is not None and market.state in LIVE:
            timers.at(spec.close_ms, lambda at_ms: self._close(market, at_ms))
        if spec.clears_book_at_start and spec.game_start_ms is not None and market.state in LIVE:
            due_ms = spec.game_start_ms + self._floor.rules.start_clear_delay_ms
            timers.at(due_ms, lambda at_ms: self._start(market, spec.game_start_ms, at_ms))

    def _open(self, market: Market, now_ms: int) -> None:
        if market.state is MarketState.UNOPENED and market.spec.open_ms <= now_ms:
            self.set_state(market.native_id, MarketState.OPEN, now_ms)

    def _close(self, market: Market, now_ms: int) -> None:
        if market.state in LIVE and market.spec.close_ms is not None and market.spec.close_ms <= now_ms:
            self.set_state(market.native_id, MarketState.CLOSED, now_ms)

    def _start(self, market: Market, start_ms: int | None, now_ms: int) -> None:
        if market.state in LIVE and market.spec.game_start_ms == start_ms and market.listed_ms <= (start_ms or 0):
            self._clear_book(market, Reason.GAME_STARTED, now_ms)

    def _close_early(self, market: Market, now_ms: int) -> None:
        """A result is there before the scheduled close: the close moves to now."""
        spec = market.spec
        if spec.close_ms is None or spec.close_ms > now_ms:
            market.spec = msgspec.structs.replace(spec, close_ms=now_ms)
            self._tell(market, MarketChange.CLOSE_MOVED, market.state, now_ms)
        previous, market.state = market.state, MarketState.CLOSED
        self._tell(market, MarketChange.STATE, previous, now_ms)

    def _cancel_pausing(self, market: Market, now_ms: int) -> None:
        for order in _resting(market):
            if order.cancel_on_pause:
                self._floor.close(order, OrderState.CANCELED, Reason.MARKET_PAUSED, now_ms)

    def _cancel_soon(self, market: Market, now_ms: int) -> None:
        """Orders of a closed market go off shortly after; until then nobody can touch them."""

        def cancel(at_ms: int) -> None:
            if market.state is MarketState.CLOSED:
                self._clear_book(market, Reason.MARKET_CLOSED, at_ms)

        self._floor.timers.at(now_ms + self._floor.rules.close_cancel_delay_ms, cancel)

    def _clear_book(self, market: Market, reason: Reason, now_ms: int) -> None:
        orders = _resting(market)
        for order in orders:
            self._floor.close(order, OrderState.CANCELED, reason, now_ms)
        if orders:
            self._floor.publish(BookCleared(market.native_id, reason, now_ms))

    def _settle(self, market: Market, value_u: int, now_ms: int) -> None:
        market.settled_ms = now_ms
        for account in self._floor.ledger.accounts.values():
            position = account.positions.get(market.native_id)
            if position is None:
                continue
            is_due = position.traded_qty_u and not account.is_settled(market.native_id)
            if position.yes_qty_u or position.no_qty_u or is_due:
                self._pay(market, account, value_u, now_ms)
        self._floor.ledger.dust_u += market.escrow_u  # what rounding down to whole µUSD left
        market.escrow_u = 0
        previous, market.state = market.state, MarketState.SETTLED
        self._tell(market, MarketChange.STATE, previous, now_ms)

    def _pay(self, market: Market, account: Account, value_u: int, now_ms: int) -> None:
        position = account.position(market.native_id)
        yes_u, no_u = position.yes_qty_u, position.no_qty_u
        yes_cost_u, no_cost_u = position.yes_cost_u, position.no_cost_u
        yes_paid_u, no_paid_u = _payouts_u(yes_u, no_u, value_u)
        payout_u = yes_paid_u + no_paid_u
        position.remove(is_yes=True, qty_u=yes_u, proceeds_u=yes_paid_u)
        position.remove(is_yes=False, qty_u=no_u, proceeds_u=no_paid_u)
        position.unmined_yes_u = position.unmined_no_u = 0
        market.escrow_u -= payout_u
        ref = market.native_id
        self._floor.ledger.move(account, market.spec.shard, payout_u, kind="settlement", ref=ref, now_ms=now_ms)
        if account.is_house:
            return
        settlement = SettlementView(
            account_id=account.account_id,
            native_id=market.native_id,
            value_u=value_u,
            yes_qty_u=yes_u,
            no_qty_u=no_u,
            yes_cost_u=yes_cost_u,
            no_cost_u=no_cost_u,
            fees_u=position.fees_u,
            payout_u=payout_u,
            venue_ms=now_ms,
        )
        account.settlements.append(settlement)
        self._floor.tell_position(account, market.native_id, now_ms)
        self._floor.publish(Settled(settlement))

    def _tell(self, market: Market, change: MarketChange, previous: MarketState, now_ms: int) -> None:
        self._floor.publish(MarketChanged(market.native_id, change, market.state, previous, market.value_u, now_ms))


def _payouts_u(yes_u: int, no_u: int, value_u: int) -> tuple[int, int]:
    """What so many contracts of YES and of NO are worth, each rounded down to the µUSD."""
    return yes_u * value_u // MICRO, no_u * (MICRO - value_u) // MICRO


def _resting(market: Market) -> list[Order]:
    return [*market.bids.from_best(), *market.asks.from_best()]
