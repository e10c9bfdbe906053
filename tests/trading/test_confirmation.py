"""What came of an order, what it cost beyond the price decided on, and what its audit record keeps of the decision."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEntry
from tests.builders import ONE, a_claimed_order, a_fill, a_market, an_account, an_ack, an_order_report
from trading.domain.lifecycle import (
    NOT_FILLED_IN_TIME,
    Confirmation,
    OrderStatus,
    confirmation,
)
from trading.domain.slippage import keeps_partial, slippage_ratio_u, slippage_u
from trading.models import Fill, Order, Position
from trading.selectors import slippage
from trading.selectors.pending import pending_of, pending_settlement
from trading.services.fills import fill_book
from trading.services.orders import order_acknowledge, order_apply_report, order_cancel_requested, order_prepare_store
from venues.ports import OrderRequest, PreparedOrder
from venues.types import (
    MICRO,
    FillReport,
    OrderState,
    Outcome,
    SettleState,
    Side,
    TimeInForce,
    Venue,
    VenueMarket,
)

_S = OrderStatus
CONTEXT = {"game": {"home_score": 30}, "market": {"bid_u": 390_000}, "confidence": {"score_u": 700_000}}


@pytest.mark.parametrize(
    ("status", "filled", "reason", "expected"),
    [
        (_S.CLAIMED, 0, "", Confirmation.PENDING),
        (_S.OPEN, 4, "", Confirmation.PENDING),
        (_S.FILLED, 4, "", Confirmation.PENDING),
        (_S.FILLED, 10, "", Confirmation.FILLED),
        (_S.CANCELED, 10, "", Confirmation.FILLED),
        (_S.CANCELED, 4, "", Confirmation.PARTIAL),
        (_S.EXPIRED, 4, "", Confirmation.PARTIAL),
        (_S.CANCELED, 0, "", Confirmation.CANCELED),
        (_S.CANCELED, 0, NOT_FILLED_IN_TIME, Confirmation.TIMEOUT),
        (_S.EXPIRED, 0, "", Confirmation.TIMEOUT),
        (_S.REJECTED, 0, "", Confirmation.ERROR),
        (_S.DENIED, 0, "", Confirmation.ERROR),
        (_S.VOID, 0, "", Confirmation.ERROR),
    ],
)
def test_an_order_is_confirmed_by_its_booked_fills(status: OrderStatus, filled: int, reason: str, expected: str):
    assert confirmation(status, filled_u=filled, qty_u=10, cancel_reason=reason) is expected


@pytest.mark.parametrize(("filled", "keep_u", "kept"), [(8, 800_000, True), (7, 800_000, False), (0, 0, True)])
def test_exactly_the_share_is_enough(filled: int, keep_u: int, kept: bool):
    assert keeps_partial(filled_u=filled, asked_u=10, keep_u=keep_u) is kept


def test_one_microcontract_less_than_the_share_is_not_kept():
    assert keeps_partial(filled_u=8 * 10**12, asked_u=10**13, keep_u=800_000)
    assert not keeps_partial(filled_u=8 * 10**12 - 1, asked_u=10**13, keep_u=800_000)


@given(
    decided=st.integers(1, MICRO - 1), price=st.integers(1, MICRO - 1), qty=st.integers(1, 10**10), buys=st.booleans()
)
def test_slippage_is_positive_when_worse_and_turns_with_the_side(decided: int, price: int, qty: int, buys: bool):
    side, other = (Side.BUY, Side.SELL) if buys else (Side.SELL, Side.BUY)
    told = slippage_u(side=side, decided_u=decided, price_u=price, qty_u=qty)
    mirrored = slippage_u(side=other, decided_u=MICRO - decided, price_u=MICRO - price, qty_u=qty)
    assert told == mirrored
    worse_u = (price - decided if buys else decided - price) * qty
    assert told * MICRO >= worse_u > (told - 1) * MICRO


def test_two_percent_of_what_was_decided_on():
    paid_u = slippage_u(side=Side.BUY, decided_u=500_000, price_u=510_000, qty_u=10 * ONE)
    assert paid_u == 100_000
    assert slippage_ratio_u(slippage_u=paid_u, decided_u=500_000, qty_u=10 * ONE) == 20_000


@pytest.mark.django_db(transaction=True)
def test_every_fill_keeps_its_slippage_in_the_words_of_its_order():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market, outcome=Outcome.NO, price_u=400_000, decided_u=380_000)
    order = order_acknowledge(order=order, ack=an_ack(order, filled_u=10 * ONE))
    worse = {"side": Side.SELL, "outcome": Outcome.YES, "price_u": 610_000, "qty_u": 4 * ONE}
    fill_book(venue_account=account, report=a_fill(account, market, order=order, **worse))
    better = {"outcome": Outcome.NO, "price_u": 370_000, "qty_u": 6 * ONE}
    fill_book(venue_account=account, report=a_fill(account, market, order=order, **better))

    assert list(Fill.objects.order_by("id").values_list("slippage_u", flat=True)) == [40_000, -60_000]
    assert Order.objects.get().slippage_u == -20_000
    newest, first = slippage.recent(account)
    assert (newest.slippage_u, first.slippage_u) == (-60_000, 40_000)
    assert first.ratio_u == 26_316
    assert slippage.recent(account, since=first.venue_at) == [newest]


@pytest.mark.django_db(transaction=True)
def test_a_fill_read_before_its_order_was_known_gets_its_slippage_when_adopted():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market, decided_u=390_000)
    early = a_fill(account, market, venue_order_id=f"v-{order.client_order_id}")
    fill_book(venue_account=account, report=early)
    assert slippage.recent(account) == []
    order_acknowledge(order=order, ack=an_ack(order, filled_u=10 * ONE))
    (told,) = slippage.recent(account)
    assert told.slippage_u == 100_000 == Order.objects.get().slippage_u


@pytest.mark.django_db(transaction=True)
def test_a_matched_fill_is_pending_until_the_venue_says_final_and_a_failed_one_is_no_slippage():
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    order = a_claimed_order(account, market, decided_u=390_000)
    matched = a_fill(account, market, order=order, settle_state=SettleState.PENDING)
    fill_book(venue_account=account, report=matched)
    (position,) = Position.objects.all()
    assert pending_of(account.user, mode="simulated").fills == 1
    assert pending_settlement([account.pk]) == {(account.pk, position.market_id, "yes"): 10 * ONE}

    fill_book(venue_account=account, report=_as(matched, SettleState.FAILED))
    assert pending_of(account.user, mode="simulated").fills == 0
    assert slippage.recent(account) == [] and Order.objects.get().slippage_u == 0


@pytest.mark.django_db(transaction=True)
def test_delayed_is_an_acceptance_and_neither_a_failure_nor_a_fill():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    order = order_prepare_store(order=order, prepared=_prepared(order, market.venue_market))
    order = order_acknowledge(order=order, ack=an_ack(order, OrderState.DELAYED))
    assert (order.status, order.confirmation, order.filled_u) == (OrderStatus.OPEN, Confirmation.PENDING, 0)
    assert order.reserved_u == order.max_cost_u and not Position.objects.exists()
    again = order_apply_report(venue_account=account, report=an_order_report(order, OrderState.DELAYED))
    assert again is not None and again.status == OrderStatus.OPEN
    assert pending_of(account.user, mode="simulated").orders == 1


@pytest.mark.django_db(transaction=True)
def test_a_report_that_calls_an_order_filled_makes_no_position():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    told = order_apply_report(
        venue_account=account, report=an_order_report(order, OrderState.FILLED, filled_u=10 * ONE)
    )
    assert told is not None and (told.status, told.confirmation) == (OrderStatus.FILLED, Confirmation.PENDING)
    assert not Position.objects.exists() and told.reserved_u == told.max_cost_u


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("purpose", ["entry", "exit"])
def test_the_claims_audit_entry_is_the_record_of_the_entry_or_exit(purpose: str):
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market, purpose=purpose, decided_u=390_000, context=CONTEXT)
    entry = AuditEntry.objects.get(kind="order.claimed")
    payload = json.loads(entry.payload)
    assert (entry.subject_uid, payload["record"]) == (str(order.uid), purpose.upper())
    assert payload["context"] == CONTEXT
    assert (payload["price_u"], payload["decision_price_u"]) == (400_000, 390_000)
    assert "context" not in order.events.get().payload


@pytest.mark.django_db(transaction=True)
def test_the_cancels_audit_entry_is_the_record_of_the_cancel():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    order = order_cancel_requested(order=order, reason=NOT_FILLED_IN_TIME, context=CONTEXT)
    entry = AuditEntry.objects.get(kind="order.cancel_requested")
    payload = json.loads(entry.payload)
    assert (payload["record"], payload["reason"]) == ("CANCEL", NOT_FILLED_IN_TIME)
    assert payload["context"] == CONTEXT and order.cancel_reason == NOT_FILLED_IN_TIME


def _as(report: FillReport, state: SettleState) -> FillReport:
    return msgspec.structs.replace(report, settle_state=state)


def _prepared(order: Order, listing: VenueMarket) -> PreparedOrder:
    request = OrderRequest(
        client_order_id=order.client_order_id,
        market=listing,
        side=Side.BUY,
        outcome=Outcome.YES,
        price_u=order.price_u,
        qty_u=order.qty_u,
        time_in_force=TimeInForce.GTC,
        created_ms=0,
    )
    return PreparedOrder(request=request, venue_order_id="v-1", path="/orders", body=b"{}", body_sha256="00")
