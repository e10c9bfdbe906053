"""Whatever happens in whatever order: what is kept equals what the rows say, and money is conserved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.builders import NOON_MS, ONE, USD, a_claimed_order, a_fill, a_market, a_settlement, a_user, an_account
from trading.models import Fill, Position
from trading.selectors.ledgers import cash_balance
from trading.services.fills import fill_book, fill_void
from trading.services.refold import account_differences
from trading.services.settlement import settlement_book
from trading.services.stays import FillFact, fold
from venues.types import Outcome, Side, Venue

pytestmark = pytest.mark.django_db

OPENING_U = 100_000 * USD

executions = st.lists(
    st.tuples(
        st.sampled_from(list(Side)),
        st.sampled_from(list(Outcome)),
        st.integers(1, 99).map(lambda cents: cents * 10_000),
        st.integers(1, 500).map(lambda hundredths: hundredths * 10_000),
        st.integers(0, 500).map(lambda quanta: quanta * 100),
        st.integers(0, 20),
    ),
    min_size=1,
    max_size=12,
)
relaxed = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


class KeptEqualsRefolded(TestCase):
    @relaxed
    @given(executions, st.integers(0, 100), st.booleans())
    def test_on_a_venue_that_nets(self, fills, cents, is_settled):
        self._book_all(Venue.KALSHI, fills, voids=(), value_u=cents * 10_000 if is_settled else None)

    @relaxed
    @given(executions, st.sets(st.integers(0, 11)), st.integers(0, 100), st.booleans())
    def test_on_a_venue_with_two_balances_and_voids(self, fills, voids, cents, is_settled):
        bought = [(Side.BUY, *rest) for _, *rest in fills]
        self._book_all(Venue.POLYMARKET, bought, voids=voids, value_u=cents * 10_000 if is_settled else None)

    def _book_all(self, venue, fills, *, voids, value_u) -> None:
        account = an_account(a_user(), venue=venue, cash_u=OPENING_U)
        market = a_market(venue=venue)
        order = a_claimed_order(account, market, qty_u=30 * ONE, max_cost_u=13 * USD)
        for number, (side, outcome, price_u, qty_u, fee_u, delay_ms) in enumerate(fills):
            report = a_fill(
                account, market, order=order if number == 0 else None, trade_id=f"t{number}", side=side,
                outcome=outcome, price_u=price_u, qty_u=qty_u, fee_u=fee_u, venue_ms=NOON_MS + delay_ms,
            )  # fmt: skip
            fill = fill_book(venue_account=account, report=report)
            fill_book(venue_account=account, report=report)
            if number in voids:
                fill_void(fill=fill, reason="chain")
        if value_u is not None:
            held = {row.outcome: row.qty_u for row in Position.objects.filter(venue_account=account, is_open=True)}
            settlement_book(
                venue_account=account,
                report=a_settlement(account, market, value_u=value_u, yes_u=held.get("yes", 0), no_u=held.get("no", 0)),
            )
        assert account_differences(account) == []
        self._money_is_conserved(account)

    def _money_is_conserved(self, account) -> None:
        """Cash moved = realised − what is still invested: INV-25 without marks."""
        rows = Position.objects.filter(venue_account=account)
        explained_u = sum(row.realized_u - row.cost_u for row in rows)
        assert cash_balance(account).cash_u - OPENING_U == explained_u
        assert Fill.objects.filter(venue_account=account).count() >= 1


@given(executions)
@settings(max_examples=200, deadline=None)
def test_yes_at_p_and_no_at_one_minus_p_are_mirror_trades(fills):
    at = datetime(2026, 1, 9, tzinfo=UTC)

    def folded(mirrored: bool):
        facts = [
            FillFact(
                side=(Side.SELL if side is Side.BUY else Side.BUY) if mirrored else side,
                outcome=outcome.other if mirrored else outcome,
                price_u=USD - price_u if mirrored else price_u,
                qty_u=qty_u,
                fee_u=fee_u,
                at=at + timedelta(milliseconds=number),
            )
            for number, (side, outcome, price_u, qty_u, fee_u, _) in enumerate(fills)
        ]
        stays = fold(nets=True, fills=facts, settlement=None)
        return stays.realized_u, stays.holding

    assert folded(mirrored=False) == folded(mirrored=True)
