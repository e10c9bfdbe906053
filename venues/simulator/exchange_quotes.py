"""The cheap path for the world's makers: say what should rest, and only the difference happens.

A maker quotes both sides in the YES frame. On a token venue its asks sell YES out of inventory and otherwise buy NO,
so that both ways in which a real book is made occur.
"""

from __future__ import annotations

from collections.abc import Sequence

from venues.simulator.exchange_book import Order
from venues.simulator.exchange_floor import Floor
from venues.simulator.exchange_market import Market
from venues.simulator.exchange_matching import Matcher
from venues.simulator.exchange_types import ExchangeReject, Reason, RejectCode
from venues.simulator.ledger import Account
from venues.types import MICRO, MarketState, OrderState, Outcome, Side

Key = tuple[bool, int]


class QuoteDesk:
    def __init__(self, floor: Floor, matcher: Matcher) -> None:
        self._floor = floor
        self._matcher = matcher

    def replace(
        self,
        account_id: str,
        native_id: str,
        bids: Sequence[tuple[int, int]],
        asks: Sequence[tuple[int, int]],
        now_ms: int,
    ) -> None:
        account, market = self._floor.account(account_id), self._floor.market(native_id)
        if not account.is_house:
            raise ExchangeReject(RejectCode.INVALID_ORDER, "only house accounts quote")
        if market.state is not MarketState.OPEN or not self._floor.is_trading_active:
            return
        wanted: dict[Key, int] = {(True, price_u): qty_u for price_u, qty_u in bids if qty_u > 0}
        wanted.update({(False, price_u): qty_u for price_u, qty_u in asks if qty_u > 0})
        quotes = account.quotes.setdefault(native_id, {})
        self._withdraw(quotes, wanted, now_ms)
        for key, qty_u in wanted.items():
            if key not in quotes:
                self._place(market, account, quotes, key, qty_u, now_ms)

    def _withdraw(self, quotes: dict[Key, Order], wanted: dict[Key, int], now_ms: int) -> None:
        """Shrink in place what got smaller; take off what is gone, or grew and so loses its place."""
        for key, order in list(quotes.items()):
            target_u = wanted.get(key, 0)
            if target_u == order.remaining_u:
                continue
            if 0 < target_u < order.remaining_u:
                self._floor.take_off(order, order.remaining_u - target_u, now_ms)
            else:
                self._floor.close(order, OrderState.CANCELED, Reason.CANCELED, now_ms)

    def _place(
        self, market: Market, account: Account, quotes: dict[Key, Order], key: Key, qty_u: int, now_ms: int
    ) -> None:
        as_bid, yes_price_u = key
        if not market.spec.is_on_grid(yes_price_u):
            raise ExchangeReject(RejectCode.INVALID_PRICE, str(yes_price_u))
        sells_yes = not as_bid and (self._floor.rules.nets or self._has_inventory(account, quotes, market, qty_u))
        outcome = Outcome.YES if as_bid or sells_yes else Outcome.NO
        order = Order(
            number=self._floor.next_number(),
            account=account,
            native_id=market.native_id,
            side=Side.SELL if sells_yes else Side.BUY,
            outcome=outcome,
            is_bid=as_bid,
            price_u=yes_price_u if outcome is Outcome.YES else MICRO - yes_price_u,
            qty_u=qty_u,
            remaining_u=qty_u,
            created_ms=now_ms,
        )
        best_u = market.side(not as_bid).best_price_u
        if best_u is not None and order.crosses(best_u):
            self._matcher.sweep(market, order, now_ms)
        if order.remaining_u:
            quotes[key] = order
            self._floor.rest(order, now_ms)

    def _has_inventory(self, account: Account, quotes: dict[Key, Order], market: Market, qty_u: int) -> bool:
        offered_u = sum(order.remaining_u for order in quotes.values() if order.side is Side.SELL)
        return account.position(market.native_id).yes_qty_u >= offered_u + qty_u
