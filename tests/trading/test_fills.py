"""Fills: booked once, exactly, with their cash and position; taken back visibly; right in any order of arrival."""

from __future__ import annotations

import msgspec
import pytest

from core import clock
from core.kill_points import Crash, install
from markets.models import Market
from notifications.models import Alert
from tests.builders import NOON_MS, ONE, USD, a_claimed_order, a_fill, a_market, an_account, an_ack, an_order_report
from trading.models import AccountLedger, CashEntry, Fill, FillVoid, Order, Position
from trading.selectors.invariants import violations
from trading.selectors.ledgers import cash_balance
from trading.selectors.session import session_opening
from trading.services.fills import fill_book, fill_confirm, fill_void
from trading.services.orders import order_acknowledge, order_apply_report, order_reject
from trading.services.refold import account_differences
from venues.types import OrderState, Outcome, SettleState, Side, Venue

pytestmark = pytest.mark.django_db


def book(account, market, **changes):
    return fill_book(venue_account=account, report=a_fill(account, market, **changes))


def held(account) -> dict[str, int]:
    rows = Position.objects.filter(venue_account=account, is_open=True)
    return {row.outcome: row.qty_u for row in rows}


def test_a_fill_moves_cash_and_position_by_exactly_what_it_says():
    account, market = an_account(), a_market()
    book(account, market, price_u=417_500, qty_u=12_340_000, fee_u=210_101)
    position = Position.objects.get()
    assert (position.qty_u, position.paid_u, position.fees_u) == (12_340_000, 5_151_950, 210_101)
    assert cash_balance(account).cash_u == 10_000 * USD - 5_151_950 - 210_101
    assert dict(CashEntry.objects.exclude(kind="opening").values_list("kind", "amount_u")) == {
        "trade": -5_151_950,
        "fee": -210_101,
    }


def test_the_same_fill_from_stream_and_read_is_booked_once():
    account, market = an_account(), a_market()
    report = a_fill(account, market)
    assert fill_book(venue_account=account, report=report) is not None
    assert fill_book(venue_account=account, report=report) is None
    assert Fill.objects.count() == 1 and held(account) == {"yes": 10 * ONE}


def test_a_fill_is_booked_in_a_market_whose_terms_cannot_be_read_any_more():
    """They only serve to compare the fee: an old row, or a newer program's, keeps no cent out of the books."""
    account, market = an_account(), a_market()
    Market.objects.update(terms={})
    assert book(account, market, fee_u=99_000_000) is not None
    assert (held(account), Alert.objects.count()) == ({"yes": 10 * ONE}, 0)


def test_a_known_fill_with_other_numbers_alerts_and_changes_nothing():
    account, market = an_account(), a_market()
    book(account, market, trade_id="t")
    book(account, market, trade_id="t", price_u=500_000)
    assert Alert.objects.get().code == "fill_mismatch"
    assert Position.objects.get().paid_u == 4_000_000


def test_profit_of_a_round_trip_is_proceeds_less_cost_and_every_fee():
    account, market = an_account(), a_market()
    book(account, market, fee_u=170_000)
    book(account, market, side=Side.SELL, price_u=550_000, fee_u=180_000)
    position = Position.objects.get()
    assert (position.is_open, position.qty_u, position.realized_u) == (False, 0, 1_500_000 - 350_000)
    assert cash_balance(account).cash_u == 10_000 * USD + 1_150_000


def test_on_a_venue_that_nets_buying_no_closes_yes_and_the_dollar_comes_back():
    account, market = an_account(), a_market()
    book(account, market, fee_u=0)
    book(account, market, outcome=Outcome.NO, price_u=450_000, qty_u=15 * ONE, fee_u=0)
    yes = Position.objects.get(outcome="yes")
    no = Position.objects.get(outcome="no")
    assert (yes.is_open, yes.realized_u) == (False, 1_500_000)
    assert (no.qty_u, no.paid_u) == (5 * ONE, 2_250_000)
    assert cash_balance(account).cash_u == 10_000 * USD - 4_000_000 + 5_500_000 - 2_250_000


def test_on_a_venue_that_does_not_net_both_outcomes_are_held():
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    book(account, market, fee_u=0)
    book(account, market, outcome=Outcome.NO, price_u=450_000, fee_u=0)
    assert held(account) == {"yes": 10 * ONE, "no": 10 * ONE}
    assert cash_balance(account).cash_u == 10_000 * USD - 8_500_000


def test_a_sale_told_before_its_purchase_ends_as_if_they_came_in_order():
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    book(account, market, side=Side.SELL, price_u=500_000, fee_u=0, venue_ms=NOON_MS + 10)
    book(account, market, fee_u=0, venue_ms=NOON_MS)
    assert held(account) == {}
    assert sum(Position.objects.values_list("realized_u", flat=True)) == 1_000_000
    assert cash_balance(account).cash_u == 10_000 * USD + 1_000_000
    assert account_differences(account) == []


def test_a_voided_fill_gives_back_cash_and_position_and_stays_visible():
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    order = a_claimed_order(account, market)
    book(account, market, order=order, qty_u=6 * ONE)
    fill = book(account, market, order=order, qty_u=4 * ONE, settle_state=SettleState.PENDING)
    assert fill_void(fill=fill, reason="chain").fill == fill
    assert fill_void(fill=fill, reason="again") is None
    order.refresh_from_db()
    assert (held(account), order.filled_u, order.status) == ({"yes": 6 * ONE}, 6 * ONE, "filled")
    assert cash_balance(account).cash_u == 10_000 * USD - 2_400_000 - 170_000
    assert (Fill.objects.count(), FillVoid.objects.count()) == (2, 1)
    assert account_differences(account) == []


@pytest.mark.parametrize("told_first", [SettleState.PENDING, SettleState.FAILED])
def test_an_order_whose_fill_was_taken_back_holds_no_reservation_and_is_finished(told_first):
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    order = a_claimed_order(account, market)
    order_acknowledge(order=order, ack=an_ack(order, OrderState.FILLED, filled_u=order.qty_u))
    for state in (told_first, SettleState.FAILED):
        book(account, market, order=order, trade_id="t", settle_state=state)
    order_apply_report(venue_account=account, report=an_order_report(order, OrderState.FILLED, filled_u=order.qty_u))
    order.refresh_from_db()
    assert (order.status, order.filled_u, order.voided_u, order.reserved_u) == ("filled", 0, 10 * ONE, 0)
    assert cash_balance(account).reserved_u == 0
    assert session_opening([account], now=clock.from_ms(NOON_MS)).working_orders == ()
    assert account_differences(account) == []


def test_a_reservation_kept_for_a_fill_that_was_taken_back_is_a_difference():
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    order = a_claimed_order(account, market)
    order_acknowledge(order=order, ack=an_ack(order, OrderState.FILLED, filled_u=order.qty_u))
    book(account, market, order=order, trade_id="t", settle_state=SettleState.FAILED)
    Order.objects.update(voided_u=0, reserved_u=4_200_000)
    AccountLedger.objects.update(reserved_u=4_200_000)
    filled, reserved = account_differences(account)
    assert "voided 0" in filled and "reserving 4200000" in reserved


def test_a_fill_first_heard_of_as_failed_leaves_cash_and_position_as_they_were():
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    book(account, market, settle_state=SettleState.FAILED)
    assert (held(account), cash_balance(account).cash_u) == ({}, 10_000 * USD)
    assert FillVoid.objects.count() == 1


def test_a_pending_fill_is_confirmed_once_and_a_void_is_final():
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    fill = book(account, market, settle_state=SettleState.PENDING, trade_id="t")
    assert fill_confirm(fill=fill) and not fill_confirm(fill=fill)
    book(account, market, settle_state=SettleState.FAILED, trade_id="t")
    book(account, market, settle_state=SettleState.CONFIRMED, trade_id="t")
    assert Fill.objects.get().settle_state == "failed"


def test_a_fill_for_an_order_the_venue_refused_is_booked_and_alerts():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    order_reject(order=order, code="invalid_price")
    book(account, market, order=order)
    assert Alert.objects.get().code == "impossible_fill"
    assert held(account) == {"yes": 10 * ONE}


def test_a_fill_without_an_order_of_ours_is_booked_all_the_same():
    account, market = an_account(), a_market()
    fill = book(account, market)
    assert fill.order is None and held(account) == {"yes": 10 * ONE}


def test_a_purchase_of_no_that_the_venue_tells_as_a_sale_of_yes_is_kept_in_our_words():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market, side=Side.BUY, outcome=Outcome.NO, price_u=600_000)
    told = {"order": order, "trade_id": "t", "side": Side.SELL, "outcome": Outcome.YES, "price_u": 420_000}
    fill = book(account, market, **told)
    assert (fill.side, fill.outcome, fill.price_u) == ("buy", "no", 580_000)
    assert held(account) == {"no": 10 * ONE}
    assert book(account, market, **told) is None
    assert not Alert.objects.exists()


@pytest.mark.parametrize("end", [OrderState.CANCELED, OrderState.EXPIRED])
@pytest.mark.parametrize(("qty_u", "becomes"), [(10 * ONE, "filled"), (9 * ONE, None)])
def test_fills_of_the_whole_order_correct_an_end_that_overtook_them(end, qty_u, becomes):
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market, qty_u=10 * ONE)
    order_apply_report(venue_account=account, report=an_order_report(order, end))
    book(account, market, order=order, qty_u=qty_u)
    order.refresh_from_db()
    assert order.status == (becomes or end.value)
    assert not list(violations())


def test_an_order_whose_only_fill_was_first_heard_of_as_failed_was_filled_all_the_same():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market, qty_u=10 * ONE)
    order_apply_report(venue_account=account, report=an_order_report(order, OrderState.CANCELED))
    book(account, market, order=order, qty_u=10 * ONE, settle_state=SettleState.FAILED)
    order.refresh_from_db()
    assert (order.status, order.filled_u, order.voided_u, order.reserved_u) == ("filled", 0, 10 * ONE, 0)
    assert not list(violations())


def test_a_fill_taken_back_before_its_order_was_known_holds_no_money_of_it():
    """A person's own order, whose fill came and failed before the venue told of the order."""
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    ours = a_claimed_order(account, market)
    told = an_order_report(
        ours, OrderState.CANCELED, filled_u=10 * ONE, client_order_id="", venue_order_id="0xhand", side=Side.BUY,
        outcome=Outcome.YES, price_u=400_000, qty_u=20 * ONE,
    )  # fmt: skip
    for state in (SettleState.PENDING, SettleState.FAILED):
        book(account, market, venue_order_id="0xhand", trade_id="t", settle_state=state)
    order = order_apply_report(venue_account=account, report=told)
    assert order is not None and order.is_external
    order.refresh_from_db()
    assert (order.filled_u, order.voided_u, order.reserved_u) == (0, 10 * ONE, 0)
    assert account_differences(account) == [] and not list(violations())


def take_answer(order):
    order_acknowledge(order=order, ack=an_ack(order, OrderState.FILLED, filled_u=10 * ONE))


def take_report(order):
    told = an_order_report(order, OrderState.FILLED, filled_u=10 * ONE)
    order_apply_report(venue_account=order.venue_account, report=told)


@pytest.mark.parametrize("take", [take_answer, take_report])
def test_an_order_learns_of_its_fills_in_the_transaction_that_tells_its_name(take):
    """A program that died in between would leave an ended order short of fills that nothing tells of again."""
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market, qty_u=10 * ONE)
    book(account, market, venue_order_id=f"v-{order.client_order_id}")
    install(die_at_adoption)
    try:
        with pytest.raises(Crash):
            take(order)
    finally:
        install(None)
    order.refresh_from_db()
    assert (order.status, order.venue_order_id, order.filled_u) == ("claimed", "", 0)
    take(order)
    order.refresh_from_db()
    assert (order.status, order.filled_u, order.reserved_u) == ("filled", 10 * ONE, 0)
    assert account_differences(account) == [] and not list(violations())


def die_at_adoption(point: str) -> None:
    if point == "P9.adopted_before_commit":
        raise Crash(point)


@pytest.mark.parametrize("is_whole_first", [True, False])
def test_one_execution_that_is_told_whole_and_by_price_is_booked_once(is_whole_first):
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    pending = {"trade_id": "t", "settle_state": SettleState.PENDING, "fee_u": 0}
    whole = a_fill(account, market, leg="taker", **pending)
    parts = [
        a_fill(account, market, leg=f"taker@{price_u}", qty_u=qty_u, price_u=price_u, **pending)
        for price_u, qty_u in ((400_000, 4 * ONE), (410_000, 6 * ONE))
    ]
    first, then = ([whole], parts) if is_whole_first else (parts, [whole])
    booked = [fill_book(venue_account=account, report=report) for report in first]
    cash_u = cash_balance(account).cash_u
    assert all(booked)
    for report in then:
        assert fill_book(venue_account=account, report=report) is None
    assert (cash_balance(account).cash_u, Position.objects.get().qty_u) == (cash_u, 10 * ONE)
    assert set(Alert.objects.values_list("code", flat=True)) == {"fill_mismatch"}
    for report in then:
        fill_book(venue_account=account, report=msgspec.structs.replace(report, settle_state=SettleState.CONFIRMED))
    assert set(Fill.objects.values_list("settle_state", flat=True)) == {"confirmed"}
    for report in then:
        fill_book(venue_account=account, report=msgspec.structs.replace(report, settle_state=SettleState.FAILED))
    assert cash_balance(account).cash_u == 10_000 * USD
    assert account_differences(account) == []
