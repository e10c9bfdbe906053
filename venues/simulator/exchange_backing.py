"""What stands behind an order: collateral held up front (netting venue) or balances that must be there (tokens).

Netting: the part of an account's orders that closes its position needs nothing, because the pair it completes is
worth $1 at once; the rest holds its full price and its possible fees. An account's own better-priced orders always
trade first, so counting the position against them in that order is enough for every sequence of fills: available
cash can never be driven below zero.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from venues.simulator.exchange_book import Order
from venues.simulator.exchange_fees import fee_hold_u
from venues.simulator.exchange_market import Market
from venues.simulator.exchange_rules import VenueRules
from venues.simulator.ledger import Account
from venues.types import MICRO, OrderState, Side

CENTICENT_U = 100


class Hold(msgspec.Struct, frozen=True, gc=False):
    """An order as collateral sees it: `price_u` is what one contract of the side that it buys costs."""

    is_bid: bool
    price_u: int
    qty_u: int
    is_taker: bool = False


def hold_of(order: Order) -> Hold:
    return Hold(order.is_bid, order.pay_price_u, order.remaining_u)


def netted_reserve_u(rules: VenueRules, market: Market, net_u: int, holds: Iterable[Hold]) -> int:
    """µUSD that these orders of one account in one market hold beside a position of `net_u`, in whole centicents.

    Balances of a netting venue are told in $0.0001: a finer hold would vanish from both what is free and what is held.
    """
    cover_u = {True: max(0, -net_u), False: max(0, net_u)}
    total_u = 0
    for hold in sorted(holds, key=lambda each: -each.price_u):
        closing_u = min(cover_u[hold.is_bid], hold.qty_u)
        cover_u[hold.is_bid] -= closing_u
        opening_u = hold.qty_u - closing_u
        if opening_u:
            total_u += -(-hold.price_u * opening_u // MICRO) + fee_hold_u(
                rules,
                market.spec.fee,
                price_u=hold.price_u,
                qty_u=opening_u,
                lot_u=market.spec.lot_u,
                is_taker=hold.is_taker,
            )
    return -(-total_u // CENTICENT_U) * CENTICENT_U


def cash_need_u(rules: VenueRules, market: Market, order: Order, *, is_taker: bool) -> int:
    """µUSD that a token purchase needs at its limit; taker fees come on top."""
    if order.side is Side.SELL:
        return 0
    cost_u = -(-order.price_u * order.remaining_u // MICRO)
    if not is_taker:
        return cost_u
    return cost_u + fee_hold_u(
        rules,
        market.spec.fee,
        price_u=order.price_u,
        qty_u=order.remaining_u,
        lot_u=market.spec.lot_u,
        is_taker=True,
    )


def is_backed_by_tokens(rules: VenueRules, market: Market, account: Account, order: Order, *, is_taker: bool) -> bool:
    """Whether balances cover this order beside the account's other open orders in the same market, and beside every
    delayed order anywhere: those are reserved."""
    others = [other for other in account.open_in(market.native_id) if other is not order]
    if order.side is Side.SELL:
        promised_u = sum(o.remaining_u for o in others if o.side is Side.SELL and o.outcome is order.outcome)
        is_yes = order.outcome.value == "yes"
        return account.position(market.native_id).sellable_u(is_yes=is_yes) >= promised_u + order.remaining_u
    promised_u = sum(cash_need_u(rules, market, other, is_taker=False) for other in others)
    promised_u += delayed_cash_u(account, without_market=market.native_id)
    need_u = cash_need_u(rules, market, order, is_taker=is_taker)
    return account.cash.get(market.spec.shard, 0) >= promised_u + need_u


def delayed_cash_u(account: Account, *, without_market: str = "") -> int:
    """µUSD reserved for delayed purchases."""
    return sum(
        -(-order.price_u * order.remaining_u // MICRO)
        for native_id, orders in account.open_orders.items()
        if native_id != without_market
        for order in orders.values()
        if order.state is OrderState.DELAYED and order.side is Side.BUY
    )
