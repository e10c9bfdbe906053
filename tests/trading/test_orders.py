"""The life of an order: evidence in any order, twice or late, moves it only where the table allows."""

from __future__ import annotations

import pytest

from audit.models import AuditEntry
from core import clock
from core.errors import Conflict, Invalid
from tests.builders import (
    ONE,
    a_claimed_order,
    a_fill,
    a_market,
    an_account,
    an_ack,
    an_epoch,
    an_intent,
    an_order_report,
)
from trading.domain.lifecycle import OrderStatus
from trading.models import AccountLedger, Order
from trading.selectors.invariants import violations
from trading.services.fills import fill_book
from trading.services.orders import (
    UNKNOWN_FOR_GOOD,
    order_acknowledge,
    order_apply_report,
    order_cancel_requested,
    order_claim,
    order_end_proven,
    order_mark_not_sent,
    order_mark_unknown,
    order_reject,
    order_void,
)
from venues.types import OrderState, Outcome, Side

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return a_claimed_order(an_account(), a_market())


def reserved(order: Order) -> int:
    return AccountLedger.objects.get(venue_account=order.venue_account).reserved_u


def test_an_acknowledged_order_rests_and_keeps_its_reservation(order):
    order = order_acknowledge(order=order, ack=an_ack(order))
    assert (order.status, order.venue_order_id, reserved(order)) == ("open", f"v-{order.client_order_id}", 4_200_000)


@pytest.mark.parametrize("end", [order_reject, order_mark_not_sent])
def test_a_refused_or_unsent_order_frees_its_reservation_and_never_moves_again(order, end):
    order = end(order=order, code="invalid_price", reason="off grid")
    assert reserved(order) == 0 and order.closed_at is not None
    with pytest.raises(Conflict):
        order_reject(order=order, code="again")


def test_an_unknown_order_stays_claimed_with_all_its_reservation_until_evidence_decides(order):
    order = order_mark_unknown(order=order, code="timeout")
    assert (order.status, order.is_unknown, reserved(order)) == ("claimed", True, 4_200_000)
    order = order_apply_report(venue_account=order.venue_account, report=an_order_report(order, OrderState.RESTING))
    assert (order.status, order.is_unknown) == ("open", False)


def test_an_order_the_venue_calls_filled_keeps_its_reservation_until_its_fills_are_booked(order):
    account = order.venue_account
    order = order_acknowledge(order=order, ack=an_ack(order, OrderState.FILLED, filled_u=10 * ONE))
    assert (order.status, order.filled_u, reserved(order)) == ("filled", 0, 4_200_000)
    fill_book(venue_account=account, report=a_fill(account, order.market, order=order, qty_u=4 * ONE))
    assert reserved(order) == 2_520_000
    fill_book(venue_account=account, report=a_fill(account, order.market, order=order, qty_u=6 * ONE))
    assert reserved(order) == 0


def test_a_cancel_after_a_partial_fill_frees_the_rest(order):
    account = order.venue_account
    order_acknowledge(order=order, ack=an_ack(order))
    fill_book(venue_account=account, report=a_fill(account, order.market, order=order, qty_u=4 * ONE))
    order_cancel_requested(order=order, reason="stale")
    report = an_order_report(order, OrderState.CANCELED, filled_u=4 * ONE)
    order = order_apply_report(venue_account=account, report=report)
    assert (order.status, order.filled_u, reserved(order)) == ("canceled", 4 * ONE, 0)
    assert order.cancel_requested_at is not None


def test_a_fill_that_comes_after_the_cancel_is_booked_and_the_order_stays_canceled(order):
    account = order.venue_account
    order_acknowledge(order=order, ack=an_ack(order))
    order = order_apply_report(
        venue_account=account, report=an_order_report(order, OrderState.CANCELED, filled_u=3 * ONE)
    )
    assert reserved(order) == 1_260_000
    fill_book(venue_account=account, report=a_fill(account, order.market, order=order, qty_u=3 * ONE))
    order.refresh_from_db()
    assert (order.status, order.filled_u, reserved(order)) == ("canceled", 3 * ONE, 0)


def test_fills_of_the_whole_quantity_end_an_order_that_was_never_acknowledged(order):
    account = order.venue_account
    fill_book(venue_account=account, report=a_fill(account, order.market, order=order))
    order.refresh_from_db()
    assert (order.status, reserved(order)) == ("filled", 0)


def test_reports_that_are_late_or_repeated_change_nothing(order):
    account = order.venue_account
    order_acknowledge(order=order, ack=an_ack(order))
    order_apply_report(venue_account=account, report=an_order_report(order, OrderState.CANCELED))
    events = order.events.count()
    for state in (OrderState.CANCELED, OrderState.RESTING, OrderState.EXPIRED):
        order_apply_report(venue_account=account, report=an_order_report(order, state))
    order.refresh_from_db()
    assert (order.status, order.events.count()) == ("canceled", events)


def test_an_order_of_another_program_is_adopted_and_holds_what_it_may_cost(order):
    account, market = order.venue_account, order.market
    foreign = an_order_report(
        order, OrderState.RESTING, client_order_id="theirs", venue_order_id="v9", side=Side.BUY,
        outcome=Outcome.NO, price_u=300_000, qty_u=5 * ONE,
    )  # fmt: skip
    adopted = order_apply_report(venue_account=account, report=foreign)
    assert (adopted.is_external, adopted.status, adopted.reserved_u, adopted.market) == (
        True,
        "open",
        1_500_000,
        market,
    )
    assert order_apply_report(venue_account=account, report=foreign).pk == adopted.pk


def test_a_report_that_says_too_little_to_adopt_is_left_alone(order):
    report = an_order_report(order, OrderState.RESTING, client_order_id="theirs", venue_order_id="v9")
    assert order_apply_report(venue_account=order.venue_account, report=report) is None


def test_every_change_of_status_has_evidence_and_follows_the_table(order):
    account = order.venue_account
    order_acknowledge(order=order, ack=an_ack(order))
    fill_book(venue_account=account, report=a_fill(account, order.market, order=order))
    steps = list(order.events.values_list("kind", "from_status", "to_status"))
    assert steps == [
        ("claimed", "claimed", "claimed"),
        ("acknowledged", "claimed", "open"),
        ("filled", "open", "filled"),
    ]


PROOF = {"proof": "not active and in no trade, read twice"}


@pytest.mark.parametrize("end", [OrderStatus.EXPIRED, OrderStatus.CANCELED])
def test_an_order_the_venue_has_forgotten_is_ended_by_proof_and_frees_what_it_reserved(order, end):
    order_acknowledge(order=order, ack=an_ack(order))
    order = order_end_proven(order=order, to=end, evidence=PROOF)
    assert (order.status, reserved(order), order.closed_at is not None) == (end, 0, True)
    assert order.events.last().payload == PROOF
    assert AuditEntry.objects.filter(kind="order.ended_by_proof").count() == 1


def test_an_order_proven_never_taken_is_void_and_its_decision_may_be_claimed_again(order):
    order_mark_unknown(order=order, code="timeout")
    order = order_end_proven(order=order, to=OrderStatus.VOID, evidence=PROOF)
    assert (order.status, reserved(order)) == ("void", 0)
    account = order.venue_account
    intent = an_intent(order.market, decision_id=order.decision_id)
    assert order_claim(venue_account=account, lease_epoch=an_epoch(account), intent=intent).attempt == 1


def test_what_ended_in_the_meantime_is_not_ended_again(order):
    order_reject(order=order, code="invalid_price")
    events = order.events.count()
    assert order_end_proven(order=order, to=OrderStatus.EXPIRED, evidence=PROOF).status == "rejected"
    assert order.events.count() == events


def test_an_end_without_proof_and_a_void_of_what_the_venue_took_are_refused(order):
    for to, evidence in ((OrderStatus.FILLED, PROOF), (OrderStatus.EXPIRED, {})):
        with pytest.raises(Invalid):
            order_end_proven(order=order, to=to, evidence=evidence)
    fill_book(venue_account=order.venue_account, report=a_fill(order.venue_account, order.market, order=order, qty_u=1))
    with pytest.raises(Conflict):
        order_end_proven(order=order, to=OrderStatus.VOID, evidence=PROOF)
    order_acknowledge(order=order, ack=an_ack(order))
    with pytest.raises(Conflict):
        order_end_proven(order=order, to=OrderStatus.VOID, evidence=PROOF)


def test_an_operator_voids_an_order_whose_answer_has_been_lost_for_long_enough(order):
    with pytest.raises(Conflict):
        order_void(order=order, reason="support says so", actor="op")
    Order.objects.filter(pk=order.pk).update(created_at=clock.now() - UNKNOWN_FOR_GOOD)
    with pytest.raises(Invalid):
        order_void(order=order, reason="", actor="op")
    order = order_void(order=order, reason="support says so", actor="op")
    assert (order.status, order.reason, reserved(order)) == ("void", "support says so", 0)
    assert order.events.last().payload["actor"] == "op"


@pytest.mark.parametrize("fill_first", [True, False])
def test_an_exit_that_the_venue_cut_to_what_was_held_and_filled_is_filled_whatever_is_told_first(fill_first):
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market, qty_u=10 * ONE))
    order = a_claimed_order(account, market, side=Side.SELL, qty_u=10 * ONE, reduce_only=True, max_cost_u=0)
    fill_book(venue_account=account, report=a_fill(account, market, side=Side.SELL, qty_u=ONE))
    order = order_acknowledge(order=order, ack=an_ack(order, OrderState.CANCELED, filled_u=9 * ONE))
    sale = a_fill(account, market, order=order, side=Side.SELL, qty_u=9 * ONE)
    told = an_order_report(order, OrderState.FILLED, filled_u=9 * ONE)
    if fill_first:
        fill_book(venue_account=account, report=sale)
    order_apply_report(venue_account=account, report=told)
    fill_book(venue_account=account, report=sale)
    order.refresh_from_db()
    assert (order.status, order.filled_u, order.qty_u) == ("filled", 9 * ONE, 9 * ONE)
    assert list(violations()) == []


def test_an_entry_that_is_called_filled_at_less_keeps_its_quantity(order):
    order = order_acknowledge(order=order, ack=an_ack(order, OrderState.CANCELED, filled_u=9 * ONE))
    order_apply_report(
        venue_account=order.venue_account, report=an_order_report(order, OrderState.FILLED, filled_u=9 * ONE)
    )
    order.refresh_from_db()
    assert (order.status, order.qty_u) == ("canceled", 10 * ONE)
