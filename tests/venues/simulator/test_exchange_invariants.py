"""Whatever is done to the exchange, in whatever order: no cent appears or disappears and nobody owes anything."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_rules import KALSHI_RULES, POLYMARKET_RULES, VenueRules
from venues.simulator.exchange_types import ExchangeReject, FeeSpec, MarketSpec, NewOrder, Stp
from venues.types import MICRO, MarketState, OrderState, Outcome, Side, TimeInForce

CLIENTS = ("ann", "bob", "cid")
MARKETS = ("A", "B")
DEPOSIT_U = 50 * MICRO

prices = st.integers(1, 99).map(lambda cents: cents * 10_000)
quantities = st.integers(1, 4_000).map(lambda hundredths: hundredths * 10_000)
orders = st.builds(
    NewOrder,
    native_id=st.sampled_from(MARKETS),
    side=st.sampled_from(Side),
    outcome=st.sampled_from(Outcome),
    price_u=prices,
    qty_u=quantities,
    tif=st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
    post_only=st.booleans(),
    stp=st.sampled_from(Stp),
    cancel_on_pause=st.booleans(),
)


class ExchangeMachine(RuleBasedStateMachine):
    venue_rules: VenueRules
    taker_delay_ms = 0

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_000
        self.exchange = Exchange(self.venue_rules, seed=1)
        for native_id in MARKETS:
            spec = MarketSpec(
                native_id=native_id,
                event_id="E",
                fee=FeeSpec(70_000, 17_500),
                taker_delay_ms=self.taker_delay_ms,
                settle_timer_ms=5_000,
            )
            self.exchange.add_market(spec, self.now_ms)
        for client in CLIENTS:
            self.exchange.open_account(client, DEPOSIT_U, now_ms=self.now_ms)
        self.exchange.open_account("house", 0, is_house=True)
        self.group = self.exchange.create_group("ann", 20 * MICRO, self.now_ms).group_id

    @rule(client=st.sampled_from(CLIENTS), order=orders)
    def submit(self, client: str, order: NewOrder) -> None:
        self.attempt(lambda: self.exchange.submit(client, order, self.now_ms))

    @rule(bid=st.integers(2, 97), size=st.integers(1, 50), levels=st.integers(0, 3), native_id=st.sampled_from(MARKETS))
    def quote(self, bid: int, size: int, levels: int, native_id: str) -> None:
        bids = [((bid - i) * 10_000, size * MICRO) for i in range(levels) if bid - i > 0]
        asks = [((bid + 2 + i) * 10_000, size * MICRO) for i in range(levels) if bid + 2 + i < 100]
        self.exchange.replace_quotes("house", native_id, bids, asks, self.now_ms)

    @rule(client=st.sampled_from(CLIENTS), pick=st.integers(0, 50))
    def cancel(self, client: str, pick: int) -> None:
        self.on_open_order(client, pick, lambda order: self.exchange.cancel(client, order.order_id, self.now_ms))

    @rule(client=st.sampled_from(CLIENTS), pick=st.integers(0, 50), price_u=prices, qty_u=quantities)
    def amend(self, client: str, pick: int, price_u: int, qty_u: int) -> None:
        self.on_open_order(
            client,
            pick,
            lambda order: self.exchange.amend(client, order.order_id, self.now_ms, price_u=price_u, qty_u=qty_u),
        )

    @rule(client=st.sampled_from(CLIENTS), pick=st.integers(0, 50), share=st.integers(0, 9))
    def decrease(self, client: str, pick: int, share: int) -> None:
        self.on_open_order(
            client,
            pick,
            lambda order: self.exchange.decrease(
                client, order.order_id, self.now_ms, to_u=order.remaining_u * share // 10 // 10_000 * 10_000
            ),
        )

    @rule(order=orders)
    def submit_in_group(self, order: NewOrder) -> None:
        grouped = NewOrder(
            **{name: getattr(order, name) for name in order.__struct_fields__} | {"group_id": self.group}
        )
        self.attempt(lambda: self.exchange.submit("ann", grouped, self.now_ms))

    @rule()
    def reset_group(self) -> None:
        self.exchange.reset_group("ann", self.group, self.now_ms)

    @rule(by_ms=st.integers(1, 4_000))
    def wait(self, by_ms: int) -> None:
        self.now_ms += by_ms
        self.exchange.advance(self.now_ms)

    @rule(native_id=st.sampled_from(MARKETS), state=st.sampled_from([MarketState.OPEN, MarketState.PAUSED]))
    def switch(self, native_id: str, state: MarketState) -> None:
        self.attempt(lambda: self.exchange.set_state(native_id, state, self.now_ms))

    @precondition(lambda self: self.now_ms > 20_000)
    @rule(native_id=st.sampled_from(MARKETS), value_u=st.sampled_from([0, 123_457, 500_000, MICRO]))
    def determine(self, native_id: str, value_u: int) -> None:
        self.attempt(lambda: self.exchange.determine(native_id, value_u, self.now_ms))

    @rule(client=st.sampled_from(CLIENTS), pick=st.integers(0, 50))
    def fail_trade(self, client: str, pick: int) -> None:
        fills = self.exchange.fills(client)
        if fills:
            self.attempt(lambda: self.exchange.fail_trade(fills[pick % len(fills)].trade_id, self.now_ms))

    @invariant()
    def money_is_conserved(self) -> None:
        assert self.exchange.imbalance_u() == 0

    @invariant()
    def nobody_is_overdrawn(self) -> None:
        for client in CLIENTS:
            balance = self.exchange.balance(client)
            assert balance.cash_u >= 0
            if self.venue_rules.nets:
                assert balance.available_u >= 0
            for position in self.exchange.positions(client):
                assert position.yes_qty_u >= 0
                assert position.no_qty_u >= 0
                assert not (self.venue_rules.nets and position.yes_qty_u and position.no_qty_u)

    @invariant()
    def cash_is_the_fold_of_its_entries(self) -> None:
        for client in CLIENTS:
            ledger = self.exchange.ledger(client)
            assert sum(entry.amount_u for entry in ledger.entries) == ledger.balance.cash_u

    @invariant()
    def contracts_net_to_zero_and_escrow_holds_a_dollar_for_each_pair(self) -> None:
        for native_id in MARKETS:
            held = [self.exchange.position(owner, native_id) for owner in (*CLIENTS, "house")]
            assert sum(position.net_u for position in held) == 0
            assert self.exchange.market(native_id).escrow_u == sum(position.yes_qty_u for position in held)

    @invariant()
    def books_never_cross(self) -> None:
        for native_id in MARKETS:
            market = self.exchange.market(native_id)
            if market.best_bid_u is not None and market.best_ask_u is not None:
                assert market.best_bid_u < market.best_ask_u

    @invariant()
    def open_orders_are_what_the_books_hold(self) -> None:
        for native_id in MARKETS:
            market = self.exchange.market(native_id)
            in_book = {
                order.order_id: order.remaining_u
                for side in (market.bids, market.asks)
                for order in side.from_best()
                if not order.account.is_house
            }
            resting = {
                view.order_id: view.remaining_u
                for client in CLIENTS
                for view in self.exchange.orders(client, native_id=native_id)
                if view.state is OrderState.RESTING
            }
            assert in_book == resting
            for side in (market.bids, market.asks):
                for price_u, level in side.levels.items():
                    assert level.qty_u == sum(order.remaining_u for order in level.orders.values()) > 0
                    assert all(order.yes_price_u == price_u for order in level.orders.values())

    def attempt(self, step: object) -> None:
        try:
            step()
        except ExchangeReject:
            return

    def on_open_order(self, client: str, pick: int, step: object) -> None:
        open_orders = self.exchange.orders(client, open_only=True)
        if open_orders:
            self.attempt(lambda: step(open_orders[pick % len(open_orders)]))


class KalshiMachine(ExchangeMachine):
    venue_rules = KALSHI_RULES


class PolymarketMachine(ExchangeMachine):
    venue_rules = POLYMARKET_RULES
    taker_delay_ms = 1_000


@pytest.mark.parametrize("machine", [KalshiMachine, PolymarketMachine])
def test_no_sequence_of_operations_breaks_the_books(machine: type[ExchangeMachine]) -> None:
    case = machine.TestCase
    case.settings = settings(
        max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case().runTest()
