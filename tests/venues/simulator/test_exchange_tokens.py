"""Single rules of the venue with two token balances, each by the shortest story that shows it."""

from __future__ import annotations

import msgspec
import pytest

from tests.venues.simulator.exchange_scene import (
    DOLLARS,
    START_MS,
    ask,
    bid,
    buy_no,
    levels,
    polymarket,
    rejected,
    sell_no,
)
from venues.simulator.exchange_types import (
    BookCleared,
    ExchangeEvent,
    ExchangeReject,
    FeeSpec,
    MarketSpec,
    OrderView,
    Reason,
    RejectCode,
)
from venues.types import MICRO, OrderState, SettleState, TimeInForce


def test_nobody_sells_what_he_does_not_hold() -> None:
    exchange = polymarket()
    assert rejected(exchange, "ann", ask(60, 1)) is RejectCode.INSUFFICIENT_BALANCE
    exchange.submit("bob", buy_no(40, 10), START_MS)
    exchange.submit("ann", bid(60, 10), START_MS)
    assert rejected(exchange, "ann", ask(70, 1)) is RejectCode.INSUFFICIENT_BALANCE  # bought, but not mined yet
    exchange.advance(START_MS + 2_000)
    assert exchange.submit("ann", ask(70, 10), START_MS + 2_000).state is OrderState.RESTING
    assert rejected(exchange, "ann", ask(80, 1), START_MS + 2_000) is RejectCode.INSUFFICIENT_BALANCE


def test_two_purchases_mint_a_pair_and_two_sales_merge_it() -> None:
    exchange = polymarket()
    exchange.submit("bob", buy_no(40, 10), START_MS)
    exchange.submit("ann", bid(60, 10), START_MS)
    assert exchange.market("M").escrow_u == 10 * MICRO
    assert (exchange.position("ann", "M").yes_qty_u, exchange.position("bob", "M").no_qty_u) == (10 * MICRO, 10 * MICRO)
    exchange.advance(START_MS + 2_000)
    exchange.submit("ann", ask(70, 10), START_MS + 2_000)
    exchange.submit("bob", sell_no(30, 10), START_MS + 2_000)
    assert exchange.market("M").escrow_u == 0
    assert (exchange.balance("ann").cash_u, exchange.balance("bob").cash_u) == (101 * DOLLARS, 99 * DOLLARS)


def test_a_marketable_order_waits_for_its_delay_and_nobody_can_cancel_it() -> None:
    exchange = polymarket(taker_delay_ms=1_000)
    exchange.replace_quotes("house", "M", [], [(500_000, 3 * MICRO)], START_MS)
    order = exchange.submit("ann", bid(50, 5), START_MS)
    assert (order.state, order.filled_u) == (OrderState.DELAYED, 0)
    assert exchange.balance("ann").available_u < 100 * DOLLARS
    with pytest.raises(ExchangeReject) as caught:
        exchange.cancel("ann", order.order_id, START_MS + 999)
    assert caught.value.code is RejectCode.ORDER_DELAYED
    exchange.advance(START_MS + 1_000)
    after = exchange.order("ann", order.order_id)
    assert (after.state, after.filled_u, after.remaining_u) == (OrderState.RESTING, 3 * MICRO, 2 * MICRO)


@pytest.mark.parametrize(
    ("tif", "state", "reason"),
    [
        (TimeInForce.GTC, OrderState.RESTING, Reason.DELAY_ENDED),
        (TimeInForce.IOC, OrderState.CANCELED, Reason.UNFILLED),
        (TimeInForce.FOK, OrderState.CANCELED, Reason.DELAY_ENDED),
    ],
)
def test_after_the_delay_the_book_of_then_decides(tif: TimeInForce, state: OrderState, reason: Reason) -> None:
    exchange = polymarket(taker_delay_ms=1_000)
    exchange.replace_quotes("house", "M", [], [(500_000, 9 * MICRO)], START_MS)
    order = exchange.submit("ann", bid(50, 5, tif=tif), START_MS)
    exchange.replace_quotes("house", "M", [], [], START_MS + 500)
    exchange.advance(START_MS + 1_000)
    after = exchange.order("ann", order.order_id)
    assert (after.state, after.reason, after.filled_u) == (state, reason, 0)


def test_an_order_whose_money_went_elsewhere_is_canceled() -> None:
    exchange = polymarket()
    exchange.add_market(MarketSpec(native_id="N", event_id="E"), START_MS)
    exchange.replace_quotes("house", "M", [], [(500_000, 900 * MICRO)], START_MS)
    resting = exchange.submit("ann", msgspec.structs.replace(bid(40, 200), native_id="N"), START_MS)
    exchange.submit("ann", bid(50, 100), START_MS)
    after = exchange.order("ann", resting.order_id)
    assert (after.state, after.reason) == (OrderState.CANCELED, Reason.NO_BALANCE)


def test_the_book_is_cleared_when_the_game_starts_and_trading_goes_on() -> None:
    exchange = polymarket(game_start_ms=START_MS + 60_000, clears_book_at_start=True)
    exchange.replace_quotes("house", "M", [(400_000, MICRO)], [(500_000, MICRO)], START_MS)
    order = exchange.submit("ann", bid(30, 5), START_MS)
    seen: list[ExchangeEvent] = []
    exchange.subscribe(seen.append)
    exchange.advance(START_MS + 60_300)
    assert exchange.order("ann", order.order_id).reason is Reason.GAME_STARTED
    assert levels(exchange) == ([], [])
    assert seen[-1] == BookCleared("M", Reason.GAME_STARTED, START_MS + 60_300)
    assert exchange.submit("ann", bid(30, 5), START_MS + 60_301).state is OrderState.RESTING


def test_a_trade_is_final_after_its_time_and_can_fail_before() -> None:
    exchange = polymarket(fee=FeeSpec(50_000))
    exchange.replace_quotes("house", "M", [], [(500_000, 90 * MICRO)], START_MS)
    exchange.submit("ann", bid(50, 10), START_MS)
    lost = exchange.fills("ann")[0]
    assert (lost.settle_state, lost.fee_u) == (SettleState.PENDING, 125_000)
    exchange.fail_trade(lost.trade_id, START_MS + 1_000)
    assert exchange.fills("ann")[0].settle_state is SettleState.FAILED
    assert exchange.balance("ann").cash_u == 100 * DOLLARS
    assert exchange.position("ann", "M").yes_qty_u == 0
    exchange.submit("ann", bid(50, 10), START_MS + 2_000)
    exchange.advance(START_MS + 7_000)
    kept = exchange.fills("ann")[1]
    assert kept.settle_state is SettleState.CONFIRMED
    with pytest.raises(ExchangeReject):
        exchange.fail_trade(kept.trade_id, START_MS + 7_001)
    assert exchange.imbalance_u() == 0


def test_small_orders_are_refused_by_size_and_by_value() -> None:
    exchange = polymarket(min_qty_u=5 * MICRO, min_taker_usd_u=1 * DOLLARS)
    exchange.replace_quotes("house", "M", [], [(200_000, 90 * MICRO)], START_MS)
    assert rejected(exchange, "ann", bid(10, 4)) is RejectCode.BELOW_MIN_QUANTITY
    assert rejected(exchange, "ann", bid(20, 4, tif=TimeInForce.IOC)) is RejectCode.BELOW_MIN_TAKER_USD
    assert rejected(exchange, "ann", bid(10, 20, tif=TimeInForce.IOC)) is RejectCode.NOTHING_TO_MATCH
    view: OrderView = exchange.submit("ann", bid(20, 5), START_MS)
    assert view.state is OrderState.FILLED
