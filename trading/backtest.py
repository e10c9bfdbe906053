"""Feeds a session from a recording, in a plain loop with virtual time: the same objects and the same decisions as live.

Two ways. `replay` plays everything a session heard, the outcomes of its orders included: the same messages give the
same commands, byte for byte. `backtest` plays what the markets and the games said, and fills the session's orders by a
simple model: against the book as it stands `latency_ms` later, taker fees as the venue's schedule estimates them, the
taken depth not removed. It flatters where size matters; it never looks ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from trading.domain.commands import Command, Decision, SubmitOrder
from trading.domain.lifecycle import OrderStatus
from trading.domain.messages import DomainMessage, IntentUpdate, Tick
from trading.domain.session import Session
from venues.types import (
    MICRO,
    BalanceReport,
    FillReport,
    MarketState,
    MarketStateChanged,
    Message,
    Outcome,
    SettlementReport,
    SettleState,
    Side,
)

TICK_US = 1_000_000
_TICK = Tick()


class Heard(msgspec.Struct, frozen=True):
    """One message and when it was received, UTC µs."""

    at_us: int
    message: Message | DomainMessage


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did. Money in µUSD; `digest` is the fingerprint of all its commands."""

    messages: int
    decisions: int
    orders: int
    fills: int
    realized_u: int
    fees_u: int
    digest: str


def replay(session: Session, heard: Iterable[Heard]) -> list[Command]:
    """Play exactly what was heard, and return every command."""
    return [command for one in heard for command in session.on(one.message, one.at_us)]


def backtest(session: Session, heard: Iterable[Heard], *, cash_u: int, latency_ms: int = 250) -> Result:
    """Play markets and games in order of time; orders fill by the model; a tick comes every second of virtual time.

    Every account of the session's config starts with `cash_u`. Raises ValueError if time runs backwards.
    """
    run = _Run(session, cash_u=cash_u, latency_us=latency_ms * 1_000)
    for one in heard:
        run.advance(one.at_us)
        run.hear(one.message, one.at_us)
    run.finish()
    return run.result()


class _Run:
    """One backtest: the session, the orders waiting for their latency, and the cash of each account."""

    def __init__(self, session: Session, *, cash_u: int, latency_us: int) -> None:
        self._session = session
        self._latency_us = latency_us
        self._accounts = {one.account: one for one in session.config.accounts}
        self._cash = dict.fromkeys(self._accounts, cash_u)
        self._waiting: deque[tuple[int, SubmitOrder]] = deque()
        self._now_us = 0
        self._next_tick_us = 0
        self._fees_u = self._messages = self._decisions = self._orders = self._fills = 0

    def advance(self, to_us: int) -> None:
        """Everything that is due before `to_us`: orders reaching the venue, and ticks, in order."""
        if to_us < self._now_us:
            raise ValueError(f"Time runs backwards in the recording: {to_us} after {self._now_us}.")
        if not self._now_us:
            self._next_tick_us = to_us + TICK_US
            for account in self._cash:
                self._report_balance(account, to_us)
        while (due_us := min(self._next_tick_us, self._waiting[0][0] if self._waiting else to_us)) < to_us:
            self._step(due_us)
        self._now_us = to_us

    def _step(self, due_us: int) -> None:
        if self._waiting and self._waiting[0][0] == due_us:
            self._execute(self._waiting.popleft()[1], due_us)
        else:
            self._next_tick_us += TICK_US
            self._take(self._session.on(_TICK, due_us), due_us)

    def hear(self, message: Message | DomainMessage, at_us: int) -> None:
        self._messages += 1
        self._take(self._session.on(message, at_us), at_us)
        if isinstance(message, MarketStateChanged) and message.state is MarketState.SETTLED:
            self._settle(message, at_us)

    def finish(self) -> None:
        while self._waiting:
            due_us, order = self._waiting.popleft()
            self._execute(order, due_us)

    def result(self) -> Result:
        holdings = self._session.desk.portfolio.holdings.values()
        return Result(
            messages=self._messages,
            decisions=self._decisions,
            orders=self._orders,
            fills=self._fills,
            realized_u=sum(holding.realized_u for holding in holdings),
            fees_u=self._fees_u,
            digest=self._session.digest.hexdigest(),
        )

    def _take(self, commands: Sequence[Command], now_us: int) -> None:
        for command in commands:
            if isinstance(command, SubmitOrder):
                self._orders += 1
                self._waiting.append((now_us + self._latency_us, command))
            elif isinstance(command, Decision):
                self._decisions += 1

    def _execute(self, order: SubmitOrder, at_us: int) -> None:
        """The order meets the book of this moment; what it does not take at once is gone."""
        fill = self._fill(order, at_us)
        filled_u = 0 if fill is None else fill.qty_u
        status = OrderStatus.FILLED if filled_u == order.qty_u else OrderStatus.CANCELED
        update = IntentUpdate(
            decision_id=order.decision_id, status=status, filled_u=filled_u, client_order_id=order.decision_id
        )
        self._take(self._session.on(update, at_us), at_us)
        if fill is not None:
            self._book(fill, at_us)

    def _fill(self, order: SubmitOrder, at_us: int) -> FillReport | None:
        market = self._session.markets[order.market_id]
        if not market.book.is_valid or market.listing is None or market.state is not MarketState.OPEN:
            return None
        buys_yes = (order.side is Side.BUY) is (order.outcome is Outcome.YES)
        limit_u = order.price_u if order.outcome is Outcome.YES else MICRO - order.price_u
        sweep = market.book.cost_to_take(buys_yes, order.qty_u, limit_u)
        if not sweep.filled_u:
            return None
        average_u = sweep.cost_u * MICRO // sweep.filled_u
        price_u = average_u if order.outcome is Outcome.YES else MICRO - average_u
        return FillReport(
            venue=market.listing.venue,
            account=order.account,
            trade_id=order.decision_id,
            leg="taker",
            venue_order_id="",
            client_order_id=order.decision_id,
            market_id=order.market_id,
            side=order.side,
            outcome=order.outcome,
            price_u=price_u,
            qty_u=sweep.filled_u,
            fee_u=market.listing.fees.fee_u(price_u=price_u, qty_u=sweep.filled_u),
            is_taker=True,
            settle_state=SettleState.CONFIRMED,
            venue_ms=at_us // 1_000,
        )

    def _book(self, fill: FillReport, at_us: int) -> None:
        worth_u = fill.price_u * fill.qty_u // MICRO
        self._cash[fill.account] += (worth_u if fill.side is Side.SELL else -worth_u) - fill.fee_u
        self._cash[fill.account] += self._paired_u(fill)
        self._fees_u += fill.fee_u
        self._fills += 1
        self._take(self._session.on(fill, at_us), at_us)
        self._report_balance(fill.account, at_us)

    def _paired_u(self, fill: FillReport) -> int:
        """Where YES and NO net, a bought contract that meets one of the other outcome pays its dollar at once."""
        if fill.side is Side.SELL or not self._accounts[fill.account].capabilities.nets_yes_and_no:
            return 0
        held = self._session.desk.portfolio.holding(fill.account, fill.market_id).leg(fill.outcome.other)
        return min(fill.qty_u, held.qty_u)

    def _settle(self, message: MarketStateChanged, at_us: int) -> None:
        value_u = message.settlement_value_u
        if value_u is None:
            return
        for account, trading in self._accounts.items():
            holding = self._session.desk.portfolio.holding(account, message.market_id)
            yes_u, no_u = holding.yes.qty_u, holding.no.qty_u
            if not yes_u and not no_u:
                continue
            payout_u = yes_u * value_u // MICRO + no_u * (MICRO - value_u) // MICRO
            self._cash[account] += payout_u
            report = SettlementReport(
                venue=trading.venue,
                account=account,
                market_id=message.market_id,
                value_u=value_u,
                yes_qty_u=yes_u,
                no_qty_u=no_u,
                payout_u=payout_u,
                venue_ms=at_us // 1_000,
            )
            self._take(self._session.on(report, at_us), at_us)
            self._report_balance(account, at_us)

    def _report_balance(self, account: str, at_us: int) -> None:
        cash_u, venue = self._cash[account], self._accounts[account].venue
        report = BalanceReport(
            venue=venue, account=account, available_u=cash_u, total_u=cash_u, venue_ms=at_us // 1_000
        )
        self._take(self._session.on(report, at_us), at_us)
