"""What holds for every order: reductions pass, smaller is never worse, grids and collars are those of the tables."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.checks import CLAIM_CHECKS, judge_claim, judge_live, market, price
from risk.checks.values import ClaimSnapshot, Flow, Money, OrderAsk, open_losses_u
from risk.limits import ACCOUNT_DEFAULTS, FLOORS, HARD_CAPS, NAMES, Level, is_raise, strictest
from tests.risk.checks.calm import CLAIM, LIMITS, LIVE, USD, numbers_of, with_
from venues.types import MICRO, Outcome, PriceBand, Side

TICK_TABLES = {
    "a cent": (PriceBand(0, MICRO, 10_000),),
    "half a cent": (PriceBand(0, MICRO, 5_000),),
    "a tenth": (PriceBand(0, MICRO, 1_000),),
    "a hundredth": (PriceBand(0, MICRO, 100),),
    "fine at the ends": (PriceBand(0, 100_000, 1_000), PriceBand(100_000, 900_000, 10_000),
                         PriceBand(900_000, MICRO, 1_000)),
    "fine at the very ends": (PriceBand(0, 40_000, 1_000), PriceBand(40_000, 960_000, 10_000),
                              PriceBand(960_000, MICRO, 1_000)),
}  # fmt: skip
amounts = st.integers(-(10**12), 10**12)
moneys = st.builds(Money, **dict.fromkeys(numbers_of(Money), amounts))
flows = st.builds(Flow, **{name: st.integers(0, 1_000) for name in numbers_of(Flow) if name != "crossed"})


@pytest.mark.parametrize("bands", TICK_TABLES.values(), ids=TICK_TABLES)
def test_a_price_passes_exactly_where_its_table_has_a_step(bands: tuple[PriceBand, ...]):
    steps = {price_u for band in bands for price_u in range(band.start_u, band.end_u + 1, band.step_u)}
    dice = random.Random(3)
    for price_u in [*sorted(steps)[:50], *(dice.randrange(MICRO + 1) for _ in range(10_000))]:
        for outcome in Outcome:
            asked_u = price_u if outcome is Outcome.YES else MICRO - price_u
            one = replace(LIVE, market=_with_bands(bands), ask=replace(LIVE.ask, price_u=asked_u, outcome=outcome))
            assert (market.on_grid(one) is None) is (price_u in steps and 0 < price_u < MICRO), price_u


def _with_bands(bands: tuple[PriceBand, ...]) -> Any:
    return with_(LIVE, {"market.bands": bands}).market


def test_a_collar_lets_nothing_pass_that_is_further_out_than_it_says():
    """Thousands of orders and books: what passes is within the collar by a reckoning of its own."""
    dice = random.Random(4)
    for _ in range(20_000):
        bid_u, ask_u = sorted(dice.sample(range(10_000, 990_000), 2))
        side, outcome = dice.choice(list(Side)), dice.choice(list(Outcome))
        price_u = dice.randrange(1, MICRO)
        book = replace(LIVE.book, best_bid_u=bid_u, best_ask_u=ask_u)
        asked = replace(LIVE.ask, side=side, outcome=outcome, price_u=price_u)
        best_u = {
            (Side.BUY, Outcome.YES): ask_u,
            (Side.SELL, Outcome.YES): bid_u,
            (Side.BUY, Outcome.NO): MICRO - bid_u,
            (Side.SELL, Outcome.NO): MICRO - ask_u,
        }[side, outcome]
        worse_by_u = price_u - best_u if side is Side.BUY else best_u - price_u
        assert (price.near_the_book(replace(LIVE, book=book, ask=asked)) is None) is (worse_by_u <= 30_000)


@given(moneys, flows)
def test_nothing_that_was_lost_or_is_at_stake_ever_stops_a_reduction(money: Money, flow: Flow):
    ask = OrderAsk(cost_u=0, reduces=True, side=Side.SELL)
    assert judge_claim(ClaimSnapshot(ask=ask, limits=LIMITS, money=money, flow=flow, free_qty_u=MICRO)) is None


def test_old_data_never_stops_a_reduction():
    changes = {
        "ask.reduces": True,
        "ask.side": Side.SELL,
        "ask.price_u": 390_000,
        "book.is_valid": False,
        "book.age_ms": 10**9,
        "game.score_age_ms": 10**9,
        "is_private_up": False,
        "is_feed_up": False,
        "skew_ms": 10**9,
        "failed_of_50": 50,
        "cash_at_venue_u": 0,
    }
    assert judge_live(with_(LIVE, changes)) is None


@given(moneys, flows, st.integers(MICRO // 100, 10**9), st.integers(0, 10**9))
def test_what_a_larger_order_may_do_a_smaller_one_may_too(money: Money, flow: Flow, qty_u: int, less_u: int):
    def passes(qty_u: int) -> bool:
        ask = OrderAsk(cost_u=qty_u, reduces=False, price_u=500_000, qty_u=qty_u)
        return judge_claim(ClaimSnapshot(ask=ask, limits=LIMITS, money=money, flow=flow)) is None

    if passes(qty_u):
        assert passes(max(1, qty_u - less_u))


def test_profit_that_is_not_realised_never_offsets_a_loss():
    one = with_(CLAIM, {"money.realized_today_u": -500 * USD, "money.unrealized_u": 1_000 * USD})
    assert [check.ask.__name__ for check in CLAIM_CHECKS if check.ask(one)] == ["daily_loss", "daily_loss_share"]


@given(st.lists(st.integers(-(10**9), 10**9)), st.integers(0, 10**9))
def test_one_more_winning_leg_never_lessens_the_loss_of_the_day(legs_u: list[int], gain_u: int):
    before, after = (Money(unrealized_u=open_losses_u(legs)) for legs in (legs_u, [*legs_u, gain_u]))
    assert after.loss_today_u == before.loss_today_u
    assert open_losses_u([]) == 0


levels = st.dictionaries(st.sampled_from(NAMES), st.none() | st.integers(0, 10**9))


@given(levels, levels, levels)
def test_no_level_ever_makes_another_one_looser(venue: Any, account: Any, strategy: Any):
    named = [(Level.VENUE, venue), (Level.ACCOUNT, account), (Level.STRATEGY, strategy)]
    held = strictest(named)
    for name in NAMES:
        value = getattr(held, name)
        said = [getattr(HARD_CAPS, name), *(given[name] for _, given in named if given.get(name) is not None)]
        assert value == (max(said) if name in FLOORS else min(said))
        assert held.level_of(name) is Level.HARD_CAP or dict(named)[held.level_of(name)][name] == value


def test_more_levels_only_ever_tighten_and_the_defaults_are_within_the_caps():
    chain = [strictest([]), strictest([(Level.ACCOUNT, ACCOUNT_DEFAULTS)])]
    chain.append(strictest([(Level.ACCOUNT, ACCOUNT_DEFAULTS), (Level.VENUE, {"max_order_usd_u": 1})]))
    for before, after in pairwise(chain):
        assert not any(is_raise(name, before=getattr(before, name), after=getattr(after, name)) for name in NAMES)
    assert all(
        not is_raise(name, before=getattr(HARD_CAPS, name), after=value) for name, value in ACCOUNT_DEFAULTS.items()
    )
