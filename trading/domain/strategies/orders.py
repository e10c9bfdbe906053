"""The orders a strategy sends: their names, and the kind that leaves no stranger at the venue.

A venue with a fence at its side (an order group that can be cut off) lets an immediate-or-cancel order that arrives
late be stopped; elsewhere a short good-till-date bounds how late it can act, and the session cancels what rests.
"""

from __future__ import annotations

from trading.domain.commands import Purpose, SubmitOrder
from trading.domain.config import Pacing
from trading.domain.desk import Desk
from trading.domain.games import SECOND_US
from trading.domain.market_view import Look
from trading.domain.strategies.base import decision_id
from venues.ports import Capabilities
from venues.types import Side, TimeInForce


def time_in_force(capabilities: Capabilities, pacing: Pacing, now_us: int) -> tuple[TimeInForce, int | None]:
    """The kind of order and, where it may rest, the UTC millisecond at which it expires."""
    if capabilities.fences:
        return TimeInForce.IOC, None
    return TimeInForce.GTD, now_us // 1_000 + pacing.resting_expiry_s * 1_000


def entry_order(
    look: Look, desk: Desk, now_us: int, *, strategy: str, price_u: int, qty_u: int, max_cost_u: int
) -> SubmitOrder:
    """Buy the outcome, costing at most `max_cost_u` with its fee."""
    bucket = now_us // (desk.config.pacing.entry_bucket_s * SECOND_US)
    return _order(
        look,
        desk,
        now_us,
        strategy=strategy,
        purpose=Purpose.ENTRY,
        bucket=bucket,
        price_u=price_u,
        qty_u=qty_u,
        max_cost_u=max_cost_u,
        reason=strategy,
    )


def exit_order(
    look: Look, desk: Desk, now_us: int, *, strategy: str, price_u: int, qty_u: int, reason: str
) -> SubmitOrder:
    """Sell what is held, never more."""
    bucket = now_us // (desk.config.pacing.exit_retry_s * SECOND_US)
    return _order(
        look,
        desk,
        now_us,
        strategy=strategy,
        purpose=Purpose.EXIT,
        bucket=bucket,
        price_u=price_u,
        qty_u=qty_u,
        max_cost_u=0,
        reason=reason,
    )


def _order(
    look: Look,
    desk: Desk,
    now_us: int,
    *,
    strategy: str,
    purpose: Purpose,
    bucket: int,
    price_u: int,
    qty_u: int,
    max_cost_u: int,
    reason: str,
) -> SubmitOrder:
    market = look.market
    assert market.account is not None
    account = market.account
    kind, expires_ms = time_in_force(account.capabilities, desk.config.pacing, now_us)
    own_id = decision_id(
        strategy=strategy,
        account=account.account,
        market_id=market.market_id,
        outcome=look.outcome,
        purpose=purpose,
        position_number=len(desk.portfolio.closings(account.account, market.market_id, look.outcome)),
        bucket=bucket,
    )
    return SubmitOrder(
        decision_id=own_id,
        strategy=strategy,
        purpose=purpose,
        account=account.account,
        market_id=market.market_id,
        game_id=market.game.game_id if market.game is not None else "",
        side=Side.BUY if purpose is Purpose.ENTRY else Side.SELL,
        outcome=look.outcome,
        price_u=price_u,
        qty_u=qty_u,
        time_in_force=kind,
        created_ms=now_us // 1_000,
        expires_ms=expires_ms,
        reduce_only=purpose is Purpose.EXIT,
        max_cost_u=max_cost_u,
        reason=reason,
        decided_u=look.ask_u if purpose is Purpose.ENTRY else look.bid_u,
    )
