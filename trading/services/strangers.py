"""Orders that a venue has and our books do not: somebody else's are counted, our own wait for a person as orphans.

Invariant: an order with our mark never becomes an ordinary order by itself, because nobody here remembers why it was
sent; an order without it is the account owner's own: shown, counted in what may be lost, never managed.
"""

from __future__ import annotations

from typing import Any

from accounts.models import VenueAccount
from core import clock
from core.kill_points import kill_point
from markets.models import Market
from trading.models import Order, OrphanedOrder, OrphanState, Position
from trading.selectors.venue_rules import nets_yes_and_no
from trading.services.claims import CLIENT_ID_PREFIX
from trading.services.moves import STATUS_OF, refresh_reservation
from trading.services.records import alert_owner, record_event, record_fact
from venues.types import MICRO, OrderReport, OrderState, Outcome, Side, TimeInForce

AT_VENUE = (OrderState.RESTING, OrderState.DELAYED)
ENDED_EMPTY = "It had ended at the venue and nothing of it was filled."


def stranger_note(account: VenueAccount, report: OrderReport) -> Order | None:
    """Keep what was told of an order that our books do not have, in the caller's transaction, after the ledger's lock.

    The external order it became; None for an orphan, and for a report that says too little.
    """
    known = OrphanedOrder.objects.filter(venue_account=account, venue_order_id=report.venue_order_id).first()
    if known is not None and known.state != OrphanState.FALSE_POSITIVE:
        _tell_orphan(account, known, report)
        return None
    if known is None and report.client_order_id.startswith(CLIENT_ID_PREFIX):
        _note_orphan(account, report)
        return None
    return _note_external(account, report)


def orphan_facts(row: OrphanedOrder) -> dict[str, object]:
    """For audit and pages."""
    return {
        "market_id": row.market_id,
        "venue_order_id": row.venue_order_id,
        "client_order_id": row.client_order_id,
        "venue_state": row.venue_state,
        "qty_u": row.qty_u,
        "filled_u": row.filled_u,
        "state": row.state,
        "reason": row.reason,
    }


def orphan_record(row: OrphanedOrder, *, kind: str, **more: object) -> None:
    """Audit and outbox of one change of an orphan."""
    record_fact(
        row.venue_account,
        kind=kind,
        subject=row,
        subject_type="orphaned_order",
        payload={**orphan_facts(row), **more},
        key=f"{row.uid}:{row.state}:{row.venue_state}:{row.filled_u}",
    )


def _note_orphan(account: VenueAccount, report: OrderReport) -> None:
    row = OrphanedOrder(
        venue_account=account,
        market_id=report.market_id,
        venue_order_id=report.venue_order_id,
        client_order_id=report.client_order_id,
        side=report.side or "",
        outcome=report.outcome or "",
        price_u=report.price_u or 0,
        qty_u=report.qty_u or report.filled_u + report.remaining_u,
        filled_u=report.filled_u,
        remaining_u=report.remaining_u,
        venue_state=report.state,
        venue_at=clock.from_ms(report.venue_ms),
    )
    if report.state not in AT_VENUE and not report.filled_u:
        row.state, row.reason, row.resolved_at = OrphanState.CLOSED, ENDED_EMPTY, clock.now()
    row.save()
    orphan_record(row, kind="orphan.found")
    if row.state == OrphanState.OPEN:
        alert_owner(
            account,
            code="orphaned_order",
            title=f"An order of ours at the venue is not in our books: {row.client_order_id}",
            subject=row,
            key=str(row.uid),
            body="Nothing here manages it. Adopt it, close it at the venue, or say that it is not ours.",
        )


def _tell_orphan(account: VenueAccount, row: OrphanedOrder, report: OrderReport) -> None:
    """Later news of it. One that a person wants off has ended when the venue says so."""
    before, filled_u = row.venue_state, row.filled_u
    if before not in AT_VENUE and report.state in AT_VENUE:
        return  # an old word: what has ended does not rest again
    changes: dict[str, Any] = {
        "venue_state": report.state,
        "filled_u": max(row.filled_u, report.filled_u),
        "remaining_u": report.remaining_u,
        "seen_at": clock.now(),
    }
    if row.state == OrphanState.CLOSING and report.state not in AT_VENUE:
        changes |= {"state": OrphanState.CLOSED, "resolved_at": clock.now()}
    OrphanedOrder.objects.filter(pk=row.pk, state=row.state).update(**changes)
    row.refresh_from_db()
    row.venue_account = account
    if (before, filled_u) != (row.venue_state, row.filled_u):
        orphan_record(row, kind="orphan.told")


def _note_external(account: VenueAccount, report: OrderReport) -> Order | None:
    market = Market.objects.filter(market_id=report.market_id).first()
    if market is None or report.side is None or report.outcome is None or not report.price_u or not report.qty_u:
        return None
    order = Order(
        venue_account=account,
        market=market,
        client_order_id=_free_name(report),
        venue_order_id=report.venue_order_id,
        side=report.side,
        outcome=report.outcome,
        price_u=report.price_u,
        qty_u=report.qty_u,
        time_in_force=TimeInForce.GTC,
        is_external=True,
        status=STATUS_OF[report.state],
        venue_filled_u=report.filled_u,
        max_cost_u=max_cost_u(account, market, report),
        claimed_at=clock.from_ms(report.venue_ms),
        acknowledged_at=clock.from_ms(report.venue_ms),
    )
    order.save()
    refresh_reservation(order)
    record_event(order, kind="adopted", before=order.status, payload={"venue_order_id": order.venue_order_id})
    kill_point("P8.external_adopted")
    return order


def max_cost_u(account: VenueAccount, market: Market, report: OrderReport) -> int:
    """The most an order that we did not size can cost, µUSD, fee included, rounded up.

    Where the venue nets, a sale beyond what is held buys the other outcome; elsewhere a sale costs nothing.
    """
    assert report.price_u is not None and report.qty_u is not None and report.outcome is not None
    price_u, qty_u = report.price_u, report.qty_u
    if report.side is Side.SELL:
        if not nets_yes_and_no(account.venue):
            return 0
        price_u, qty_u = MICRO - price_u, max(0, qty_u - _held_u(account, market, report.outcome))
    fee_u = market.venue_market.fees.fee_u(price_u=price_u, qty_u=qty_u)
    return -(-price_u * qty_u // MICRO) + fee_u


def _held_u(account: VenueAccount, market: Market, outcome: Outcome) -> int:
    held = Position.objects.filter(venue_account=account, market=market, outcome=outcome, is_open=True)
    return sum(held.values_list("qty_u", flat=True))


def _free_name(report: OrderReport) -> str:
    """The order's own name where nobody here has it already; names are used once, over all accounts."""
    name = report.client_order_id
    if name and not Order.objects.filter(client_order_id=name).exists():
        return name
    return f"ext-{report.venue_order_id}"[:80]
