"""Whatever a paper account is asked for and whatever the market does, no µUSD and no contract is made or lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.paper.stand import CENT_U, OPENED_U, PaperStand, now
from venues.errors import VenueError
from venues.types import MICRO, BookDelta, BookLevel, MarketState, Outcome, Side, TimeInForce, Venue

LOT_U = 10_000
prices = st.integers(1, 99)
quantities = st.integers(1, 3_000).map(lambda lots: lots * LOT_U)
levels = st.dictionaries(st.integers(1, 60), st.integers(0, 40), max_size=4)

orders = st.fixed_dictionaries(
    {
        "side": st.sampled_from(Side),
        "outcome": st.sampled_from(Outcome),
        "price_u": prices.map(lambda cents: cents * CENT_U),
        "qty_u": quantities,
        "time_in_force": st.sampled_from(TimeInForce),
        "reduce_only": st.booleans(),
        "post_only": st.booleans(),
    }
)
steps = st.one_of(
    st.tuples(st.just("place"), orders),
    st.tuples(st.just("place"), orders),
    st.tuples(st.just("book"), levels),
    st.tuples(st.just("level"), st.tuples(st.booleans(), prices, st.integers(0, 40))),
    st.tuples(st.just("delta"), st.tuples(st.booleans(), prices, st.integers(-20, 20))),
    st.tuples(st.just("print"), st.tuples(prices, st.integers(1, 40), st.sampled_from(Side))),
    st.tuples(st.just("wait"), st.integers(1, 4_000)),
    st.tuples(st.just("cancel_all"), st.none()),
)


def play(stand: PaperStand, kind: str, what: Any) -> None:
    market_id = stand.market.market_id
    match kind:
        case "place":
            expires_ms = stand.now_ms + 5_000 if what["time_in_force"] is TimeInForce.GTD else None
            try:
                stand.place(**what, expires_ms=expires_ms)
            except VenueError:
                return
        case "book":
            stand.book(what, {99 - cents: qty for cents, qty in what.items() if cents < 45})
        case "level":
            is_bid, cents, qty = what
            stand.hear(BookLevel(market_id, is_bid, cents * CENT_U, qty * MICRO, stand.now_ms))
        case "delta":
            is_bid, cents, change = what
            stand.hear(BookDelta(market_id, is_bid, cents * CENT_U, change * MICRO, stand.now_ms))
        case "print":
            stand.prints(*what)
        case "wait":
            stand.now_ms += what
            now(stand.reader.open_orders())
        case "cancel_all":
            now(stand.gateway.cancel_all())


def worth_u(stand: PaperStand, value_u: int) -> int:
    """What the account must have once a YES pays `value_u`: each execution gains what it pays less what it cost."""
    total_u = OPENED_U
    for fill in stand.read_fills():
        pays_u = value_u if fill.outcome is Outcome.YES else MICRO - value_u
        gain_u = (pays_u - fill.price_u) * fill.qty_u
        assert gain_u % MICRO == 0
        total_u += (gain_u if fill.side is Side.BUY else -gain_u) // MICRO - fill.fee_u
    return total_u


@pytest.mark.parametrize("venue", list(Venue), ids=str)
@given(script=st.lists(steps, max_size=30), value_u=st.sampled_from([0, 500_000, MICRO]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_cash_and_contracts_are_conserved_and_never_negative(venue: Venue, script: list[Any], value_u: int):
    stand = PaperStand(venue)
    stand.book({48: 10, 47: 20}, {50: 5, 51: 20})
    for kind, what in script:
        play(stand, kind, what)
        balance = now(stand.reader.balance())
        assert 0 <= balance.available_u <= balance.total_u
        assert all(held_u >= 0 for legs in stand.state.held.values() for held_u in legs.values())
        assert all(0 <= order.filled_u <= order.placed.qty_u for order in stand.state.orders.values())
    fills, expected_u = stand.read_fills(), worth_u(stand, value_u)
    assert len({fill.trade_id for fill in fills}) == len(fills)
    assert all(fill.fee_u >= 0 for fill in fills)

    again = stand.restart()
    assert (again.read_fills(), again.state.cash_u, again.state.held) == (fills, stand.state.cash_u, stand.state.held)
    stand.list(state=MarketState.SETTLED, settlement_value_u=value_u)
    assert stand.state.cash_u == expected_u
    assert now(stand.reader.balance()).available_u == expected_u
