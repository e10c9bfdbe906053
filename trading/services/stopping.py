"""What a stop writes down for one account: what was there, and what the last look at the venue found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accounts.models import VenueAccount
from core import clock
from risk.models import KillSwitchEvent, KillSwitchPart
from risk.receipts import stop_part_begin, stop_part_note
from trading.models import Order
from trading.selectors.stops import orders_in, positions_in, realized_u


def account_stop_begin(
    *, event: KillSwitchEvent, venue_account: VenueAccount, orders: Iterable[Order] | None = None
) -> KillSwitchPart:
    """The account's part of the stop; made once, whoever asks first. `orders`: what worked in its scope when the stop
    reached the account, if that was read before."""
    part = KillSwitchPart.objects.filter(event=event, venue_account=venue_account).first()
    return part or stop_part_begin(
        event=event,
        venue_account=venue_account,
        orders=[order_facts(order) for order in (orders_in(event, venue_account) if orders is None else orders)],
        positions_open=positions_in(event, venue_account).count(),
        realized_u=realized_u(venue_account),
    )


def account_stop_note(
    *, part: KillSwitchPart, stuck: list[dict[str, Any]], left_alone: int, is_gone: bool, by: str
) -> KillSwitchPart:
    """Write down a look. `is_gone`: the venue's own list shows nothing of ours in scope, and no send is unanswered."""
    event, account, moment = part.event, part.venue_account, clock.now()
    held = positions_in(event, account).count()
    if event.flatten and is_gone:
        stuck = [*stuck, *_unsold(event, account)]
    stop_part_note(
        part=part,
        gone_at=moment if is_gone else None,
        flat_at=moment if event.flatten and not held else None,
        by=by,
        stuck=stuck,
        left_alone=left_alone,
        positions_closed=max(0, part.positions_open - held),
        pnl_u=realized_u(account) - part.realized_before_u,
    )
    return KillSwitchPart.objects.select_related("event", "venue_account__user").get(pk=part.pk)


def order_facts(order: Order) -> dict[str, Any]:
    """An order as a receipt shows it; quantities and prices in millionths."""
    return {
        "client_order_id": order.client_order_id,
        "market_id": order.market.market_id,
        "side": order.side,
        "outcome": order.outcome,
        "price_u": order.price_u,
        "qty_u": order.qty_u,
        "filled_u": order.filled_u,
        "status": order.status,
    }


def stuck_order(order: Order, *, why: str) -> dict[str, Any]:
    """One line of "cannot be canceled now": an order that expires by itself is gone then at the latest."""
    until = order.expires_at.isoformat(timespec="seconds") if order.expires_at is not None else ""
    return {"what": "order", **order_facts(order), "why": why[:300], "until": until}


def _unsold(event: KillSwitchEvent, account: VenueAccount) -> list[dict[str, Any]]:
    return [
        {
            "what": "position",
            "market_id": held.market.market_id,
            "outcome": held.outcome,
            "qty_u": held.qty_u,
            "why": "not sold yet: it waits for a bid within the slippage cap",
            "until": "",
        }
        for held in positions_in(event, account).select_related("market")
    ]
