"""Order amounts: exact, never more than asked, at most the decimals that the venue takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.errors import Rejected
from venues.polymarket.amounts import immediate_amounts, limit_amounts
from venues.polymarket.constants import TICK_AMOUNT_DECIMALS
from venues.types import MICRO, Side

ticks = st.sampled_from(sorted(TICK_AMOUNT_DECIMALS))
sizes = st.integers(1, 10**9).map(lambda hundredths: hundredths * 10_000)


@st.composite
def orders(draw: st.DrawFn) -> tuple[Side, int, int, int]:
    tick_u = draw(ticks)
    price_u = draw(st.integers(1, MICRO // tick_u - 1)) * tick_u
    return draw(st.sampled_from(list(Side))), price_u, draw(sizes), tick_u


@given(orders())
def test_a_limit_order_states_its_price_exactly(order: tuple[Side, int, int, int]) -> None:
    side, price_u, qty_u, tick_u = order
    amounts = limit_amounts(side=side, price_u=price_u, qty_u=qty_u, tick_u=tick_u)
    assert amounts.contracts_u(side) == qty_u
    assert amounts.usd_u(side) * MICRO == price_u * qty_u
    assert amounts.usd_u(side) % 10 ** (6 - TICK_AMOUNT_DECIMALS[tick_u]) == 0


@given(orders())
def test_an_immediate_order_keeps_to_the_decimals_and_never_grows(order: tuple[Side, int, int, int]) -> None:
    side, price_u, qty_u, tick_u = order
    try:
        amounts = immediate_amounts(side=side, price_u=price_u, qty_u=qty_u, tick_u=tick_u)
    except Rejected as error:
        assert error.code == "below_minimum" and price_u * qty_u < MICRO * 10_000
        return
    assert amounts.maker_u % 10_000 == 0
    assert amounts.taker_u % 100 == 0
    assert amounts.contracts_u(side) <= qty_u
    assert amounts.usd_u(side) * MICRO <= price_u * qty_u


@given(orders())
def test_rounding_moves_an_immediate_price_only_towards_a_match(order: tuple[Side, int, int, int]) -> None:
    side, price_u, qty_u, tick_u = order
    if price_u * qty_u < MICRO * MICRO:
        return
    amounts = immediate_amounts(side=side, price_u=price_u, qty_u=qty_u, tick_u=tick_u)
    implied = amounts.usd_u(side) * MICRO
    limit = price_u * amounts.contracts_u(side)
    assert implied >= limit if side is Side.BUY else implied <= limit


@pytest.mark.parametrize(
    ("side", "price_u", "qty_u", "tick_u", "expected"),
    [
        (Side.BUY, 190_000, 100_000_000, 10_000, (19_000_000, 100_000_000)),
        (Side.SELL, 800_000, 100_000_000, 10_000, (100_000_000, 80_000_000)),
        (Side.BUY, 512_500, 5_010_000, 2_500, (2_567_625, 5_010_000)),
        (Side.BUY, 190_000, 5_019_999, 10_000, (951_900, 5_010_000)),
    ],
)
def test_known_limit_amounts(side: Side, price_u: int, qty_u: int, tick_u: int, expected: tuple[int, int]) -> None:
    amounts = limit_amounts(side=side, price_u=price_u, qty_u=qty_u, tick_u=tick_u)
    assert (amounts.maker_u, amounts.taker_u) == expected


@pytest.mark.parametrize(
    ("side", "price_u", "qty_u", "tick_u", "expected"),
    [
        (Side.BUY, 190_000, 12_000_000, 10_000, (2_280_000, 12_000_000)),
        (Side.BUY, 190_000, 12_340_000, 10_000, (2_340_000, 12_315_700)),
        (Side.SELL, 501_000, 12_340_000, 1_000, (12_340_000, 6_182_300)),
    ],
)
def test_known_immediate_amounts(side: Side, price_u: int, qty_u: int, tick_u: int, expected: tuple[int, int]) -> None:
    amounts = immediate_amounts(side=side, price_u=price_u, qty_u=qty_u, tick_u=tick_u)
    assert (amounts.maker_u, amounts.taker_u) == expected


@pytest.mark.parametrize("price_u", [0, 5_000, 195_000, 995_000, 1_000_000])
def test_a_price_off_the_grid_is_refused_before_anything_is_sent(price_u: int) -> None:
    with pytest.raises(Rejected) as caught:
        limit_amounts(side=Side.BUY, price_u=price_u, qty_u=5_000_000, tick_u=10_000)
    assert caught.value.code == "invalid_tick"
