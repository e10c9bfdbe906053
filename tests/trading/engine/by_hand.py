"""Orders of a test's own, as the session would say them."""

from __future__ import annotations

import itertools

from trading.domain.commands import Purpose, SubmitOrder
from trading.domain.market_view import MarketView
from trading.engine.engine import Engine
from venues.types import MICRO, Outcome, Side, TimeInForce

_decisions = itertools.count(1)


def command_of(
    engine: Engine,
    market: MarketView,
    side: Side,
    outcome: Outcome,
    price_u: int | None,
    qty_u: int,
    time_in_force: TimeInForce,
) -> SubmitOrder:
    """What the session would say for this order; without a price it takes what is there."""
    listing, game = market.listing, market.game
    assert listing is not None and game is not None
    account = next(one for one in engine.desk.accounts.values() if one.row.venue == listing.venue)
    price_u = price_u if price_u is not None else _taking_price_u(market, side, outcome)
    is_buy = side is Side.BUY
    number = next(_decisions)
    return SubmitOrder(
        decision_id=f"test-{number}",
        strategy="test",
        purpose=Purpose.ENTRY if is_buy else Purpose.EXIT,
        account=account.name,
        market_id=market.market_id,
        game_id=game.game_id,
        side=side,
        outcome=outcome,
        price_u=price_u,
        qty_u=qty_u,
        time_in_force=time_in_force,
        created_ms=engine.clock.now_ms(),
        expires_ms=None,
        reduce_only=not is_buy,
        max_cost_u=price_u * qty_u // MICRO + MICRO if is_buy else 0,
        reason=f"test {number}",
    )


def _taking_price_u(market: MarketView, side: Side, outcome: Outcome) -> int:
    """Four cents beyond the best price of the other side: still there after the order's way."""
    reach_u = 40_000
    book = market.book
    ask_u = book.best_ask_u if outcome is Outcome.YES else MICRO - book.best_bid_u
    bid_u = book.best_bid_u if outcome is Outcome.YES else MICRO - book.best_ask_u
    price_u = min(ask_u + reach_u, 990_000) if side is Side.BUY else max(bid_u - reach_u, 10_000)
    return price_u - price_u % 10_000
