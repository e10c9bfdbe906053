"""The two amounts an order is made of: what we give (`maker_u`) and what we get (`taker_u`), both in millionths.

Invariants: never more contracts and never more dollars than asked for; a limit order's price stays exactly on the grid.
Rules: FACTS §2.7, the SDKs' ROUNDING_CONFIG, and the server's own rule for FAK and FOK (what we give at most 2
decimals, what we get at most 4), which may move the implied price off the grid by a hair, always towards a match.
"""

from __future__ import annotations

import msgspec

from venues.errors import Rejected
from venues.polymarket.constants import SIZE_STEP_U, TICK_AMOUNT_DECIMALS
from venues.types import MICRO, Side

_CENT_U = 10_000
_FOUR_DECIMALS_U = 100


class OrderAmounts(msgspec.Struct, frozen=True):
    """`maker_u` is given and `taker_u` received: µUSD against µcontracts, the dollars on our side for a buy."""

    maker_u: int
    taker_u: int

    def contracts_u(self, side: Side) -> int:
        return self.taker_u if side is Side.BUY else self.maker_u

    def usd_u(self, side: Side) -> int:
        return self.maker_u if side is Side.BUY else self.taker_u


def limit_amounts(*, side: Side, price_u: int, qty_u: int, tick_u: int) -> OrderAmounts:
    """GTC and GTD: contracts floored to 2 decimals; dollars are exact because price and size are on their grids.

    Raises Rejected `invalid_tick` or `below_minimum` before anything is sent.
    """
    _check_grid(price_u, tick_u)
    contracts_u = _floored_contracts(qty_u)
    usd_u = contracts_u * price_u // MICRO
    return OrderAmounts(usd_u, contracts_u) if side is Side.BUY else OrderAmounts(contracts_u, usd_u)


def immediate_amounts(*, side: Side, price_u: int, qty_u: int, tick_u: int) -> OrderAmounts:
    """FAK and FOK. A buy gives whole cents; where price × size is not in cents, its size shrinks to what they buy."""
    _check_grid(price_u, tick_u)
    contracts_u = _floored_contracts(qty_u)
    if side is Side.SELL:
        proceeds_u = contracts_u * price_u // MICRO
        return OrderAmounts(contracts_u, proceeds_u - proceeds_u % _FOUR_DECIMALS_U)
    exact = contracts_u * price_u
    usd_u = exact // MICRO - exact // MICRO % _CENT_U
    if usd_u == 0:
        raise Rejected("The order is worth less than one cent.", code="below_minimum")
    if usd_u * MICRO == exact:
        return OrderAmounts(usd_u, contracts_u)
    bought_u = usd_u * MICRO // price_u
    step_u = max(_FOUR_DECIMALS_U, 10 ** (6 - TICK_AMOUNT_DECIMALS[tick_u]))
    return OrderAmounts(usd_u, bought_u - bought_u % step_u)


def _floored_contracts(qty_u: int) -> int:
    contracts_u = qty_u - qty_u % SIZE_STEP_U
    if contracts_u <= 0:
        raise Rejected("The order is smaller than 0.01 contracts.", code="below_minimum")
    return contracts_u


def _check_grid(price_u: int, tick_u: int) -> None:
    if tick_u not in TICK_AMOUNT_DECIMALS:
        raise Rejected(f"The venue has no tick of {tick_u} millionths.", code="invalid_tick")
    if not tick_u <= price_u <= MICRO - tick_u or price_u % tick_u:
        raise Rejected(f"The price {price_u} is off the grid of {tick_u} millionths.", code="invalid_tick")
