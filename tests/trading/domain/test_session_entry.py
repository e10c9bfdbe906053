"""When the session enters, and which gate it names when it does not."""

from __future__ import annotations

import msgspec
import pytest

from tests.trading.domain.scene import (
    ACCOUNT,
    EAGER,
    GAME,
    MARKET,
    UNFENCED,
    Scene,
    blocked_by,
    book,
    config,
    game,
    listing,
    only,
    orders,
)
from trading.domain.commands import CancelOrder, Decision, Purpose, StoreBaseline, Verdict
from trading.domain.config import AccountCaps, DipOverride, DipSettings
from trading.domain.gates import GATES
from trading.domain.lifecycle import OrderStatus
from trading.domain.messages import ConfigChanged, GameLinked, IntentUpdate, Tick, TradingState, TradingStateChanged
from venues.types import (
    MICRO,
    BookGap,
    FeedStatus,
    GameStatus,
    MarketState,
    MarketStateChanged,
    Outcome,
    Side,
    TimeInForce,
)


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.set_up()
    return scene


def test_a_dip_in_a_live_game_is_bought_at_the_ask_plus_the_slippage_cap(scene: Scene) -> None:
    scene.play(game())
    out = scene.play(book(45, 47))

    (order,) = orders(out)
    assert (order.side, order.outcome, order.purpose) == (Side.BUY, Outcome.YES, Purpose.ENTRY)
    assert order.price_u == 490_000
    assert order.time_in_force is TimeInForce.IOC
    assert order.max_cost_u <= 50 * MICRO
    assert order.qty_u % 10_000 == 0


def test_the_decision_to_enter_carries_every_gate_and_the_sizing(scene: Scene) -> None:
    scene.play(game())
    (record,) = [one for one in only(scene.play(book(45, 47)), Decision) if one.verdict is Verdict.ENTER]

    assert [gate.name for gate in record.gates] == [gate.name for gate in GATES] + ["confidence", "size"]
    assert all(gate.passed for gate in record.gates)
    assert (record.baseline_u, record.mid_u, record.ask_u) == (600_000, 460_000, 470_000)
    assert record.confidence is not None and record.sizing is not None and record.fair_u is not None


def test_the_baseline_is_the_last_mid_before_the_start_and_is_handed_out_to_keep(scene: Scene) -> None:
    scene.play(book(62, 64))
    (stored,) = only(scene.play(game()), StoreBaseline)
    assert (stored.baseline.mid_u2, stored.baseline.is_late) == (1_260_000, False)
    assert stored.baseline.strength_u == 630_000


def test_a_small_fall_is_no_dip(scene: Scene) -> None:
    scene.play(game())
    scene.play(book(56, 58))
    assert blocked_by(scene.log)[-1] == "dipped"
    assert not orders(scene.log)


def test_the_other_outcome_is_looked_at_in_its_own_frame(scene: Scene) -> None:
    """YES rising from 60 to 75 is NO falling from 40 to 25."""
    scene.play(game())
    (order,) = orders(scene.play(book(74, 76)))
    assert (order.outcome, order.side) == (Outcome.NO, Side.BUY)
    assert order.price_u == 280_000


def test_no_second_entry_while_the_first_is_unknown(scene: Scene) -> None:
    scene.play(game())
    (first,) = orders(scene.play(book(45, 47)))
    for cents in (44, 43, 42, 41):
        scene.play(book(cents, cents + 2), after_s=70)
        scene.play(game(clock_text=f"5:{cents}"))
    assert orders(scene.log) == [first]
    assert "game_limit" in blocked_by(scene.log)


def test_an_order_reported_filled_before_its_fill_came_still_counts(scene: Scene) -> None:
    scene.play(game())
    (order,) = orders(scene.play(book(45, 47)))
    end = IntentUpdate(decision_id=order.decision_id, status=OrderStatus.FILLED, filled_u=order.qty_u)
    scene.play(end)
    for _ in range(3):
        scene.play(book(40, 42), book(41, 43), game(clock_text=str(scene.now_us)), after_s=40)
    assert orders(scene.log) == [order]


def test_a_refused_entry_is_tried_again_only_in_the_next_bucket_under_another_name(scene: Scene) -> None:
    scene.play(game())
    (first,) = orders(scene.play(book(45, 47)))
    scene.play(IntentUpdate(decision_id=first.decision_id, status=OrderStatus.REJECTED, reason="closed"))
    scene.play(book(44, 46))
    assert blocked_by(scene.log)[-1] == "cooled_down"
    scene.play(game(clock_text="8:00"), after_s=61)
    again = orders(scene.play(book(44, 46)) + scene.log)
    assert len({order.decision_id for order in again}) == 2


def test_an_unfenced_venue_gets_a_short_order_that_is_cancelled_when_it_rests() -> None:
    scene = Scene(config(capabilities=UNFENCED))
    scene.set_up()
    scene.play(game())
    (order,) = orders(scene.play(book(45, 47)))
    assert order.time_in_force is TimeInForce.GTD
    assert order.expires_ms == order.created_ms + 80_000

    scene.play(IntentUpdate(decision_id=order.decision_id, status=OrderStatus.OPEN))
    cancels = only(scene.wait(12), CancelOrder)
    assert [cancel.decision_id for cancel in cancels] == [order.decision_id] * 2


def test_without_leave_to_act_it_proposes() -> None:
    scene = Scene(config(msgspec.structs.replace(EAGER, auto_trade=False)))
    scene.set_up()
    scene.play(game())
    (record,) = [one for one in only(scene.play(book(45, 47)), Decision) if one.outcome is Outcome.YES]
    assert record.verdict is Verdict.PROPOSE and record.qty_u
    assert not orders(scene.log)


BLOCKS = {
    "trading_active": [game(), TradingStateChanged(TradingState.REDUCING, "drill")],
    "strategy_enabled": [game(), ConfigChanged(config(DipSettings()))],
    "not_observe_only": [game(), ConfigChanged(config(markets={MARKET: DipOverride(is_observe_only=True)}))],
    "account_ready": [game(), FeedStatus(f"kalshi.user.{ACCOUNT}", False)],
    "game_live": [game(GameStatus.DELAYED)],
    "clock_trusted": [game(), game(home_score=28)],
    "segment_allowed": [game(period=4, segment="q4", remaining_s=600, elapsed_frac_u=800_000)],
    "time_left": [game(remaining_s=250)],
    "market_open": [game(), MarketStateChanged(MARKET, MarketState.PAUSED, 0)],
    "book_sound": [game(), BookGap(MARKET, "sequence")],
}


@pytest.mark.parametrize("gate", BLOCKS)
def test_each_slow_gate_blocks_by_its_name_and_number(scene: Scene, gate: str) -> None:
    scene.play(*BLOCKS[gate])
    if gate != "book_sound":
        scene.play(book(45, 47))
    scene.wait(3)
    records = [one for one in only(scene.log, Decision) if one.outcome is Outcome.YES]
    assert records[-1].reason == gate
    assert records[-1].gates[-1].name == gate and not records[-1].gates[-1].passed
    assert not orders(scene.log)


def test_a_wide_spread_and_a_thin_book_block(scene: Scene) -> None:
    scene.play(game())
    assert "spread" in blocked_by(scene.play(book(40, 47)))
    assert "depth" in blocked_by(scene.play(book(45, 47, qty=1)))


def test_a_game_found_in_play_has_a_late_baseline_that_needs_leave_to_be_used() -> None:
    for allowed in (False, True):
        scene = Scene(config(msgspec.structs.replace(EAGER, allow_late_baseline=allowed)))
        scene.fund()
        scene.play(listing(), game(), GameLinked(GAME, MARKET, True), book(59, 61), book(45, 47))
        assert bool(orders(scene.log)) is allowed
        assert allowed or blocked_by(scene.log)[-1] == "baseline"


def test_confidence_below_the_minimum_blocks_and_shows_its_parts() -> None:
    scene = Scene(config(msgspec.structs.replace(EAGER, min_confidence_u=990_000)))
    scene.set_up()
    scene.play(game())
    (record,) = [one for one in only(scene.play(book(45, 47)), Decision) if one.reason == "confidence"]
    assert record.confidence is not None and len(record.confidence.factors) == 8
    assert record.gates[-1].value == record.confidence.score_u


def test_no_room_under_a_cap_means_no_order_and_says_which_cap() -> None:
    scene = Scene(config(caps=AccountCaps(max_game_usd_u=1_000)))
    scene.set_up()
    scene.play(game())
    (record,) = [one for one in only(scene.play(book(45, 47)), Decision) if one.reason == "size"]
    assert record.sizing is not None
    assert (record.sizing.qty_u, record.sizing.binding) == (0, "below_minimum")
    assert next(step.name for step in record.sizing.steps if step.after_usd_u == 1_000) == "game_room"


def test_the_two_markets_of_one_game_make_one_position_a_team(scene: Scene) -> None:
    other = "kalshi:KXNBAGAME-AWAY"
    roomy = msgspec.structs.replace(EAGER, max_positions_per_game=5)
    scene.play(ConfigChanged(config(roomy)), listing(other), GameLinked(GAME, other, False), book(39, 41, other))
    scene.play(game())
    (order,) = orders(scene.play(book(45, 47)))
    scene.execute(order)
    scene.play(book(54, 56, other), game(clock_text="7:00"))
    blocked = [one.reason for one in only(scene.log, Decision) if one.market_id == other and one.outcome is Outcome.NO]
    assert "team_limit" in blocked
    assert len(orders(scene.log, Side.BUY)) == 1


def test_silence_is_one_shared_tuple_and_unknown_markets_are_ignored(scene: Scene) -> None:
    assert scene.session.on(Tick(), scene.now_us) is scene.session.on(Tick(), scene.now_us)
    gap = scene.session.on(BookGap("kalshi:NOBODY", "gap"), scene.now_us)
    assert gap == ()


def test_not_acting_is_told_on_change_and_every_half_minute_a_market_only(scene: Scene) -> None:
    scene.play(game())
    scene.play(book(56, 58))
    before = len(only(scene.log, Decision))
    for second in range(120):
        scene.play(book(56 + second % 2, 58 + second % 2), after_s=0.5)
        scene.play(game(clock_text=str(second)), after_s=0.5)
    told = only(scene.log, Decision)[before:]
    assert 4 <= len(told) <= 10
    assert ACCOUNT in {one.account for one in told}


def test_books_are_looked_at_no_more_than_every_quarter_second(scene: Scene) -> None:
    scene.play(game())
    assert not orders(scene.play(book(45, 47), after_s=0.1))
    assert orders(scene.play(book(45, 47), after_s=0.2))
