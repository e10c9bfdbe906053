"""An exchange with one market and two clients, and orders in cents and whole contracts."""

from __future__ import annotations

import pytest

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_rules import KALSHI_RULES, POLYMARKET_RULES
from venues.simulator.exchange_types import (
    ExchangeReject,
    FeeSpec,
    MarketSpec,
    NewOrder,
    RejectCode,
)
from venues.types import MICRO, Outcome, Side

START_MS = 1_000_000
DOLLARS = MICRO
FEES = FeeSpec(70_000, 17_500)


def kalshi(**terms: object) -> Exchange:
    return opened(Exchange(KALSHI_RULES, seed=3), MarketSpec(native_id="M", event_id="E", **terms))


def polymarket(**terms: object) -> Exchange:
    return opened(Exchange(POLYMARKET_RULES, seed=3), MarketSpec(native_id="M", event_id="E", **terms))


def opened(exchange: Exchange, spec: MarketSpec) -> Exchange:
    exchange.add_market(spec, START_MS)
    for client in ("ann", "bob"):
        exchange.open_account(client, 100 * DOLLARS, now_ms=START_MS)
    exchange.open_account("house", 0, is_house=True)
    return exchange


def bid(price_c: int, contracts: int, **fields: object) -> NewOrder:
    return _order(Side.BUY, Outcome.YES, price_c, contracts, fields)


def sell_no(price_c: int, contracts: int, **fields: object) -> NewOrder:
    return _order(Side.SELL, Outcome.NO, price_c, contracts, fields)


def ask(price_c: int, contracts: int, **fields: object) -> NewOrder:
    return _order(Side.SELL, Outcome.YES, price_c, contracts, fields)


def buy_no(price_c: int, contracts: int, **fields: object) -> NewOrder:
    return _order(Side.BUY, Outcome.NO, price_c, contracts, fields)


def _order(side: Side, outcome: Outcome, price_c: int, contracts: int, fields: dict[str, object]) -> NewOrder:
    return NewOrder(
        native_id="M",
        side=side,
        outcome=outcome,
        price_u=price_c * 10_000,
        qty_u=contracts * MICRO,
        **fields,
    )


def rejected(exchange: Exchange, account: str, order: NewOrder, now_ms: int = START_MS) -> RejectCode:
    with pytest.raises(ExchangeReject) as caught:
        exchange.submit(account, order, now_ms)
    return caught.value.code


def levels(exchange: Exchange) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    market = exchange.market("M")
    return market.bids.depth(), market.asks.depth()
