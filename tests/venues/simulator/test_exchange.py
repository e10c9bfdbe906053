"""Single rules of the exchange and of the venue that nets, each by the shortest story that shows it."""

from __future__ import annotations

import msgspec
import pytest

from tests.venues.simulator.exchange_scene import (
    DOLLARS,
    FEES,
    START_MS,
    ask,
    bid,
    buy_no,
    kalshi,
    levels,
    opened,
    rejected,
)
from venues.simulator.exchange import Exchange
from venues.simulator.exchange_rules import KALSHI_RULES, ClientIdRule, PostOnlyRule
from venues.simulator.exchange_types import (
    BookChanged,
    ExchangeEvent,
    ExchangeReject,
    MarketSpec,
    Reason,
    RejectCode,
    Stp,
    Traded,
)
from venues.types import MICRO, MarketState, OrderState, TimeInForce


def test_the_best_price_trades_first_and_at_one_price_the_oldest_order() -> None:
    exchange = kalshi()
    late = exchange.submit("bob", ask(60, 5), START_MS)
    best = exchange.submit("bob", ask(55, 5), START_MS)
    first = exchange.submit("ann", buy_no(40, 5), START_MS + 1)  # the same ask, 60, from the other leg
    taker = exchange.submit("ann", bid(60, 11), START_MS + 2)
    assert taker.filled_u == 11 * MICRO
    assert taker.taker_cost_u == (5 * 550_000 + 6 * 600_000)
    assert exchange.order("bob", best.order_id).state is OrderState.FILLED
    assert exchange.order("bob", late.order_id).state is OrderState.FILLED
    assert exchange.order("ann", first.order_id).remaining_u == 4 * MICRO


def test_what_does_not_match_rests_and_an_immediate_order_does_not() -> None:
    exchange = kalshi()
    exchange.submit("bob", ask(60, 5), START_MS)
    resting = exchange.submit("ann", bid(60, 8), START_MS)
    assert (resting.filled_u, resting.remaining_u, resting.state) == (5 * MICRO, 3 * MICRO, OrderState.RESTING)
    immediate = exchange.submit("bob", ask(60, 8, tif=TimeInForce.IOC), START_MS)
    assert (immediate.filled_u, immediate.remaining_u, immediate.state) == (3 * MICRO, 0, OrderState.CANCELED)
    nothing = exchange.submit("bob", ask(60, 8, tif=TimeInForce.IOC), START_MS)
    assert (nothing.filled_u, nothing.state, nothing.reason) == (0, OrderState.CANCELED, Reason.UNFILLED)


def test_fill_or_kill_is_refused_whole_and_leaves_no_trace() -> None:
    exchange = kalshi()
    exchange.submit("bob", ask(60, 5), START_MS)
    order = bid(60, 6, tif=TimeInForce.FOK, client_order_id="fok")
    assert rejected(exchange, "ann", order) is RejectCode.FOK_UNFILLABLE
    assert exchange.orders("ann") == []
    assert exchange.submit("ann", msgspec.structs.replace(order, qty_u=5 * MICRO), START_MS).filled_u == 5 * MICRO


def test_yes_and_no_of_one_market_are_worth_a_dollar_at_once() -> None:
    exchange = kalshi()
    exchange.replace_quotes("house", "M", [(400_000, 100 * MICRO)], [(500_000, 100 * MICRO)], START_MS)
    exchange.submit("ann", bid(50, 10), START_MS)
    exchange.submit("ann", buy_no(60, 4), START_MS)
    position = exchange.position("ann", "M")
    assert (position.yes_qty_u, position.no_qty_u) == (6 * MICRO, 0)
    assert exchange.balance("ann").cash_u == 100 * DOLLARS - 5_000_000 - 2_400_000 + 4_000_000
    assert position.realized_u == 4 * (1_000_000 - 500_000 - 600_000)
    assert position.yes_cost_u == 3 * MICRO


def test_collateral_is_held_up_front_and_closing_orders_need_none() -> None:
    exchange = kalshi()
    exchange.replace_quotes("house", "M", [(400_000, 500 * MICRO)], [(500_000, 500 * MICRO)], START_MS)
    exchange.submit("ann", bid(50, 200), START_MS)
    assert exchange.balance("ann").available_u == 0
    assert rejected(exchange, "ann", bid(1, 1)) is RejectCode.INSUFFICIENT_BALANCE
    exchange.submit("ann", ask(60, 200), START_MS)
    assert exchange.balance("ann").reserved_u == 0
    assert rejected(exchange, "ann", ask(60, 1)) is RejectCode.INSUFFICIENT_BALANCE


def test_each_shard_backs_its_own_orders_only() -> None:
    exchange = kalshi(shard=3)
    assert rejected(exchange, "ann", bid(10, 1)) is RejectCode.INSUFFICIENT_BALANCE
    exchange.transfer("ann", 1 * DOLLARS, source=0, target=3, ref="t1", now_ms=START_MS)
    exchange.submit("ann", bid(10, 10), START_MS)
    assert exchange.balance("ann").by_shard == ((0, 99 * DOLLARS, 0), (3, 1 * DOLLARS, 1 * DOLLARS))
    with pytest.raises(ExchangeReject):
        exchange.transfer("ann", 1, source=3, target=0, ref="t2", now_ms=START_MS)


@pytest.mark.parametrize(
    ("stp", "taker_state", "maker_state"),
    [
        (Stp.TAKER_AT_CROSS, OrderState.CANCELED, OrderState.RESTING),
        (Stp.MAKER, OrderState.RESTING, OrderState.CANCELED),
    ],
)
def test_an_account_does_not_trade_with_itself(stp: Stp, taker_state: OrderState, maker_state: OrderState) -> None:
    exchange = kalshi()
    exchange.submit("bob", ask(50, 2), START_MS)
    own = exchange.submit("ann", ask(55, 5), START_MS)
    taker = exchange.submit("ann", bid(60, 5, stp=stp), START_MS)
    assert (taker.state, taker.filled_u) == (taker_state, 2 * MICRO)  # the fill before the cross stands
    assert exchange.order("ann", own.order_id).state is maker_state


def test_post_only_orders_that_cross_are_refused_or_canceled_by_the_switch() -> None:
    exchange = kalshi()
    exchange.submit("bob", ask(50, 2), START_MS)
    assert rejected(exchange, "ann", bid(50, 1, post_only=True)) is RejectCode.POST_ONLY_CROSS
    canceling = Exchange(msgspec.structs.replace(KALSHI_RULES, post_only_cross=PostOnlyRule.CANCEL))
    opened(canceling, MarketSpec(native_id="M", event_id="E"))
    canceling.submit("bob", ask(50, 2), START_MS)
    view = canceling.submit("ann", bid(50, 1, post_only=True), START_MS)
    assert (view.state, view.reason, view.filled_u) == (OrderState.CANCELED, Reason.POST_ONLY_CROSS, 0)


def test_client_ids_are_used_up_for_ever_or_while_open_by_the_switch() -> None:
    exchange = kalshi()
    first = exchange.submit("ann", bid(10, 1, client_order_id="x"), START_MS)
    exchange.cancel("ann", first.order_id, START_MS)
    assert rejected(exchange, "ann", bid(10, 1, client_order_id="x")) is RejectCode.DUPLICATE_ORDER
    lenient = opened(
        Exchange(msgspec.structs.replace(KALSHI_RULES, client_ids=ClientIdRule.OPEN_ONLY)),
        MarketSpec(native_id="M", event_id="E"),
    )
    first = lenient.submit("ann", bid(10, 1, client_order_id="x"), START_MS)
    assert rejected(lenient, "ann", bid(10, 1, client_order_id="x")) is RejectCode.DUPLICATE_ORDER
    lenient.cancel("ann", first.order_id, START_MS)
    assert lenient.submit("ann", bid(10, 1, client_order_id="x"), START_MS).state is OrderState.RESTING


def test_reduce_only_is_immediate_and_capped_by_the_position() -> None:
    exchange = kalshi()
    exchange.replace_quotes("house", "M", [(400_000, 100 * MICRO)], [(500_000, 100 * MICRO)], START_MS)
    assert rejected(exchange, "ann", ask(40, 5, reduce_only=True)) is RejectCode.INVALID_ORDER
    assert rejected(exchange, "ann", ask(40, 5, reduce_only=True, tif=TimeInForce.IOC)) is RejectCode.REDUCE_ONLY
    exchange.submit("ann", bid(50, 3), START_MS)
    closed = exchange.submit("ann", ask(40, 5, reduce_only=True, tif=TimeInForce.IOC), START_MS)
    assert (closed.qty_u, closed.filled_u) == (3 * MICRO, 3 * MICRO)
    assert exchange.position("ann", "M").net_u == 0


def test_an_order_ends_at_its_expiry_and_one_that_comes_too_late_is_immediate() -> None:
    exchange = kalshi()
    order = exchange.submit("ann", bid(10, 1, expires_ms=START_MS + 500), START_MS)
    exchange.advance(START_MS + 499)
    assert exchange.order("ann", order.order_id).is_open
    exchange.advance(START_MS + 500)
    assert exchange.order("ann", order.order_id).state is OrderState.EXPIRED
    late = exchange.submit("ann", bid(10, 1, expires_ms=START_MS), START_MS + 600)
    assert (late.tif, late.state) == (TimeInForce.IOC, OrderState.CANCELED)


def test_only_a_pure_decrease_keeps_the_place_in_the_queue() -> None:
    exchange = kalshi()
    mine = exchange.submit("ann", bid(40, 5), START_MS)
    exchange.submit("bob", bid(40, 5), START_MS)
    exchange.amend("ann", mine.order_id, START_MS, price_u=400_000, qty_u=3 * MICRO)
    assert exchange.queue_ahead_u("ann", mine.order_id) == 0
    exchange.amend("ann", mine.order_id, START_MS, price_u=400_000, qty_u=4 * MICRO)
    assert exchange.queue_ahead_u("ann", mine.order_id) == 5 * MICRO
    assert exchange.decrease("ann", mine.order_id, START_MS, to_u=1 * MICRO).remaining_u == 1 * MICRO
    assert exchange.decrease("ann", mine.order_id, START_MS, to_u=0).state is OrderState.CANCELED


def test_an_amendment_can_trade_and_keeps_what_was_filled() -> None:
    exchange = kalshi()
    exchange.submit("bob", ask(60, 5), START_MS)
    mine = exchange.submit("ann", bid(60, 6), START_MS)
    exchange.submit("bob", ask(65, 1), START_MS)
    amended = exchange.amend("ann", mine.order_id, START_MS, price_u=650_000, qty_u=8 * MICRO, client_order_id="new")
    assert (amended.filled_u, amended.remaining_u, amended.client_order_id) == (6 * MICRO, 2 * MICRO, "new")


def test_a_group_that_matches_too_much_in_fifteen_seconds_is_triggered() -> None:
    exchange = kalshi()
    group = exchange.create_group("ann", 5 * MICRO, START_MS).group_id
    resting = exchange.submit("ann", bid(10, 1, group_id=group), START_MS)
    exchange.submit("bob", ask(50, 20), START_MS)
    exchange.submit("ann", bid(50, 4, group_id=group), START_MS)
    exchange.submit("ann", bid(50, 4, group_id=group), START_MS + 15_000)  # the first four are out of the window
    assert not exchange.group("ann", group).is_triggered
    exchange.submit("ann", bid(50, 2, group_id=group), START_MS + 15_001)
    assert exchange.group("ann", group).is_triggered
    assert exchange.order("ann", resting.order_id).reason is Reason.GROUP_TRIGGERED
    assert rejected(exchange, "ann", bid(10, 1, group_id=group), START_MS + 15_002) is RejectCode.GROUP_TRIGGERED
    exchange.reset_group("ann", group, START_MS + 15_003)
    exchange.submit("ann", bid(10, 1, group_id=group), START_MS + 15_004)


def test_a_pause_takes_the_orders_that_asked_for_it_and_a_reactivation_takes_all() -> None:
    exchange = kalshi()
    careful = exchange.submit("ann", bid(10, 1, cancel_on_pause=True), START_MS)
    patient = exchange.submit("ann", bid(11, 1), START_MS)
    exchange.set_state("M", MarketState.PAUSED, START_MS + 1)
    assert exchange.order("ann", careful.order_id).reason is Reason.MARKET_PAUSED
    assert rejected(exchange, "ann", bid(12, 1), START_MS + 1) is RejectCode.MARKET_CLOSED
    exchange.set_state("M", MarketState.OPEN, START_MS + 2)
    assert exchange.order("ann", patient.order_id).reason is Reason.REACTIVATED


def test_a_trading_pause_allows_cancels_and_an_exchange_pause_nothing() -> None:
    exchange = kalshi()
    order = exchange.submit("ann", bid(10, 1), START_MS)
    exchange.switch_trading(is_exchange_active=False, is_trading_active=False, now_ms=START_MS)
    with pytest.raises(ExchangeReject) as caught:
        exchange.cancel("ann", order.order_id, START_MS)
    assert caught.value.code is RejectCode.EXCHANGE_PAUSED
    exchange.switch_trading(is_exchange_active=True, is_trading_active=False, now_ms=START_MS)
    assert rejected(exchange, "ann", bid(10, 1)) is RejectCode.TRADING_PAUSED
    assert exchange.cancel("ann", order.order_id, START_MS)[1] == 1 * MICRO


def test_after_the_close_even_cancels_are_refused_until_the_orders_go_off() -> None:
    exchange = kalshi(close_ms=START_MS + 1_000)
    order = exchange.submit("ann", bid(10, 1), START_MS)
    with pytest.raises(ExchangeReject) as caught:
        exchange.cancel("ann", order.order_id, START_MS + 1_000)
    assert caught.value.code is RejectCode.MARKET_CLOSED
    exchange.advance(START_MS + 2_000)
    assert exchange.order("ann", order.order_id).reason is Reason.MARKET_CLOSED


@pytest.mark.parametrize(("value_u", "payout_u"), [(MICRO, 10 * MICRO), (0, 0), (370_000, 3_700_000)])
def test_a_result_closes_the_market_and_pays_after_its_timer(value_u: int, payout_u: int) -> None:
    exchange = kalshi(settle_timer_ms=45_000, close_ms=START_MS + 10**9)
    exchange.replace_quotes("house", "M", [(400_000, 100 * MICRO)], [(500_000, 100 * MICRO)], START_MS)
    exchange.submit("ann", bid(50, 10), START_MS)
    exchange.determine("M", value_u, START_MS + 1)
    assert exchange.market("M").state is MarketState.DETERMINED
    assert exchange.market("M").spec.close_ms == START_MS + 1
    assert levels(exchange) == ([], [])
    exchange.advance(START_MS + 45_000)
    assert exchange.settlements("ann") == []
    exchange.advance(START_MS + 45_001)
    assert exchange.settlements("ann")[0].payout_u == payout_u
    assert exchange.balance("ann").cash_u == 95 * DOLLARS + payout_u
    assert exchange.market("M").state is MarketState.SETTLED
    assert exchange.imbalance_u() == 0


def test_quotes_change_only_where_they_differ_and_trade_with_clients_that_they_cross() -> None:
    exchange = kalshi()
    exchange.replace_quotes(
        "house", "M", [(400_000, 9 * MICRO), (390_000, 5 * MICRO)], [(500_000, 9 * MICRO)], START_MS
    )
    mine = exchange.submit("ann", bid(45, 4), START_MS)
    seen: list[ExchangeEvent] = []
    exchange.subscribe(seen.append)
    exchange.replace_quotes("house", "M", [(390_000, 5 * MICRO)], [(450_000, 10 * MICRO)], START_MS + 1)
    assert exchange.order("ann", mine.order_id).state is OrderState.FILLED
    assert levels(exchange) == ([(390_000, 5 * MICRO)], [(450_000, 6 * MICRO)])
    changed = [event.price_u for event in seen if isinstance(event, BookChanged)]
    assert sorted(changed) == [400_000, 450_000, 450_000, 500_000]
    assert [event.yes_price_u for event in seen if isinstance(event, Traded)] == [450_000]


def test_the_same_calls_give_the_same_events() -> None:
    def story() -> list[ExchangeEvent]:
        exchange, seen = kalshi(fee=FEES), list[ExchangeEvent]()
        exchange.subscribe(seen.append)
        exchange.submit("bob", ask(50, 20), START_MS)
        exchange.submit("ann", bid(60, 7), START_MS + 5)
        exchange.determine("M", MICRO, START_MS + 9)
        exchange.advance(START_MS + 10)
        return seen

    assert story() == story()
