"""Positions are exact: cash is conserved, mirrors mirror, a settled market leaves nothing open."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.domain.scene import ACCOUNT, MARKET
from trading.domain.opening import OpeningState
from trading.domain.portfolio import Portfolio
from trading.domain.positions import Holding, fold_fill, fold_settlement
from venues.types import MICRO, FillReport, Outcome, SettlementReport, SettleState, Side, Venue

PRICES = st.integers(1, 99).map(lambda cents: cents * 10_000)
QUANTITIES = st.integers(1, 50_000).map(lambda lots: lots * 10_000)
FEES = st.integers(0, 5_000_000)


@st.composite
def fills(draw: st.DrawFn) -> list[tuple[Side, Outcome, int, int, int]]:
    one = st.tuples(st.sampled_from(Side), st.sampled_from(Outcome), PRICES, QUANTITIES, FEES)
    return draw(st.lists(one, min_size=1, max_size=12))


def fold(trades: list[tuple[Side, Outcome, int, int, int]], *, nets: bool, start: Holding | None = None) -> Holding:
    holding = start or Holding()
    for side, outcome, price_u, qty_u, fee_u in trades:
        holding = fold_fill(holding, side=side, outcome=outcome, price_u=price_u, qty_u=qty_u, fee_u=fee_u, nets=nets)
    return holding


def spent_u(trades: list[tuple[Side, Outcome, int, int, int]], settled_yes_u: int) -> int:
    """Profit by cash alone: pay, receive, and settle the signed quantity of YES and of NO."""
    cash = 0
    for side, outcome, price_u, qty_u, fee_u in trades:
        sign = 1 if side is Side.BUY else -1
        worth_u = settled_yes_u if outcome is Outcome.YES else MICRO - settled_yes_u
        cash += sign * qty_u * (worth_u - price_u) // MICRO - fee_u
    return cash


@given(trades=fills(), nets=st.booleans(), won=st.booleans())
def test_profit_equals_the_cash_that_moved_whatever_the_order_of_trades(
    trades: list[tuple[Side, Outcome, int, int, int]], nets: bool, won: bool
) -> None:
    settled = fold_settlement(fold(trades, nets=nets), value_u=MICRO * won)
    assert settled.yes.qty_u == settled.no.qty_u == settled.cost_u == 0
    assert settled.realized_u == spent_u(trades, MICRO * won)


@given(trades=fills(), value=PRICES)
def test_a_mirrored_trade_gives_the_mirrored_holding(
    trades: list[tuple[Side, Outcome, int, int, int]], value: int
) -> None:
    """YES at p and NO at 1 − p with the other side are the same where the venue nets."""
    mirrored = [(_other(side), outcome.other, MICRO - price, qty, fee) for side, outcome, price, qty, fee in trades]
    assert fold(trades, nets=True) == fold(mirrored, nets=True)

    swapped = [(side, outcome.other, price, qty, fee) for side, outcome, price, qty, fee in trades]
    one, other = fold(trades, nets=True), fold(swapped, nets=True)
    assert (one.yes, one.no, one.banked_u) == (other.no, other.yes, other.banked_u)


@given(trades=fills())
def test_where_the_venue_nets_at_most_one_leg_is_open(trades: list[tuple[Side, Outcome, int, int, int]]) -> None:
    holding = fold(trades, nets=True)
    assert not holding.yes.qty_u or not holding.no.qty_u
    assert min(holding.yes.qty_u, holding.no.qty_u, holding.yes.paid_u, holding.no.paid_u) >= 0


CASES = [
    (side, outcome, value_u)
    for side in Side
    for outcome in Outcome
    for value_u in (MICRO, 0, 500_000, 250_000, 1, MICRO - 1)
]


@pytest.mark.parametrize(("side", "outcome", "value_u"), CASES)
def test_the_sign_of_the_profit_is_right_for_every_side_outcome_and_result(
    side: Side, outcome: Outcome, value_u: int
) -> None:
    holding = fold([(side, outcome, 400_000, 10 * MICRO, 0)], nets=True)
    worth_u = value_u if outcome is Outcome.YES else MICRO - value_u
    expected_u = 10 * (worth_u - 400_000) if side is Side.BUY else 10 * (400_000 - worth_u)
    assert fold_settlement(holding, value_u=value_u).realized_u == expected_u


def test_a_partly_closed_leg_shares_its_cost_without_losing_a_micro_dollar() -> None:
    trades = [(Side.BUY, Outcome.YES, 333_333, 3 * MICRO, 7), (Side.SELL, Outcome.YES, 500_000, 1 * MICRO, 3)]
    leg = fold(trades, nets=False).yes
    assert (leg.qty_u, leg.paid_u, leg.fees_u) == (2 * MICRO, 666_666, 5)
    assert leg.realized_u == 500_000 - 3 - 333_333 - 2
    assert leg.entry_price_u == 333_333
    assert leg.unrealized_u(400_000, exit_fee_u=10) == 800_000 - 10 - 666_671


def test_the_venues_payout_is_the_truth() -> None:
    holding = fold([(Side.BUY, Outcome.YES, 400_000, MICRO, 0)], nets=True)
    assert fold_settlement(holding, value_u=MICRO, payout_u=999_999).realized_u == 599_999


def report(number: int, side: Side, outcome: Outcome, price_u: int, qty_u: int, fee_u: int) -> FillReport:
    return FillReport(
        venue=Venue.KALSHI,
        account=ACCOUNT,
        trade_id=f"t{number}",
        leg="taker",
        venue_order_id="",
        client_order_id="",
        market_id=MARKET,
        side=side,
        outcome=outcome,
        price_u=price_u,
        qty_u=qty_u,
        fee_u=fee_u,
        is_taker=True,
        settle_state=SettleState.PENDING,
        venue_ms=number,
    )


@given(trades=fills(), void=st.integers(0, 11), nets=st.booleans())
def test_a_voided_fill_leaves_what_would_have_been_without_it(
    trades: list[tuple[Side, Outcome, int, int, int]], void: int, nets: bool
) -> None:
    void %= len(trades)
    accounts = frozenset({ACCOUNT} if nets else ())
    portfolio = Portfolio(OpeningState(), accounts_that_net=accounts)
    reports = [report(number, *trade) for number, trade in enumerate(trades)]
    for one in reports:
        assert portfolio.book_fill(one)
        assert not portfolio.book_fill(one)
    failed = msgspec.structs.replace(reports[void], settle_state=SettleState.FAILED)
    assert portfolio.book_fill(failed)
    assert not portfolio.book_fill(failed)
    assert not portfolio.book_fill(reports[void])

    without = Portfolio(OpeningState(), accounts_that_net=accounts)
    for one in reports[:void] + reports[void + 1 :]:
        without.book_fill(one)
    assert portfolio.holding(ACCOUNT, MARKET) == without.holding(ACCOUNT, MARKET)
    assert portfolio.record == without.record


def test_a_void_of_a_fill_from_before_the_start_is_undone_by_its_opposite() -> None:
    first = Portfolio(OpeningState(), accounts_that_net=frozenset({ACCOUNT}))
    fill = report(1, Side.BUY, Outcome.YES, 400_000, MICRO, 70)
    first.book_fill(fill)
    opening = OpeningState(positions=first.export_positions(), booked_fills=tuple(first.known_fills))
    reopened = Portfolio(opening, accounts_that_net=frozenset({ACCOUNT}))
    assert reopened.book_fill(msgspec.structs.replace(fill, settle_state=SettleState.FAILED))
    after = reopened.holding(ACCOUNT, MARKET)
    assert (after.yes.qty_u, after.realized_u) == (0, 0)


def test_a_settlement_is_booked_once_and_makes_a_closed_trade() -> None:
    portfolio = Portfolio(OpeningState(), accounts_that_net=frozenset({ACCOUNT}))
    portfolio.book_fill(report(1, Side.BUY, Outcome.NO, 300_000, 2 * MICRO, 100))
    paid = SettlementReport(
        venue=Venue.KALSHI,
        account=ACCOUNT,
        market_id=MARKET,
        value_u=MICRO,
        yes_qty_u=0,
        no_qty_u=2 * MICRO,
        payout_u=0,
        venue_ms=9,
    )
    assert portfolio.book_settlement(paid)
    assert not portfolio.book_settlement(paid)
    (trade,) = portfolio.closed
    assert (trade.outcome, trade.realized_u) == (Outcome.NO, -600_100)
    assert (portfolio.record.settled, portfolio.record.losing_streak) == (1, 1)


def _other(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY
