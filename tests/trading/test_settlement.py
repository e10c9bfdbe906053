"""Settlement: paid once, as the venue says, for YES and NO, win, loss and void."""

from __future__ import annotations

import pytest

from notifications.models import Alert
from tests.builders import NOON_MS, ONE, USD, a_fill, a_market, a_settlement, an_account
from trading.models import CashEntry, PnlDay, Position, Settlement
from trading.selectors.invariants import violations
from trading.selectors.ledgers import cash_balance
from trading.services.fills import fill_book
from trading.services.refold import account_differences
from trading.services.settlement import settlement_book
from venues.types import Outcome, Side, Venue

pytestmark = pytest.mark.django_db

BOTH = [Venue.KALSHI, Venue.POLYMARKET]


@pytest.mark.parametrize("venue", BOTH)
@pytest.mark.parametrize("value_u", [0, 500_000, USD])
@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("sold_u", [0, 4 * ONE])
def test_the_sign_of_the_result_is_right_for_every_outcome_side_and_ending(venue, value_u, outcome, sold_u):
    account, market = an_account(venue=venue), a_market(venue=venue)
    fill_book(venue_account=account, report=a_fill(account, market, outcome=outcome, fee_u=0))
    if sold_u:
        sale = a_fill(account, market, outcome=outcome, side=Side.SELL, price_u=500_000, qty_u=sold_u, fee_u=0)
        fill_book(venue_account=account, report=sale)
    left_u = 10 * ONE - sold_u
    held = {"yes_u": left_u} if outcome is Outcome.YES else {"no_u": left_u}
    settlement_book(venue_account=account, report=a_settlement(account, market, value_u=value_u, **held))
    pays_u = value_u if outcome is Outcome.YES else USD - value_u
    expected_u = sold_u * 500_000 // USD + left_u * pays_u // USD - 4_000_000
    position = Position.objects.get()
    assert (position.is_open, position.qty_u, position.realized_u) == (False, 0, expected_u)
    assert cash_balance(account).cash_u == 10_000 * USD + expected_u
    assert account_differences(account) == []


def test_a_settlement_is_booked_once_and_a_different_repetition_alerts():
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market))
    report = a_settlement(account, market, value_u=USD, yes_u=10 * ONE)
    assert settlement_book(venue_account=account, report=report) is not None
    assert settlement_book(venue_account=account, report=report) is None
    assert not Alert.objects.exists()
    again = a_settlement(account, market, value_u=0, yes_u=10 * ONE)
    assert settlement_book(venue_account=account, report=again) is None
    assert Alert.objects.get().code == "settlement_mismatch"
    assert Settlement.objects.get().payout_u == 10 * USD


def test_the_rest_of_a_payout_told_later_is_credited_once_and_belongs_to_the_position():
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=0))
    for yes_u, is_news in ((4 * ONE, True), (10 * ONE, True), (10 * ONE, False), (4 * ONE, False)):
        report = a_settlement(account, market, value_u=USD, yes_u=yes_u)
        assert (settlement_book(venue_account=account, report=report) is not None) is is_news
    assert cash_balance(account).cash_u == 10_000 * USD + 6 * USD
    assert (Position.objects.get().realized_u, PnlDay.objects.get().realized_u) == (6 * USD, 6 * USD)
    assert list(CashEntry.objects.filter(kind="settlement").values_list("amount_u", flat=True)) == [4 * USD, 6 * USD]
    assert Alert.objects.filter(code="settlement_mismatch").exists()
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=0, qty_u=2 * ONE, venue_ms=NOON_MS))
    assert Position.objects.get().realized_u == 10 * USD - 4_800_000
    assert account_differences(account) == []


def test_a_payout_that_begins_with_nothing_is_credited_when_it_comes():
    account, market = an_account(venue=Venue.POLYMARKET), a_market(venue=Venue.POLYMARKET)
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=0))
    for yes_u in (0, 10 * ONE):
        settlement_book(venue_account=account, report=a_settlement(account, market, value_u=USD, yes_u=yes_u))
    assert cash_balance(account).cash_u == 10_000 * USD + 6 * USD
    assert account_differences(account) == []


def test_a_fill_that_arrives_after_its_settlement_is_closed_by_it():
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=0, venue_ms=NOON_MS))
    settlement_book(venue_account=account, report=a_settlement(account, market, value_u=USD, yes_u=15 * ONE))
    assert Alert.objects.get().code == "settlement_mismatch"
    fill_book(venue_account=account, report=a_fill(account, market, qty_u=5 * ONE, fee_u=0, venue_ms=NOON_MS + 1))
    assert not Position.objects.filter(is_open=True).exists()
    assert cash_balance(account).cash_u == 10_000 * USD - 6_000_000 + 15 * USD
    assert account_differences(account) == []


def test_a_settlement_of_a_market_never_held_pays_nothing():
    account, market = an_account(), a_market()
    settlement_book(venue_account=account, report=a_settlement(account, market, value_u=USD))
    assert cash_balance(account).cash_u == 10_000 * USD


def test_a_market_that_is_settled_anew_again_and_again_has_paid_what_was_told_last():
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=0))
    for number, value_u in enumerate((0, USD, 0, 500_000, USD, USD)):
        report = a_settlement(account, market, value_u=value_u, yes_u=10 * ONE, venue_ms=NOON_MS + 1_000 * number)
        settlement_book(venue_account=account, report=report)
        paid_u = sum(CashEntry.objects.filter(kind="settlement").values_list("amount_u", flat=True))
        assert paid_u == 10 * value_u
        assert cash_balance(account).cash_u == 10_000 * USD - 4 * USD + paid_u
        assert account_differences(account) == []
        assert not [str(one) for one in violations(without=("INV-42",))]
    read_in_part = a_settlement(account, market, value_u=USD, yes_u=4 * ONE, venue_ms=NOON_MS + 9_000)
    assert settlement_book(venue_account=account, report=read_in_part) is None
    late = a_settlement(account, market, value_u=0, yes_u=10 * ONE, venue_ms=NOON_MS + 2_000)
    assert settlement_book(venue_account=account, report=late) is None
    assert cash_balance(account).cash_u == 10_000 * USD + 6 * USD
