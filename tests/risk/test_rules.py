"""The rules at their boundaries: the limit itself passes, one more does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.rules import Limits, OrderAsk, RiskSnapshot, judge, open_losses_u

USD = 1_000_000
LIMITS = Limits(
    max_order_usd_u=100 * USD,
    max_position_usd_u=300 * USD,
    max_exposure_usd_u=500 * USD,
    max_daily_loss_usd_u=50 * USD,
    max_open_orders=5,
    max_losses_in_a_row=4,
    max_balance_share_u=100_000,
)
CALM = RiskSnapshot(
    cash_u=1_000 * USD,
    reserved_u=0,
    market_exposure_u=0,
    total_exposure_u=0,
    open_orders=0,
    realized_today_u=0,
    unrealized_u=0,
    losses_in_a_row=0,
)


@pytest.mark.parametrize(
    ("code", "at_the_limit", "beyond", "cost_u"),
    [
        ("max_open_orders", {"open_orders": 4}, {"open_orders": 5}, USD),
        ("daily_loss", {"realized_today_u": -50 * USD + 1}, {"realized_today_u": -50 * USD}, USD),
        ("daily_loss", {"unrealized_u": -50 * USD + 1}, {"unrealized_u": -50 * USD}, USD),
        ("loss_streak", {"losses_in_a_row": 3}, {"losses_in_a_row": 4}, USD),
        ("max_order_usd", {"cash_u": 10_000 * USD}, None, 100 * USD),
        ("max_balance_share", {"cash_u": 1_000 * USD}, {"cash_u": 1_000 * USD - 10}, 100 * USD),
        ("max_position_usd", {"market_exposure_u": 200 * USD}, {"market_exposure_u": 200 * USD + 1}, 100 * USD),
        ("max_exposure_usd", {"total_exposure_u": 400 * USD}, {"total_exposure_u": 400 * USD + 1}, 100 * USD),
        ("insufficient_cash", {"reserved_u": 900 * USD}, {"reserved_u": 900 * USD + 1}, 100 * USD),
    ],
)
def test_each_limit_allows_its_last_unit_and_not_one_more(code, at_the_limit, beyond, cost_u):
    assert judge(OrderAsk(cost_u=cost_u, reduces=False), replace(CALM, **at_the_limit), LIMITS) is None
    ask = OrderAsk(cost_u=cost_u if beyond else cost_u + 1, reduces=False)
    breach = judge(ask, replace(CALM, **(beyond or at_the_limit)), LIMITS)
    assert breach is not None and breach.code == code


def test_profit_that_is_not_realised_never_offsets_a_loss():
    account = replace(CALM, realized_today_u=-50 * USD, unrealized_u=1_000 * USD)
    assert judge(OrderAsk(cost_u=USD, reduces=False), account, LIMITS).code == "daily_loss"


def test_a_limit_of_zero_allows_nothing():
    nothing = replace(LIMITS, max_daily_loss_usd_u=0)
    assert judge(OrderAsk(cost_u=1, reduces=False), CALM, nothing).code == "daily_loss"


@given(st.builds(RiskSnapshot, **{name: st.integers(-(10**12), 10**12) for name in CALM.__dataclass_fields__}))
def test_nothing_ever_stops_a_reduction(account):
    assert judge(OrderAsk(cost_u=0, reduces=True), account, LIMITS) is None


def test_the_gain_of_one_leg_offsets_no_loss_of_another():
    legs_u = [-50 * USD, 400 * USD]
    account = replace(CALM, unrealized_u=open_losses_u(legs_u))
    assert judge(OrderAsk(cost_u=USD, reduces=False), account, LIMITS).code == "daily_loss"
    assert open_losses_u([]) == 0


@given(st.lists(st.integers(-(10**9), 10**9)), st.integers(0, 10**9))
def test_one_more_winning_leg_never_lessens_the_loss_of_the_day(legs_u, gain_u):
    before, after = (replace(CALM, unrealized_u=open_losses_u(legs)) for legs in (legs_u, [*legs_u, gain_u]))
    assert after.loss_today_u == before.loss_today_u


@given(st.integers(0, 10**12), st.integers(0, 10**9))
def test_what_a_larger_order_may_do_a_smaller_one_may_too(cost_u, less_u):
    if judge(OrderAsk(cost_u=cost_u, reduces=False), CALM, LIMITS) is None:
        smaller = OrderAsk(cost_u=max(0, cost_u - less_u), reduces=False)
        assert judge(smaller, CALM, LIMITS) is None
