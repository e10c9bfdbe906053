"""What a client can do with an order: submit, cancel, amend, decrease."""

from __future__ import annotations

from venues.simulator.exchange_admission import IMMEDIATE, Admission
from venues.simulator.exchange_backing import is_backed_by_tokens
from venues.simulator.exchange_book import Order
from venues.simulator.exchange_floor import Floor
from venues.simulator.exchange_groups import Groups
from venues.simulator.exchange_market import Market
from venues.simulator.exchange_matching import Matcher
from venues.simulator.exchange_types import ExchangeReject, NewOrder, OrderView, Reason, RejectCode
from venues.types import MarketState, OrderState, TimeInForce

KEEP_EXPIRY = -1


class OrderDesk:
    def __init__(self, floor: Floor, matcher: Matcher, groups: Groups) -> None:
        self._floor = floor
        self._matcher = matcher
        self._admission = Admission(floor, matcher, groups)

    def submit(self, account_id: str, new: NewOrder, now_ms: int) -> OrderView:
        order = self._admission.admit(self._floor.account(account_id), new, now_ms)
        market = self._floor.market(new.native_id)
        self._floor.register(order)
        marketable = self._admission.is_marketable(market, order)
        if order.post_only and marketable:
            self._end(order, Reason.POST_ONLY_CROSS, now_ms)
        elif self._floor.taker_delay_ms(market) and marketable:
            self._delay(market, order, now_ms)
        else:
            self._execute(market, order, now_ms, resting_reason=Reason.PLACED)
        return order.view()

    def cancel(self, account_id: str, order_id: str, now_ms: int) -> tuple[OrderView, int]:
        order = self._open_order(account_id, order_id)
        self._check_cancelable(order)
        canceled_u = self._floor.close(order, OrderState.CANCELED, Reason.CANCELED, now_ms)
        return order.view(), canceled_u

    def cancel_all(self, account_id: str, now_ms: int, native_id: str | None) -> list[OrderView]:
        if not self._floor.is_exchange_active:
            raise ExchangeReject(RejectCode.EXCHANGE_PAUSED)
        account = self._floor.account(account_id)
        canceled = []
        for market_id in [native_id] if native_id is not None else list(account.open_orders):
            for order in account.open_in(market_id):
                if order.state is OrderState.RESTING and self._is_cancelable_in(order.native_id):
                    self._floor.close(order, OrderState.CANCELED, Reason.CANCELED, now_ms)
                    canceled.append(order.view())
        return canceled

    def decrease(self, account_id: str, order_id: str, now_ms: int, to_u: int) -> OrderView:
        order = self._open_order(account_id, order_id)
        self._check_cancelable(order)
        if to_u < 0 or to_u > order.remaining_u:
            raise ExchangeReject(RejectCode.INVALID_QUANTITY, str(to_u))
        if to_u == 0:
            self._floor.close(order, OrderState.CANCELED, Reason.DECREASED, now_ms)
        else:
            self._shrink(order, order.remaining_u - to_u, now_ms)
            self._floor.tell(order, Reason.DECREASED, now_ms)
        return order.view()

    def amend(
        self,
        account_id: str,
        order_id: str,
        now_ms: int,
        *,
        price_u: int,
        qty_u: int,
        client_id: str | None,
        expires: int | None,
    ) -> OrderView:
        order = self._open_order(account_id, order_id)
        market = self._floor.market(order.native_id)
        self._admission.check_trading(market)
        self._check_cancelable(order)
        self._check_amendment(market, order, price_u, qty_u, client_id)
        if price_u == order.price_u and qty_u - order.filled_u <= order.remaining_u:
            self._shrink(order, order.remaining_u - (qty_u - order.filled_u), now_ms)
        else:
            self._check_affordable(market, order, price_u, qty_u)
            self._pull(order, now_ms)
            order.price_u, order.remaining_u, order.number = price_u, qty_u - order.filled_u, self._floor.next_number()
        order.qty_u = qty_u
        self._rename(order, client_id)
        self._set_expiry(order, expires)
        if order.account.open_orders.get(order.native_id, {}).get(order.number) is order:
            self._floor.tell(order, Reason.AMENDED, now_ms)
        else:
            self._execute(market, order, now_ms, resting_reason=Reason.AMENDED)
        return order.view()

    def _execute(self, market: Market, order: Order, now_ms: int, *, resting_reason: Reason) -> None:
        """Match, then rest or end what is left."""
        filled_before_u = order.filled_u
        stopped = self._matcher.sweep(market, order, now_ms)
        if not order.remaining_u:
            order.state = OrderState.FILLED
            self._floor.tell(order, Reason.TRADED, now_ms)
        elif stopped is not None or order.tif in IMMEDIATE:
            self._end(order, stopped or Reason.UNFILLED, now_ms)
        else:
            self._floor.rest(order, now_ms)
            self._floor.tell(order, Reason.TRADED if order.filled_u > filled_before_u else resting_reason, now_ms)

    def _end(self, order: Order, reason: Reason, now_ms: int) -> None:
        """Cancel an order that does not stand in the book."""
        order.remaining_u = 0
        order.state = OrderState.CANCELED
        self._floor.release(order)
        self._floor.tell(order, reason, now_ms)

    def _delay(self, market: Market, order: Order, now_ms: int) -> None:
        """Hold a marketable order back; nobody can take it off until it is over."""
        order.state = OrderState.DELAYED
        self._floor.hold(order)
        self._floor.tell(order, Reason.DELAYED, now_ms)
        due_ms = now_ms + self._floor.taker_delay_ms(market)
        self._floor.timers.at(due_ms, lambda at_ms: self._end_delay(market, order, at_ms))

    def _end_delay(self, market: Market, order: Order, now_ms: int) -> None:
        """Look again at what was accepted: the market, the money and the book may have changed meanwhile."""
        if order.state is not OrderState.DELAYED:
            return
        self._floor.release(order)
        rules, account = self._floor.rules, order.account
        if market.state is not MarketState.OPEN:
            self._end(order, Reason.RESOLVED if market.value_u is not None else Reason.MARKET_CLOSED, now_ms)
        elif not account.is_house and not is_backed_by_tokens(rules, market, account, order, is_taker=True):
            self._end(order, Reason.NO_BALANCE, now_ms)
        elif order.tif is TimeInForce.FOK and self._matcher.fillable_u(market, order) < order.remaining_u:
            self._end(order, Reason.DELAY_ENDED, now_ms)
        else:
            self._execute(market, order, now_ms, resting_reason=Reason.DELAY_ENDED)

    def _open_order(self, account_id: str, order_id: str) -> Order:
        order = self._floor.order_of(account_id, order_id)
        if not order.is_open:
            raise ExchangeReject(RejectCode.ORDER_NOT_FOUND, order_id)
        return order

    def _check_cancelable(self, order: Order) -> None:
        if order.state is OrderState.DELAYED:
            raise ExchangeReject(RejectCode.ORDER_DELAYED, order.order_id)
        if not self._floor.is_exchange_active:
            raise ExchangeReject(RejectCode.EXCHANGE_PAUSED)
        if not self._is_cancelable_in(order.native_id):
            raise ExchangeReject(RejectCode.MARKET_CLOSED, self._floor.market(order.native_id).state.value)

    def _is_cancelable_in(self, native_id: str) -> bool:
        return self._floor.market(native_id).state in (MarketState.OPEN, MarketState.PAUSED)

    def _check_amendment(self, market: Market, order: Order, price_u: int, qty_u: int, client_id: str | None) -> None:
        yes_price_u = price_u if order.outcome.value == "yes" else 1_000_000 - price_u
        if not market.spec.is_on_grid(yes_price_u):
            raise ExchangeReject(RejectCode.INVALID_PRICE, str(price_u))
        if qty_u <= order.filled_u or qty_u % market.spec.lot_u:
            raise ExchangeReject(RejectCode.INVALID_QUANTITY, str(qty_u))
        if client_id and client_id != order.client_order_id and client_id in order.account.client_ids:
            raise ExchangeReject(RejectCode.DUPLICATE_ORDER, client_id)

    def _check_affordable(self, market: Market, order: Order, price_u: int, qty_u: int) -> None:
        """Judge the amended order as if it were new, then undo."""
        before = order.price_u, order.remaining_u
        level_price_u = order.yes_price_u
        order.price_u, order.remaining_u = price_u, qty_u - order.filled_u
        try:
            self._admission.check_balance(market, order)
            best_u = market.side(not order.is_bid).best_price_u
            if order.post_only and best_u is not None and order.crosses(best_u):
                raise ExchangeReject(RejectCode.POST_ONLY_CROSS)
        finally:
            order.price_u, order.remaining_u = before
        assert order.yes_price_u == level_price_u

    def _pull(self, order: Order, now_ms: int) -> None:
        """Take an order out of the book without ending it."""
        self._floor.take_off(order, order.remaining_u, now_ms)
        self._floor.release(order)

    def _shrink(self, order: Order, by_u: int, now_ms: int) -> None:
        if by_u:
            self._floor.take_off(order, by_u, now_ms)
            self._floor.refresh_reserve(order.account, order.native_id)

    def _rename(self, order: Order, client_id: str | None) -> None:
        if client_id:
            order.client_order_id = client_id
            order.account.client_ids[client_id] = order.order_id

    def _set_expiry(self, order: Order, expires: int | None) -> None:
        if expires == KEEP_EXPIRY:
            return
        order.expires_ms = expires
        if expires is not None:
            self._floor.expire_at(order, expires)
