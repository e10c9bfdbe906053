"""A stake is never above any cap, never rounded up, and moves the way its inputs move."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.domain.config import AccountCaps, DipSettings
from trading.domain.sizing import SizingInputs, kelly_stake_u, shrunk_fair_u, size_entry, streak_factor_u
from venues.types import MICRO, FeeSchedule

CAPS = AccountCaps()
FIXED = DipSettings()
KELLY = DipSettings(use_kelly_sizing=True)
DOLLARS = st.integers(0, 2_000_000_000)


@st.composite
def inputs(draw: st.DrawFn) -> SizingInputs:
    rate = draw(st.sampled_from((0, 20_000, 70_000)))
    return SizingInputs(
        price_u=draw(st.integers(1, 99)) * 10_000,
        fees=FeeSchedule(taker_rate_u=rate, quantum_u=draw(st.sampled_from((1, 10, 100, 10_000)))),
        fair_u=draw(st.none() | st.integers(1, MICRO - 1)),
        balance_u=draw(DOLLARS),
        available_u=draw(DOLLARS),
        depth_qty_u=draw(st.integers(0, 5_000 * MICRO)),
        market_used_u=draw(st.integers(0, 150 * MICRO)),
        game_used_u=draw(st.integers(0, 300 * MICRO)),
        league_used_u=draw(st.integers(0, 600 * MICRO)),
        total_used_u=draw(st.integers(0, 1_200 * MICRO)),
        lot_u=draw(st.sampled_from((10_000, MICRO))),
        min_qty_u=draw(st.sampled_from((10_000, MICRO, 5 * MICRO))),
        min_usd_u=draw(st.sampled_from((0, MICRO))),
        losing_streak=draw(st.integers(0, 12)),
        settled_trades=draw(st.integers(0, 500)),
    )


@given(one=inputs(), kelly=st.booleans())
def test_the_cost_with_its_fee_is_within_every_cap(one: SizingInputs, kelly: bool) -> None:
    settings = KELLY if kelly else FIXED
    sizing = size_entry(settings, CAPS, one)
    exact_u = -(-sizing.qty_u * one.price_u // MICRO) + one.fees.fee_u(price_u=one.price_u, qty_u=sizing.qty_u)
    if not sizing.qty_u:
        assert sizing.cost_usd_u == 0
        return
    assert sizing.cost_usd_u == exact_u
    assert exact_u <= 2 * settings.default_position_usd_u
    assert exact_u <= one.balance_u * CAPS.max_balance_share_u // MICRO
    assert exact_u <= one.available_u
    assert exact_u + one.market_used_u <= CAPS.max_position_usd_u
    assert exact_u + one.game_used_u <= CAPS.max_game_usd_u
    assert exact_u + one.league_used_u <= CAPS.max_league_usd_u
    assert exact_u + one.total_used_u <= CAPS.max_total_usd_u
    assert sizing.qty_u <= one.depth_qty_u
    if kelly:
        assert exact_u <= kelly_stake_u(settings, CAPS, one)


@given(one=inputs())
def test_quantities_are_whole_lots_and_at_least_the_minimum_or_nothing(one: SizingInputs) -> None:
    sizing = size_entry(FIXED, CAPS, one)
    assert sizing.qty_u % one.lot_u == 0
    assert sizing.qty_u == 0 or sizing.qty_u >= one.min_qty_u
    assert sizing.qty_u == 0 or sizing.qty_u * one.price_u // MICRO >= one.min_usd_u


@given(one=inputs(), kelly=st.booleans())
def test_every_step_only_lowers_the_stake(one: SizingInputs, kelly: bool) -> None:
    sizing = size_entry(KELLY if kelly else FIXED, CAPS, one)
    stakes = [step.after_usd_u for step in sizing.steps]
    assert stakes == sorted(stakes, reverse=True)
    assert sizing.binding in {step.name for step in sizing.steps} | {"below_minimum"}


@given(one=inputs(), more=st.integers(0, 500 * MICRO), kelly=st.booleans())
def test_more_money_room_or_depth_never_makes_the_order_smaller(one: SizingInputs, more: int, kelly: bool) -> None:
    settings = KELLY if kelly else FIXED
    before = size_entry(settings, CAPS, one).qty_u
    for field in ("balance_u", "available_u", "depth_qty_u"):
        richer = msgspec.structs.replace(one, **{field: getattr(one, field) + more})
        assert size_entry(settings, CAPS, richer).qty_u >= before
    for field in ("market_used_u", "game_used_u", "league_used_u", "total_used_u"):
        roomier = msgspec.structs.replace(one, **{field: max(getattr(one, field) - more, 0)})
        assert size_entry(settings, CAPS, roomier).qty_u >= before


@given(one=inputs(), better=st.integers(0, 500_000), worse=st.integers(0, 5))
def test_a_better_fair_value_never_lowers_and_a_losing_streak_never_raises_the_order(
    one: SizingInputs, better: int, worse: int
) -> None:
    before = size_entry(KELLY, CAPS, one).qty_u
    if one.fair_u is not None:
        dearer = msgspec.structs.replace(one, fair_u=min(one.fair_u + better, MICRO - 1))
        assert size_entry(KELLY, CAPS, dearer).qty_u >= before
    unlucky = msgspec.structs.replace(one, losing_streak=one.losing_streak + worse)
    assert size_entry(KELLY, CAPS, unlucky).qty_u <= before


def plain(**changes: int | None) -> SizingInputs:
    values = SizingInputs(
        price_u=500_000,
        fees=FeeSchedule(),
        fair_u=600_000,
        balance_u=1_000 * MICRO,
        available_u=1_000 * MICRO,
        depth_qty_u=10_000 * MICRO,
        settled_trades=100_000_000,
    )
    return msgspec.structs.replace(values, **changes)


def test_full_kelly_of_an_even_bet_at_sixty_percent_is_a_fifth() -> None:
    """(0.6 − 0.5) / (1 − 0.5) = 0.2; a quarter of it on 1,000 dollars is 50."""
    assert kelly_stake_u(KELLY, AccountCaps(kelly_prior_trades=0), plain()) == 50 * MICRO


def test_a_short_record_stakes_less_and_without_a_fair_value_kelly_stakes_nothing() -> None:
    assert shrunk_fair_u(CAPS, plain(settled_trades=0)) == 525_000
    assert kelly_stake_u(KELLY, CAPS, plain(settled_trades=0)) == 12_500_000
    assert size_entry(KELLY, CAPS, plain(fair_u=None)).qty_u == 0


def test_losses_in_a_row_shrink_the_stake_to_its_floor() -> None:
    factors = [streak_factor_u(FIXED, losses) for losses in (0, 1, 3, 9, 40)]
    assert factors == [MICRO, 900_000, 700_000, 100_000, 100_000]
    own = msgspec.structs.replace(FIXED, streak_step_u=250_000, streak_floor_u=400_000)
    assert [streak_factor_u(own, losses) for losses in (0, 1, 2, 3)] == [MICRO, 750_000, 500_000, 400_000]
    whole = size_entry(own, CAPS, plain()).cost_usd_u
    halved = size_entry(own, CAPS, plain(losing_streak=2)).cost_usd_u
    assert 2 * halved == pytest.approx(whole, abs=2 * MICRO)


def test_the_fee_is_part_of_the_stake() -> None:
    with_fee = plain(balance_u=10_000 * MICRO, available_u=10_000 * MICRO)
    with_fee = msgspec.structs.replace(with_fee, fees=FeeSchedule(taker_rate_u=70_000, quantum_u=10_000))
    sizing = size_entry(FIXED, CAPS, with_fee)
    assert sizing.qty_u == 96_590_000
    assert 49_980_000 < sizing.cost_usd_u <= 50 * MICRO
