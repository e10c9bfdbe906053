"""A price-time exchange with an exact integer ledger: the truth behind one simulated venue.

One book per proposition, in the YES frame, for both venues; what differs is a `VenueRules` value. Pure and
deterministic: no clock, no randomness, no I/O. Every call carries `now_ms` (virtual time, never backwards) and first
fires what was due until then, so the same calls give the same events, ids and cents.

Invariant, at every moment: Σ cash of all accounts + escrow + fees + dust == Σ deposits, and per market
Σ YES == Σ NO held by all accounts (a netting venue: Σ signed positions == 0).

House accounts are the world's makers and takers: their money is unlimited and nothing of theirs is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from venues.simulator.exchange_finality import Finality, TradeFate
from venues.simulator.exchange_floor import Floor
from venues.simulator.exchange_groups import Groups
from venues.simulator.exchange_lifecycle import Lifecycle
from venues.simulator.exchange_market import Market
from venues.simulator.exchange_matching import Matcher
from venues.simulator.exchange_orders import OrderDesk
from venues.simulator.exchange_quotes import QuoteDesk
from venues.simulator.exchange_restore import restore_clients
from venues.simulator.exchange_rules import VenueRules
from venues.simulator.exchange_types import (
    AccountLedger,
    BalanceView,
    EntryView,
    ExchangeEvent,
    FillView,
    GroupView,
    MarketSpec,
    NewOrder,
    OrderView,
    PositionView,
    SettlementView,
)
from venues.types import MarketState

Levels = Sequence[tuple[int, int]]
"""`(yes_price_u, qty_u)`, best first."""


class Exchange:
    """One venue. Operations raise `ExchangeReject`; then nothing has changed."""

    def __init__(self, rules: VenueRules, *, seed: int = 0, epoch: int = 0) -> None:
        """`epoch` counts restarts from one state file: it keeps derived ids unique across them."""
        self._floor = Floor(rules, seed=seed, epoch=epoch)
        self._groups = Groups(self._floor)
        self._finality = Finality(self._floor)
        self._matcher = Matcher(self._floor, self._groups, self._finality)
        self._orders = OrderDesk(self._floor, self._matcher, self._groups)
        self._quotes = QuoteDesk(self._floor, self._matcher)
        self._lifecycle = Lifecycle(self._floor)
        self._commit_hooks: list[Callable[[], None]] = []

    @property
    def rules(self) -> VenueRules:
        return self._floor.rules

    def change_rules(self, rules: VenueRules) -> None:
        """From now on. What is under way goes on as it began."""
        self._floor.rules = rules

    def subscribe(self, listener: Callable[[ExchangeEvent], None]) -> None:
        """Called with every event, in order, inside the operation that caused it. Must not call back."""
        self._floor.listeners.append(listener)

    def on_commit(self, hook: Callable[[], None]) -> None:
        """Called at the end of every operation, before its caller can tell anybody: the place to make it durable."""
        self._commit_hooks.append(hook)

    @contextmanager
    def _operation(self, now_ms: int) -> Iterator[None]:
        try:
            self._lifecycle.advance(now_ms)
            yield
        finally:
            for hook in self._commit_hooks:
                hook()

    def add_market(self, spec: MarketSpec, now_ms: int, *, state: MarketState | None = None) -> None:
        """List a market; its state follows from `open_ms` and `close_ms` unless given."""
        with self._operation(now_ms):
            self._lifecycle.add_market(spec, now_ms, state)

    def update_terms(self, spec: MarketSpec, now_ms: int) -> None:
        """Replace the terms (grid, fee, delay, start, close time) of a listed market; its book stays."""
        with self._operation(now_ms):
            self._lifecycle.update_terms(spec, now_ms)

    def set_state(self, native_id: str, state: MarketState, now_ms: int) -> None:
        """UNOPENED, OPEN, PAUSED or CLOSED. A pause cancels `cancel_on_pause` orders; a reactivation wipes the book
        where the venue's rules say so."""
        with self._operation(now_ms):
            self._lifecycle.set_state(native_id, state, now_ms)

    def determine(self, native_id: str, value_u: int, now_ms: int) -> None:
        """Fix what one YES contract pays (0 … MICRO); closes an open market. Paid `settle_timer_ms` later."""
        with self._operation(now_ms):
            self._lifecycle.determine(native_id, value_u, now_ms)

    def correct(self, native_id: str, value_u: int, now_ms: int) -> None:
        """Pay a settled market as if that had been its result; the venue bears the difference."""
        with self._operation(now_ms):
            self._lifecycle.correct(native_id, value_u, now_ms)

    def switch_trading(self, *, is_exchange_active: bool, is_trading_active: bool, now_ms: int) -> None:
        """The venue-wide pauses: trading (cancels only) and exchange (nothing at all)."""
        with self._operation(now_ms):
            self._lifecycle.switch_trading(is_exchange_active, is_trading_active, now_ms)

    def market(self, native_id: str) -> Market:
        """Spec, state, book and counters of one market (read only). Raises MARKET_NOT_FOUND."""
        return self._floor.market(native_id)

    def find_market(self, native_id: str) -> Market | None:
        return self._floor.markets.get(native_id)

    def markets(self) -> Iterable[Market]:
        return self._floor.markets.values()

    @property
    def is_exchange_active(self) -> bool:
        return self._floor.is_exchange_active

    @property
    def is_trading_active(self) -> bool:
        return self._floor.is_trading_active

    def open_account(
        self, account_id: str, cash_u: int, *, is_house: bool = False, shard: int = 0, now_ms: int = 0
    ) -> None:
        """Open with a deposit of `cash_u` on `shard`; `deposit` adds to others."""
        with self._operation(now_ms):
            self._floor.open_account(account_id, cash_u, is_house=is_house, shard=shard, now_ms=now_ms)

    def deposit(self, account_id: str, amount_u: int, *, shard: int = 0, now_ms: int) -> None:
        with self._operation(now_ms):
            self._floor.ledger.deposit(self._floor.account(account_id), shard, amount_u, now_ms)

    def withdraw(self, account_id: str, amount_u: int, *, shard: int = 0, now_ms: int) -> None:
        """Take free cash out of the venue. Raises INSUFFICIENT_BALANCE."""
        with self._operation(now_ms):
            self._floor.withdraw(account_id, amount_u, shard=shard, now_ms=now_ms)

    def transfer(self, account_id: str, amount_u: int, *, source: int, target: int, ref: str, now_ms: int) -> None:
        """Move free cash between shards. Raises INSUFFICIENT_BALANCE."""
        with self._operation(now_ms):
            self._floor.transfer(account_id, amount_u, source=source, target=target, ref=ref, now_ms=now_ms)

    def has_account(self, account_id: str) -> bool:
        return account_id in self._floor.ledger.accounts

    def account_ids(self) -> list[str]:
        """Client accounts, in the order of their opening."""
        return [account.account_id for account in self._floor.ledger.accounts.values() if not account.is_house]

    def submit(self, account_id: str, order: NewOrder, now_ms: int) -> OrderView:
        """Match and rest. The view tells what is left; an IOC that found nothing is a CANCELED view, no reject."""
        with self._operation(now_ms):
            return self._orders.submit(account_id, order, now_ms)

    def cancel(self, account_id: str, order_id: str, now_ms: int) -> tuple[OrderView, int]:
        """The canceled order and the quantity taken off. Raises ORDER_NOT_FOUND (also when not open any more),
        ORDER_DELAYED, MARKET_CLOSED."""
        with self._operation(now_ms):
            return self._orders.cancel(account_id, order_id, now_ms)

    def cancel_all(self, account_id: str, now_ms: int, *, native_id: str | None = None) -> list[OrderView]:
        """Cancel every resting order (of one market); what cannot be canceled now is left out."""
        with self._operation(now_ms):
            return self._orders.cancel_all(account_id, now_ms, native_id)

    def amend(
        self,
        account_id: str,
        order_id: str,
        now_ms: int,
        *,
        price_u: int,
        qty_u: int,
        client_order_id: str | None = None,
        expires_ms: int | None = -1,
    ) -> OrderView:
        """New limit price of the order's outcome and new total size (filled part included). `expires_ms` -1 keeps.
        Queue position survives a pure decrease or a change of expiry only."""
        with self._operation(now_ms):
            return self._orders.amend(
                account_id,
                order_id,
                now_ms,
                price_u=price_u,
                qty_u=qty_u,
                client_id=client_order_id,
                expires=expires_ms,
            )

    def decrease(self, account_id: str, order_id: str, now_ms: int, *, to_u: int) -> OrderView:
        """Reduce what is left to `to_u`; 0 cancels."""
        with self._operation(now_ms):
            return self._orders.decrease(account_id, order_id, now_ms, to_u)

    def replace_quotes(self, account_id: str, native_id: str, bids: Levels, asks: Levels, now_ms: int) -> None:
        """Make a house maker's resting orders exactly these (YES-frame prices); unchanged levels keep their place,
        and a quote that crosses a resting order of somebody else trades with it first. Does nothing in a market
        that does not trade."""
        with self._operation(now_ms):
            self._quotes.replace(account_id, native_id, bids, asks, now_ms)

    def create_group(self, account_id: str, limit_u: int, now_ms: int, *, shard: int = 0) -> GroupView:
        with self._operation(now_ms):
            return self._groups.create(account_id, limit_u, shard, now_ms)

    def trigger_group(self, account_id: str, group_id: str, now_ms: int) -> None:
        """Cancel the group's orders and refuse new ones until `reset_group`."""
        with self._operation(now_ms):
            self._groups.trigger(account_id, group_id, now_ms)

    def reset_group(self, account_id: str, group_id: str, now_ms: int) -> None:
        with self._operation(now_ms):
            self._groups.reset(account_id, group_id, now_ms)

    def limit_group(self, account_id: str, group_id: str, limit_u: int, now_ms: int) -> None:
        with self._operation(now_ms):
            self._groups.set_limit(account_id, group_id, limit_u, now_ms)

    def delete_group(self, account_id: str, group_id: str, now_ms: int) -> None:
        """Cancel the group's orders and forget it."""
        with self._operation(now_ms):
            self._groups.delete(account_id, group_id, now_ms)

    def advance(self, now_ms: int) -> None:
        """Fire what is due: expiries, delayed orders, clears at game start, closes, settlements, trade finality."""
        with self._operation(now_ms):
            pass

    def next_due_ms(self) -> int | None:
        """When `advance` will next have something to do."""
        return self._floor.timers.next_due_ms()

    def decide_fates(self, fates: Iterable[TradeFate]) -> None:
        """What becomes of the next client trades, in this order; all later ones are confirmed."""
        self._finality.fates.extend(fates)

    def awaited_fates(self) -> list[str]:
        return [fate.value for fate in self._finality.fates]

    def fail_trade(self, trade_id: str, now_ms: int) -> None:
        """Undo a trade that is not final yet, on both sides (a chain failure). Raises CANNOT_VOID."""
        with self._operation(now_ms):
            self._finality.fail(trade_id, now_ms)

    def order(self, account_id: str, order_id: str) -> OrderView:
        """Raises ORDER_NOT_FOUND."""
        return self._floor.order_of(account_id, order_id).view()

    def orders(self, account_id: str, *, native_id: str | None = None, open_only: bool = False) -> list[OrderView]:
        """In the order of submission."""
        account = self._floor.account(account_id)
        return [
            order.view()
            for order in account.orders.values()
            if (native_id is None or order.native_id == native_id) and (order.is_open or not open_only)
        ]

    def queue_ahead_u(self, account_id: str, order_id: str) -> int:
        """Contracts that stand before the order at its price."""
        order = self._floor.order_of(account_id, order_id)
        return self._floor.market(order.native_id).side(order.is_bid).ahead_of(order)

    def fills(self, account_id: str) -> list[FillView]:
        return list(self._floor.account(account_id).fills.values())

    def positions(self, account_id: str) -> list[PositionView]:
        account = self._floor.account(account_id)
        return [position.view(account_id) for position in account.positions.values()]

    def position(self, account_id: str, native_id: str) -> PositionView:
        return self._floor.account(account_id).position(native_id).view(account_id)

    def balance(self, account_id: str) -> BalanceView:
        return self._floor.balance(account_id)

    def settlements(self, account_id: str) -> list[SettlementView]:
        return list(self._floor.account(account_id).settlements)

    def entries(self, account_id: str) -> list[EntryView]:
        """Every cash movement, oldest first."""
        return list(self._floor.account(account_id).entries)

    def groups(self, account_id: str) -> list[GroupView]:
        return self._groups.of(account_id)

    def group(self, account_id: str, group_id: str) -> GroupView:
        """Raises NO_SUCH_GROUP."""
        return self._groups.view(account_id, group_id)

    def ledger(self, account_id: str) -> AccountLedger:
        account = self._floor.account(account_id)
        return AccountLedger(
            balance=self.balance(account_id),
            fees_u=account.fees_u,
            positions=tuple(self.positions(account_id)),
            orders=tuple(self.orders(account_id)),
            fills=tuple(self.fills(account_id)),
            settlements=tuple(account.settlements),
            entries=tuple(account.entries),
        )

    def imbalance_u(self) -> int:
        """0, always: deposits less all cash, escrow, fees and dust. For invariant tests and `GET /ledger`."""
        return self._floor.ledger.imbalance_u(market.escrow_u for market in self._floor.markets.values())

    def restore(self, ledgers: Iterable[AccountLedger], groups: Iterable[GroupView], now_ms: int) -> None:
        """Put client accounts back as they were, resting orders in their books. After the markets are listed, before
        anybody quotes; an order whose market is gone or does not trade any more is canceled."""
        with self._operation(now_ms):
            restore_clients(self._floor, self._groups, self._finality, ledgers, groups, now_ms)
