"""When a position is left, by which rule, and that an exit is never repeated blindly."""

from __future__ import annotations

import msgspec
import pytest

from tests.trading.domain.scene import (
    ACCOUNT,
    EAGER,
    GAME,
    MARKET,
    Scene,
    book,
    config,
    game,
    listing,
    only,
    orders,
    settlement,
)
from trading.domain.commands import Decision, Purpose, RaiseAlert, SubmitOrder, Verdict
from trading.domain.lifecycle import OrderStatus
from trading.domain.messages import GameLinked, IntentUpdate, TradingState, TradingStateChanged
from venues.types import MICRO, BookGap, GameStatus, MarketState, MarketStateChanged, Outcome, Side

HOLD_EVERYTHING = msgspec.structs.replace(EAGER, take_profit_u=900_000, stop_loss_u=900_000)


def holding(scene: Scene) -> SubmitOrder:
    """100-odd contracts of YES bought at 47."""
    scene.set_up()
    scene.play(game())
    (order,) = orders(scene.play(book(45, 47)))
    scene.execute(order, price_u=470_000)
    return order


@pytest.fixture
def patient() -> Scene:
    """Holds a position that no price makes it leave."""
    scene = Scene(config(HOLD_EVERYTHING))
    holding(scene)
    return scene


def reasons(scene: Scene) -> list[str]:
    return [record.reason for record in only(scene.log, Decision) if record.verdict is Verdict.EXIT]


def test_profit_is_taken_when_the_bid_net_of_the_fee_reaches_the_target() -> None:
    """Entry 47: the target is 56.4; a bid of 58 nets 58 − 1.71 = 56.29, one of 59 nets 57.3."""
    scene = Scene()
    entry = holding(scene)
    assert not orders(scene.play(book(58, 60)), Side.SELL)
    (exit_order,) = orders(scene.play(book(59, 61)), Side.SELL)

    assert reasons(scene) == ["take_profit"]
    assert (exit_order.outcome, exit_order.reduce_only, exit_order.qty_u) == (Outcome.YES, True, entry.qty_u)
    assert exit_order.price_u == 570_000
    assert exit_order.purpose is Purpose.EXIT


def test_losses_are_stopped_on_the_mid_net_of_the_fee() -> None:
    """Entry 47: the floor is 42.3; a mid of 45 is worth 45 − 1.73 = 43.27, one of 44 is worth 42.28."""
    scene = Scene()
    holding(scene)
    assert not orders(scene.play(book(44, 46)), Side.SELL)
    assert orders(scene.play(book(43, 45)), Side.SELL)
    assert reasons(scene) == ["stop_loss"]


def test_a_spread_too_wide_to_enter_at_is_marked_at_its_bid() -> None:
    scene = Scene()
    holding(scene)
    assert orders(scene.play(book(42, 52)), Side.SELL)
    assert reasons(scene) == ["stop_loss"]


def test_nothing_is_bought_that_the_spread_and_the_fee_alone_would_stop_out() -> None:
    """At 12 / 14 the mark is 13 − 0.8 = 12.2, already under the stop of 12.6."""
    scene = Scene()
    scene.set_up(bid=19, ask=21)
    scene.play(game())
    scene.play(book(12, 14))
    assert not orders(scene.log)
    assert [one.reason for one in only(scene.log, Decision) if one.outcome is Outcome.YES][-1] == "stop_distance"


def test_a_position_is_left_before_a_part_of_the_game_it_may_not_be_in(patient: Scene) -> None:
    third = {"period": 3, "segment": "q3", "elapsed_frac_u": 740_000}
    assert not orders(patient.play(game(remaining_s=720 + 90, **third)), Side.SELL)
    assert orders(patient.play(game(remaining_s=720 + 50, **third)), Side.SELL)
    assert reasons(patient) == ["restricted_segment"]


def test_an_exit_is_tried_again_only_when_over_and_with_a_book_heard_since(patient: Scene) -> None:
    last = game(period=4, segment="q4", remaining_s=700, elapsed_frac_u=760_000)
    (first,) = orders(patient.play(last), Side.SELL)
    assert not orders(patient.play(book(44, 46), book(43, 45), after_s=3), Side.SELL)

    patient.play(IntentUpdate(decision_id=first.decision_id, status=OrderStatus.CANCELED))
    (second,) = orders(patient.log, Side.SELL)[1:]
    assert second.decision_id != first.decision_id
    assert second.price_u == 410_000

    patient.play(IntentUpdate(decision_id=second.decision_id, status=OrderStatus.CANCELED), after_s=5)
    assert len(orders(patient.log, Side.SELL)) == 2
    assert orders(patient.play(book(44, 46)), Side.SELL)


def test_a_lost_game_is_sold_for_what_is_bid_and_a_won_one_waits_for_its_settlement(patient: Scene) -> None:
    won = game(GameStatus.FINAL, home_score=100, away_score=90, remaining_s=0, elapsed_frac_u=MICRO)
    lost = msgspec.structs.replace(won, home_score=80)
    patient.play(won, book(97, 98))
    assert not reasons(patient)
    patient.play(lost, book(2, 3))
    assert reasons(patient) == ["game_over"]


def test_a_halt_that_flattens_sells_and_one_that_does_not_keeps_still(patient: Scene) -> None:
    patient.play(TradingStateChanged(TradingState.HALTED, "drill"))
    assert not orders(patient.log, Side.SELL)
    patient.play(TradingStateChanged(TradingState.HALTED, "drill", flatten=True))
    assert reasons(patient) == ["kill_switch"]


def test_a_pause_stops_exits_and_says_so() -> None:
    scene = Scene()
    holding(scene)
    scene.play(TradingStateChanged(TradingState.PAUSED, "database lost"))
    scene.play(book(70, 72))
    assert not orders(scene.log, Side.SELL)
    assert only(scene.log, Decision)[-1].reason == "take_profit:trading_paused"


def test_stale_data_raises_an_alert_and_sells_at_a_limit_near_the_last_bid(patient: Scene) -> None:
    patient.play(BookGap(MARKET, "socket"))
    patient.wait(301)
    (order,) = orders(patient.log, Side.SELL)
    (alert,) = only(patient.log, RaiseAlert)
    assert reasons(patient) == ["stale_data"]
    assert alert.code == "stale_data_exit"
    assert order.price_u == 440_000


def test_nothing_is_sold_into_a_closed_market(patient: Scene) -> None:
    patient.play(MarketStateChanged(MARKET, MarketState.DETERMINED, 0, Outcome.YES, MICRO))
    patient.play(book(1, 2))
    assert not orders(patient.log, Side.SELL)


def test_a_settlement_closes_the_position_once_and_a_difference_is_told(patient: Scene) -> None:
    portfolio = patient.session.desk.portfolio
    leg = portfolio.holding(ACCOUNT, MARKET).yes
    paid = settlement(MICRO, leg.qty_u, leg.qty_u)
    patient.play(paid, paid)
    holding_after = portfolio.holding(ACCOUNT, MARKET)
    assert holding_after.realized_u == leg.qty_u - leg.cost_u
    assert not only(patient.log, RaiseAlert)

    other = Scene(config(HOLD_EVERYTHING))
    holding(other)
    other.play(settlement(MICRO, 1, 1))
    assert [alert.code for alert in only(other.log, RaiseAlert)] == ["settlement_differs"]


def test_a_fill_told_after_the_settlement_leaves_nothing_open() -> None:
    scene = Scene(config(HOLD_EVERYTHING))
    order = holding(scene)
    leg = scene.session.desk.portfolio.holding(ACCOUNT, MARKET).yes
    scene.play(settlement(MICRO, leg.qty_u, leg.qty_u))
    scene.play(scene.fill(order, trade="late", qty_u=5 * MICRO))
    assert scene.session.desk.portfolio.holding(ACCOUNT, MARKET).yes.qty_u == 0
    assert scene.session.export().positions == ()


def test_after_a_closed_position_it_waits_before_the_next() -> None:
    scene = Scene()
    holding(scene)
    (sell,) = orders(scene.play(book(59, 61)), Side.SELL)
    scene.execute(sell, trade="t2")
    scene.play(book(45, 47), game(clock_text="7:00"))
    assert len(orders(scene.log, Side.BUY)) == 1
    assert only(scene.log, Decision)[-1].reason in ("cooled_down", "dipped")
    for second in range(300):
        scene.play(game(clock_text=str(second)))
    scene.play(book(45, 47))
    assert len(orders(scene.log, Side.BUY)) == 2


def test_the_same_side_is_not_bought_again_at_once_under_another_markets_name() -> None:
    """NO of the away team's market is the home team's win told the other way round."""
    other = "kalshi:G-AWAY"
    scene = Scene()
    holding(scene)
    scene.play(listing(other), GameLinked(GAME, other, False), book(39, 41, other))
    (sell,) = orders(scene.play(book(59, 61)), Side.SELL)
    scene.execute(sell, trade="t2")
    scene.play(book(53, 55, other), game(clock_text="7:00"))
    assert len(orders(scene.log, Side.BUY)) == 1
    left = [one for one in only(scene.log, Decision) if one.market_id == other and one.outcome is Outcome.NO]
    assert left[-1].reason == "cooled_down"


def test_announced_fills_that_never_come_raise_an_alert() -> None:
    scene = Scene()
    scene.set_up()
    scene.play(game())
    (order,) = orders(scene.play(book(45, 47)))
    scene.play(IntentUpdate(decision_id=order.decision_id, status=OrderStatus.FILLED, filled_u=order.qty_u))
    scene.wait(70)
    assert [alert.code for alert in only(scene.log, RaiseAlert)] == ["fills_missing"]
