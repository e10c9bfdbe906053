"""YES and NO, bought and sold, won, lost and void: the sign of every result, by cash alone, to the last unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON_MS, ONE, USD, a_fill, a_market, a_settlement, an_account
from trading.models import CashEntry, CashKind, Position
from trading.selectors.ledgers import cash_balance
from trading.services.fills import fill_book
from trading.services.refold import account_differences
from trading.services.settlement import settlement_book
from trading.services.stays import FillFact, SettlementFact, fold
from venues.types import Outcome, Side, Venue

AT = datetime(2026, 1, 9, tzinfo=UTC)
ENDINGS = {"yes": USD, "no": 0, "void": 500_000}
CASES = [
    (venue, side, outcome, ending) for venue in Venue for side in Side for outcome in Outcome for ending in ENDINGS
]


def test_there_are_twenty_four_cases():
    assert len(CASES) == 24


@pytest.mark.django_db
@pytest.mark.parametrize(("venue", "side", "outcome", "ending"), CASES)
def test_cash_and_result_have_the_right_sign(venue: Venue, side: Side, outcome: Outcome, ending: str):
    """A venue with two balances sells only what is held: there the sale comes after a purchase at 30 cents."""
    account, market = an_account(venue=venue), a_market(venue=venue)
    value_u = ENDINGS[ending]
    worth_u = value_u if outcome is Outcome.YES else USD - value_u
    book(account, market, side=side, outcome=outcome, is_short=venue is Venue.KALSHI)
    held = {row.outcome: row.qty_u for row in Position.objects.filter(is_open=True)}
    report = a_settlement(account, market, value_u=value_u, yes_u=held.get("yes", 0), no_u=held.get("no", 0))
    settlement_book(venue_account=account, report=report)
    assert settlement_book(venue_account=account, report=report) is None
    if side is Side.BUY:
        expected_u = 10 * (worth_u - 400_000)
    elif venue is Venue.KALSHI:
        expected_u = 10 * (400_000 - worth_u)
    else:
        expected_u = 10 * (400_000 - 300_000)
    assert cash_balance(account).cash_u == 10_000 * USD + expected_u - 170_000
    assert sum(Position.objects.values_list("realized_u", flat=True)) == expected_u - 170_000
    assert not Position.objects.filter(is_open=True).exists() and account_differences(account) == []


def book(account, market, *, side: Side, outcome: Outcome, is_short: bool) -> None:
    if side is Side.SELL and not is_short:
        bought = a_fill(account, market, outcome=outcome, price_u=300_000, fee_u=0, venue_ms=NOON_MS)
        fill_book(venue_account=account, report=bought)
    fill_book(venue_account=account, report=a_fill(account, market, side=side, outcome=outcome, venue_ms=NOON_MS + 1))


def profit_u(side: Side, outcome: Outcome, price_u: int, qty_u: int, value_u: int) -> int:
    """Without fees, on a venue that nets, settled at what one YES pays."""
    fill = FillFact(side=side, outcome=outcome, price_u=price_u, qty_u=qty_u, fee_u=0, at=AT)
    held = fold(nets=True, fills=[fill], settlement=None).holding
    payout_u = (held.yes.qty_u * value_u + held.no.qty_u * (USD - value_u)) // USD
    fact = SettlementFact(value_u=value_u, payout_u=payout_u, at=AT + timedelta(hours=3))
    return fold(nets=True, fills=[fill], settlement=fact).realized_u


@given(
    price_u=st.integers(1, 99).map(lambda cents: cents * 10_000),
    qty_u=st.integers(1, 50_000).map(lambda hundredths: hundredths * 10_000),
    value_u=st.integers(0, 100).map(lambda cents: cents * 10_000),
)
def test_a_purchase_mirrors_a_sale_and_the_other_outcome(price_u: int, qty_u: int, value_u: int):
    """INV-26."""
    bought = profit_u(Side.BUY, Outcome.YES, price_u, qty_u, value_u)
    assert bought == -profit_u(Side.SELL, Outcome.YES, price_u, qty_u, value_u)
    assert bought == profit_u(Side.SELL, Outcome.NO, USD - price_u, qty_u, value_u)
    assert bought == qty_u * (value_u - price_u) // USD


# --- M01: the venue changes its mind ----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("first_u", "second_u"), [(USD, 0), (0, USD), (USD, 500_000), (500_000, 250_000)])
def test_a_market_that_is_settled_anew_leaves_the_cash_that_the_venue_leaves(first_u: int, second_u: int):
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=0))
    first = a_settlement(account, market, value_u=first_u, yes_u=10 * ONE)
    later_ms = first.venue_ms + 60_000
    second = a_settlement(account, market, value_u=second_u, yes_u=10 * ONE, venue_ms=later_ms)
    for report in (first, second, second, first):
        settlement_book(venue_account=account, report=report)
    assert cash_balance(account).cash_u == 10_000 * USD - 4_000_000 + 10 * second_u
    assert Position.objects.get().realized_u == 10 * second_u - 4_000_000
    assert CashEntry.objects.filter(kind=CashKind.SETTLEMENT).count() <= 2
    assert account_differences(account) == []


@pytest.mark.django_db
def test_a_fill_told_after_a_second_settlement_is_closed_by_it():
    account, market = an_account(), a_market()
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=0, venue_ms=NOON_MS))
    first = a_settlement(account, market, value_u=USD, yes_u=10 * ONE)
    later_ms = first.venue_ms + 60_000
    for report in (first, a_settlement(account, market, value_u=0, yes_u=10 * ONE, venue_ms=later_ms)):
        settlement_book(venue_account=account, report=report)
    fill_book(venue_account=account, report=a_fill(account, market, fee_u=0, qty_u=ONE, venue_ms=NOON_MS + 5))
    assert not Position.objects.filter(is_open=True).exists()
    assert cash_balance(account).cash_u == 10_000 * USD - 4_400_000
    assert account_differences(account) == []
