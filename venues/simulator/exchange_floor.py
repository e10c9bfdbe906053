"""The floor all parts of the exchange stand on: markets, accounts, timers, ids and the one way to publish.

Ids are derived, not drawn: a digest of seed, restart epoch, account and the account's own counter. What one account
does therefore never changes the ids that another one gets.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from hashlib import blake2b
from uuid import UUID

from venues.simulator.exchange_backing import cash_need_u, hold_of, is_backed_by_tokens, netted_reserve_u
from venues.simulator.exchange_book import Order
from venues.simulator.exchange_market import Market
from venues.simulator.exchange_rules import VenueRules
from venues.simulator.exchange_types import (
    AccountOpened,
    BalanceView,
    BookChanged,
    EntryBooked,
    ExchangeEvent,
    ExchangeReject,
    OrderChanged,
    PositionChanged,
    Reason,
    RejectCode,
)
from venues.simulator.ledger import Account, Ledger
from venues.types import OrderState


class Timers:
    """Callbacks by due time; equal times fire in the order of their making."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._made = 0

    def at(self, due_ms: int, callback: Callable[[int], None]) -> None:
        self._made += 1
        heapq.heappush(self._heap, (due_ms, self._made, callback))

    def next_due_ms(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def fire(self, now_ms: int) -> None:
        while self._heap and self._heap[0][0] <= now_ms:
            due_ms, _, callback = heapq.heappop(self._heap)
            callback(due_ms)


class Floor:
    """Shared state; its methods keep book, open-order index, reserves and events in step with each other."""

    def __init__(self, rules: VenueRules, *, seed: int, epoch: int) -> None:
        self.rules = rules
        self.markets: dict[str, Market] = {}
        self.listeners: list[Callable[[ExchangeEvent], None]] = []
        self.timers = Timers()
        self.ledger = Ledger(lambda entry: self.publish(EntryBooked(entry)))
        self.is_exchange_active = True
        self.is_trading_active = True
        self._salt = f"{seed}|{epoch}|{rules.fee_style}"
        self._numbers = 0

    def publish(self, event: ExchangeEvent) -> None:
        for listener in self.listeners:
            listener(event)

    def derive_id(self, kind: str, account: Account) -> str:
        """A new id in the shape of a UUID."""
        account.ids_made += 1
        text = f"{self._salt}|{kind}|{account.account_id}|{account.ids_made}"
        return str(UUID(bytes=blake2b(text.encode(), digest_size=16).digest()))

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def skip_numbers_to(self, number: int) -> None:
        self._numbers = max(self._numbers, number)

    def market(self, native_id: str) -> Market:
        try:
            return self.markets[native_id]
        except KeyError:
            raise ExchangeReject(RejectCode.MARKET_NOT_FOUND, native_id) from None

    def taker_delay_ms(self, market: Market) -> int:
        """How long a marketable order is held back: the venue's word, else the market's own."""
        wide_ms = self.rules.taker_delay_ms
        return market.spec.taker_delay_ms if wide_ms is None else wide_ms

    def account(self, account_id: str) -> Account:
        try:
            return self.ledger.accounts[account_id]
        except KeyError:
            raise ExchangeReject(RejectCode.ACCOUNT_NOT_FOUND, account_id) from None

    def order_of(self, account_id: str, order_id: str) -> Order:
        order = self.account(account_id).orders.get(order_id)
        if order is None:
            raise ExchangeReject(RejectCode.ORDER_NOT_FOUND, order_id)
        return order

    def open_account(self, account_id: str, cash_u: int, *, is_house: bool, shard: int, now_ms: int) -> Account:
        if account_id in self.ledger.accounts:
            raise ExchangeReject(RejectCode.INVALID_ORDER, f"account {account_id} exists already")
        account = self.ledger.accounts[account_id] = Account(account_id, is_house=is_house)
        if not is_house:
            self.publish(AccountOpened(account_id, now_ms))
        self.ledger.deposit(account, shard, cash_u, now_ms)
        return account

    def withdraw(self, account_id: str, amount_u: int, *, shard: int, now_ms: int) -> None:
        account = self.account(account_id)
        self._check_free(account, amount_u, shard)
        self.ledger.deposit(account, shard, -amount_u, now_ms)

    def transfer(self, account_id: str, amount_u: int, *, source: int, target: int, ref: str, now_ms: int) -> None:
        account = self.account(account_id)
        self._check_free(account, amount_u, source)
        self.ledger.move(account, source, -amount_u, kind="transfer", ref=ref, now_ms=now_ms)
        self.ledger.move(account, target, amount_u, kind="transfer", ref=ref, now_ms=now_ms)

    def _check_free(self, account: Account, amount_u: int, shard: int) -> None:
        if amount_u <= 0 or account.cash.get(shard, 0) - account.reserved_u(shard) < amount_u:
            raise ExchangeReject(RejectCode.INSUFFICIENT_BALANCE, f"shard {shard}")

    def balance(self, account_id: str) -> BalanceView:
        account = self.account(account_id)
        rows = tuple((shard, cash_u, account.reserved_u(shard)) for shard, cash_u in sorted(account.cash.items()))
        return BalanceView(
            account_id=account_id,
            cash_u=sum(row[1] for row in rows),
            reserved_u=sum(row[2] for row in rows),
            by_shard=rows,
        )

    def name(self, order: Order) -> str:
        """The order's id; a house order gets one only when somebody asks."""
        if not order.order_id:
            order.order_id = self.derive_id("order", order.account)
        return order.order_id

    def register(self, order: Order) -> None:
        """An accepted client order: findable, and its client id is used up."""
        account = order.account
        if account.is_house:
            return
        account.orders[order.order_id] = order
        if order.client_order_id:
            account.client_ids[order.client_order_id] = order.order_id

    def hold(self, order: Order) -> None:
        """Count an open client order against its account."""
        account = order.account
        if not account.is_house:
            account.open_orders.setdefault(order.native_id, {})[order.number] = order
            self.refresh_reserve(account, order.native_id)

    def release(self, order: Order) -> None:
        account = order.account
        if not account.is_house:
            account.open_orders.get(order.native_id, {}).pop(order.number, None)
            self.refresh_reserve(account, order.native_id)
        elif order.native_id in account.quotes:
            quotes = account.quotes[order.native_id]
            key = (order.is_bid, order.yes_price_u)
            if quotes.get(key) is order:
                del quotes[key]

    def refresh_reserve(self, account: Account, native_id: str) -> None:
        """Recompute what an account's open orders of one market hold."""
        market = self.markets[native_id]
        orders = account.open_in(native_id)
        if not orders:
            account.reserves.pop(native_id, None)
        elif self.rules.nets:
            held_u = netted_reserve_u(self.rules, market, account.position(native_id).net_u, map(hold_of, orders))
            account.reserves[native_id] = (market.spec.shard, held_u)
        else:
            spent_u = sum(cash_need_u(self.rules, market, order, is_taker=False) for order in orders)
            account.reserves[native_id] = (market.spec.shard, spent_u)

    def drop_unbacked(self, account: Account, now_ms: int) -> None:
        """Token venue: cancel resting orders, newest first, whose balance has gone elsewhere."""
        if self.rules.nets or account.is_house:
            return
        for native_id in list(account.open_orders):
            market = self.markets[native_id]
            for order in reversed(account.open_in(native_id)):
                if order.state is OrderState.RESTING and not is_backed_by_tokens(
                    self.rules, market, account, order, is_taker=False
                ):
                    self.close(order, OrderState.CANCELED, Reason.NO_BALANCE, now_ms)

    def rest(self, order: Order, now_ms: int) -> None:
        """Put an order at the end of its price's queue."""
        market = self.markets[order.native_id]
        order.state = OrderState.RESTING
        market.has_traded_or_quoted = True
        level = market.side(order.is_bid).add(order)
        self._publish_level(order, level.qty_u, order.remaining_u, now_ms, order)
        self.hold(order)
        if order.expires_ms is not None:
            self.expire_at(order, order.expires_ms)

    def expire_at(self, order: Order, due_ms: int) -> None:
        def expire(at_ms: int) -> None:
            if order.is_open and order.expires_ms == due_ms:
                self.close(order, OrderState.EXPIRED, Reason.EXPIRED, at_ms)

        self.timers.at(due_ms, expire)

    def take_off(self, order: Order, qty_u: int, now_ms: int, *, cause: Order | None = None) -> None:
        """Shrink a resting order in the book by `qty_u` (a match, a decrease or all of it). `cause` is the order that
        did it, where it is another one."""
        left_u = self.markets[order.native_id].side(order.is_bid).reduce(order, qty_u)
        self._publish_level(order, left_u, -qty_u, now_ms, cause or order)

    def close(self, order: Order, state: OrderState, reason: Reason, now_ms: int) -> int:
        """End an order; the quantity that was still open."""
        canceled_u = order.remaining_u
        if order.state is OrderState.RESTING and canceled_u and self._is_in_book(order):
            self.take_off(order, canceled_u, now_ms)
        order.remaining_u = 0
        order.state = state
        self.release(order)
        self.tell(order, reason, now_ms)
        return canceled_u

    def tell(self, order: Order, reason: Reason, now_ms: int) -> None:
        """Publish how a client order stands now."""
        order.reason = reason
        order.updated_ms = now_ms
        if not order.account.is_house:
            self.publish(OrderChanged(order.view(), reason, now_ms))

    def tell_position(self, account: Account, native_id: str, now_ms: int) -> None:
        position = account.position(native_id)
        position.updated_ms = now_ms
        if not account.is_house:
            self.publish(PositionChanged(position.view(account.account_id)))

    def _is_in_book(self, order: Order) -> bool:
        level = self.markets[order.native_id].side(order.is_bid).levels.get(order.yes_price_u)
        return level is not None and order.number in level.orders

    def _publish_level(self, order: Order, qty_u: int, delta_u: int, now_ms: int, cause: Order) -> None:
        owner = ("", "") if cause.account.is_house else (cause.account.account_id, cause.client_order_id)
        self.publish(
            BookChanged(order.native_id, order.is_bid, order.yes_price_u, qty_u, delta_u, now_ms, owner[0], owner[1])
        )
