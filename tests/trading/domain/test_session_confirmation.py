"""Orders that are not filled in time are canceled; an entry of which too little was filled is left again."""

from __future__ import annotations

import msgspec
import pytest

from tests.trading.domain.scene import ACCOUNT, EAGER, MARKET, UNFENCED, Scene, book, config, game, only, orders
from trading.domain.commands import CancelOrder, Decision, SubmitOrder, Verdict
from trading.domain.config import DipSettings
from trading.domain.context import cancel_context, submit_context
from trading.domain.lifecycle import NOT_FILLED_IN_TIME, RESTED, OrderStatus
from trading.domain.messages import IntentUpdate
from trading.domain.session import Session
from venues.types import MICRO, BookSnapshot, Outcome, Side

LOT_U = 10_000
CALM = msgspec.structs.replace(EAGER, take_profit_u=900_000, stop_loss_u=900_000)
"""Leaves for no price: what is left is left for another reason."""


def entered(scene: Scene) -> SubmitOrder:
    scene.set_up()
    scene.play(game())
    (order,) = orders(scene.play(book(45, 47)))
    return order


def told(scene: Scene, order: SubmitOrder, status: OrderStatus, **terms: object) -> None:
    own = {"client_order_id": "c-" + order.decision_id, "venue_order_id": "v-" + order.decision_id}
    scene.play(IntentUpdate(decision_id=order.decision_id, status=status, **{**own, **terms}), after_s=0.1)


def partly_filled(scene: Scene, share_u: int, settings: DipSettings = CALM) -> SubmitOrder:
    """An entry that ended with this share of it filled."""
    order = entered(scene)
    filled_u = order.qty_u * share_u // MICRO
    told(scene, order, OrderStatus.CANCELED, filled_u=filled_u)
    scene.play(scene.fill(order, qty_u=filled_u, price_u=470_000), after_s=0.1)
    return order


def leavings(scene: Scene) -> list[SubmitOrder]:
    return orders(scene.log, Side.SELL)


def cancels(scene: Scene) -> list[str]:
    return [one.reason for one in only(scene.log, CancelOrder)]


def test_an_order_that_is_not_filled_in_time_is_canceled_by_the_sessions_clock() -> None:
    scene = Scene(config(CALM))
    order = entered(scene)
    told(scene, order, OrderStatus.OPEN)
    scene.wait(58)
    assert cancels(scene) == []
    scene.wait(3)
    assert cancels(scene) == [NOT_FILLED_IN_TIME]
    scene.wait(3)
    assert len(cancels(scene)) == 1
    scene.wait(3)
    assert len(cancels(scene)) == 2


def test_the_timeout_is_a_setting() -> None:
    scene = Scene(config(msgspec.structs.replace(CALM, confirm_within_s=10)))
    told(scene, entered(scene), OrderStatus.OPEN)
    scene.wait(11)
    assert cancels(scene) == [NOT_FILLED_IN_TIME]


def test_a_limit_that_stands_in_for_an_immediate_order_is_not_given_a_minute() -> None:
    scene = Scene(config(CALM, UNFENCED))
    told(scene, entered(scene), OrderStatus.OPEN)
    scene.wait(7)
    assert cancels(scene)[0] == RESTED


def test_an_order_without_an_answer_or_an_id_cannot_be_canceled_and_keeps_waiting() -> None:
    scene = Scene(config(CALM))
    order = entered(scene)
    scene.wait(70)
    assert cancels(scene) == [] and order.decision_id in scene.session.desk.intents.working


@pytest.mark.parametrize(("share_u", "leaves"), [(400_000, True), (799_000, True), (800_000, False), (950_000, False)])
def test_four_fifths_of_an_entry_are_kept_and_less_is_sold_again(share_u: int, leaves: bool) -> None:
    scene = Scene(config(CALM))
    entry = partly_filled(scene, share_u)
    scene.wait(3)
    assert [one.qty_u for one in leavings(scene)] == (
        [entry.qty_u * share_u // MICRO // LOT_U * LOT_U] if leaves else []
    )
    reasons = [one.reason for one in only(scene.log, Decision) if one.verdict is Verdict.EXIT]
    assert reasons == (["partial_fill"] if leaves else [])


def test_what_the_venues_grid_allowed_is_what_was_asked_for() -> None:
    """Of ten asked for the grid allowed nine: all nine filled is no part."""
    scene = Scene(config(CALM))
    order = entered(scene)
    coarser_u = order.qty_u * 7 // 10
    told(scene, order, OrderStatus.CLAIMED, qty_u=coarser_u)
    told(scene, order, OrderStatus.FILLED, filled_u=coarser_u)
    scene.play(scene.fill(order, qty_u=coarser_u, price_u=470_000))
    scene.wait(3)
    assert leavings(scene) == []


def test_a_part_sold_in_parts_goes_on_being_sold() -> None:
    scene = Scene(config(CALM))
    partly_filled(scene, 400_000)
    scene.wait(1)
    (first,) = leavings(scene)
    half_u = first.qty_u // 2 // 10_000 * 10_000
    told(scene, first, OrderStatus.CANCELED, filled_u=half_u)
    scene.play(scene.fill(first, trade="t2", qty_u=half_u))
    scene.wait(2)
    scene.play(book(44, 47))
    scene.wait(2)
    assert [one.qty_u for one in leavings(scene)[1:]] == [first.qty_u - half_u]


def test_a_restarted_session_still_knows_the_part() -> None:
    scene = Scene(config(CALM))
    partly_filled(scene, 850_000)
    opening = scene.session.export()
    (part,) = opening.entry_parts
    assert (part.account, part.market_id, part.outcome) == (ACCOUNT, MARKET, Outcome.YES)
    again = Session(config(msgspec.structs.replace(CALM, keep_partial_u=900_000)), opening)
    assert again.export().entry_parts == (part,)


def test_the_records_of_an_entry_and_of_its_cancel_tell_what_was_known() -> None:
    scene = Scene(config(CALM))
    order = entered(scene)
    (decision,) = [one for one in only(scene.log, Decision) if one.verdict is Verdict.ENTER]
    desk = scene.session.desk
    record = submit_context(order, decision, desk, scene.now_us)
    assert (record["game"]["home_score"], record["game"]["segment"]) == (30, "q2")
    assert (record["market"]["bid_u"], record["market"]["ask_u"], record["market"]["book_age_ms"]) == (
        450_000,
        470_000,
        0,
    )
    assert decision.confidence is not None and record["confidence"]["score_u"] == decision.confidence.score_u
    before = record["risk_before"]
    assert (before["total_exposure_u"], before["working_orders"], before["stakes"]) == (0, 0, 0)
    assert before["available_u"] == before["balance_u"] == 10_000 * MICRO
    assert order.decided_u == 470_000

    told(scene, order, OrderStatus.OPEN)
    scene.wait(61)
    (cancel,) = only(scene.log, CancelOrder)
    record = cancel_context(cancel, desk.intents.working[order.decision_id], desk, scene.now_us)
    assert (record["reason"], record["order"]["qty_u"], record["order"]["filled_u"]) == (
        NOT_FILLED_IN_TIME,
        order.qty_u,
        0,
    )
    assert msgspec.json.decode(msgspec.json.encode(record))["risk_before"]["working_orders"] == 1


def test_an_exit_is_decided_on_the_bid() -> None:
    scene = Scene(config(CALM))
    partly_filled(scene, 400_000)
    scene.play(BookSnapshot(MARKET, ((440_000, 10**10),), ((470_000, 10**10),), 0))
    scene.wait(1)
    assert leavings(scene)[0].decided_u in (440_000, 450_000)
