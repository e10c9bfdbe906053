"""What an order asks of the permit and of its venue, and the one call that places it.

Invariant: whatever goes wrong once the call was made comes back as an error of ours; what nobody foresaw (an adapter
that stumbles over an answer) is an unknown outcome, for the order may have arrived.
"""

from __future__ import annotations

from accounts.models import VenueAccount
from core.clock import to_ms
from risk.selectors import scopes_of
from trading.engine.permit import PermitAsk
from trading.models import Order
from venues.errors import OutcomeUnknown, VenueError
from venues.ports import OrderAck, OrderGateway, OrderRequest, PreparedOrder
from venues.types import Outcome, Side, TimeInForce, VenueMarket


async def place(gateway: OrderGateway, prepared: PreparedOrder) -> OrderAck:
    """The one POST of an order's life. Raises VenueError only."""
    try:
        return await gateway.place(prepared)
    except VenueError:
        raise
    except Exception as stumble:
        raise OutcomeUnknown(f"The answer could not be taken in: {stumble!r}.", code="unreadable_reply") from stumble


def permit_ask(account: VenueAccount, order: Order) -> PermitAsk:
    """Every scope that can stop this order, as its claim asked for them."""
    market = order.market
    game_id = market.game.game_id if market.game else ""
    scopes = scopes_of(account, strategy=order.strategy, market_id=market.market_id, game_id=game_id)
    return PermitAsk(tuple(scopes), order.reduce_only)


def request_of(order: Order, market: VenueMarket) -> OrderRequest:
    """The row in the words of the venues' port."""
    expires_ms = to_ms(order.expires_at) if order.expires_at is not None else None
    return OrderRequest(
        client_order_id=order.client_order_id,
        market=market,
        side=Side(order.side),
        outcome=Outcome(order.outcome),
        price_u=order.price_u,
        qty_u=order.qty_u,
        time_in_force=TimeInForce(order.time_in_force),
        created_ms=to_ms(order.claimed_at),
        expires_ms=expires_ms,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        fence_token=order.fence_token,
    )
