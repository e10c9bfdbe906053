"""Judge one order against an account's limits: pure, exact, worst case.

Invariant: a limit is the last amount that is allowed; one µUSD above it is refused. An order that only reduces a
position passes every rule, also the number of open orders: refusing it would keep the risk.
Source: ORDER CHECKS of SEC 15c3-5 (c)(1) and RTS 6 Art. 15, as check lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from venues.types import MICRO


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAsk:
    """What the order would take: `cost_u` is the most it can lose with its fee, µUSD; 0 when it only reduces."""

    cost_u: int
    reduces: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSnapshot:
    """The account before the order, µUSD and counts. Working and unknown orders count in full.

    `unrealized_u` is `open_losses_u` of the account's own legs: what another account, or another leg, would gain is
    not in it.
    """

    cash_u: int
    reserved_u: int
    market_exposure_u: int
    total_exposure_u: int
    open_orders: int
    realized_today_u: int
    unrealized_u: int
    losses_in_a_row: int

    @property
    def loss_today_u(self) -> int:
        """What the account lost for good today plus what its losing legs would lose now; never below zero.

        Profit counts only where it is realised, and in this account: a positive `unrealized_u` is taken as 0.
        """
        return max(0, -(self.realized_today_u + min(0, self.unrealized_u)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    max_order_usd_u: int
    max_position_usd_u: int
    max_exposure_usd_u: int
    max_daily_loss_usd_u: int
    max_open_orders: int
    max_losses_in_a_row: int
    max_balance_share_u: int


@dataclass(frozen=True, slots=True)
class Breach:
    """The first limit that says no; `code` is one of `core.errors.CODES`."""

    code: str
    value: int
    limit: int


def open_losses_u(legs_u: Iterable[int]) -> int:
    """What the losing legs of one account would lose at their marks, µUSD, 0 or below: a leg's gain offsets nothing."""
    return sum(min(0, leg_u) for leg_u in legs_u)


def judge(ask: OrderAsk, snapshot: RiskSnapshot, limits: Limits) -> Breach | None:
    """The first breach in the order of the table, or None."""
    return next((breach for breach in _breaches(ask, snapshot, limits)), None)


def _breaches(ask: OrderAsk, account: RiskSnapshot, limits: Limits) -> Iterator[Breach]:
    if ask.reduces:
        return
    if account.open_orders >= limits.max_open_orders:
        yield Breach("max_open_orders", account.open_orders + 1, limits.max_open_orders)
    if account.loss_today_u >= limits.max_daily_loss_usd_u:
        yield Breach("daily_loss", account.loss_today_u, limits.max_daily_loss_usd_u)
    if account.losses_in_a_row >= limits.max_losses_in_a_row:
        yield Breach("loss_streak", account.losses_in_a_row, limits.max_losses_in_a_row)
    if ask.cost_u > limits.max_order_usd_u:
        yield Breach("max_order_usd", ask.cost_u, limits.max_order_usd_u)
    share_u = max(0, account.cash_u) * limits.max_balance_share_u // MICRO
    if ask.cost_u > share_u:
        yield Breach("max_balance_share", ask.cost_u, share_u)
    if (position_u := account.market_exposure_u + ask.cost_u) > limits.max_position_usd_u:
        yield Breach("max_position_usd", position_u, limits.max_position_usd_u)
    if (exposure_u := account.total_exposure_u + ask.cost_u) > limits.max_exposure_usd_u:
        yield Breach("max_exposure_usd", exposure_u, limits.max_exposure_usd_u)
    if (held_u := account.reserved_u + ask.cost_u) > account.cash_u:
        yield Breach("insufficient_cash", held_u, account.cash_u)
