"""What the rows know of an order that somebody without a session cancels: an emergency stop, the guard, a takeover.

The same parts as in `trading.domain.context`, as far as rows go: prices are known only where a book is streamed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count

from markets.models import Game, Market
from trading.models import AccountLedger, Order
from trading.selectors.risk import WORKING

Json = dict[str, Any]


def cancel_contexts(orders: Iterable[Order], *, reason: str) -> dict[int, Json]:
    """By the order's row id, for its CANCEL record. Three queries, however many orders there are."""
    rows = Order.objects.filter(pk__in=[order.pk for order in orders]).select_related("market__game")
    accounts = {row.venue_account_id for row in rows}
    ledgers = {row.venue_account_id: row for row in AccountLedger.objects.filter(venue_account__in=accounts)}
    counts = (
        Order.objects.filter(status__in=WORKING, venue_account__in=accounts)
        .values_list("venue_account")
        .annotate(Count("pk"))
    )
    working = dict(counts.order_by())
    return {
        row.pk: {
            "reason": reason,
            "order": _order(row),
            "game": _game(row.market.game),
            "market": _market(row.market),
            "risk_before": _risk(ledgers.get(row.venue_account_id), working.get(row.venue_account_id, 0)),
        }
        for row in rows
    }


def _order(row: Order) -> Json:
    return {
        "side": row.side,
        "outcome": row.outcome,
        "price_u": row.price_u,
        "qty_u": row.qty_u,
        "filled_u": row.filled_u,
        "status": row.status,
        "created_ms": int(row.created_at.timestamp() * 1_000),
    }


def _game(game: Game | None) -> Json | None:
    if game is None:
        return None
    return {
        "game_id": game.game_id,
        "status": game.status,
        "segment": game.segment,
        "clock": game.clock_text,
        "home": game.home_code,
        "away": game.away_code,
        "home_score": game.home_score,
        "away_score": game.away_score,
    }


def _market(market: Market) -> Json:
    return {"state": market.state, "baseline_u2": market.baseline_mid_u2}


def _risk(ledger: AccountLedger | None, working_orders: int) -> Json:
    cash_u, reserved_u = (ledger.cash_u, ledger.reserved_u) if ledger is not None else (0, 0)
    return {"balance_u": cash_u, "available_u": cash_u - reserved_u, "working_orders": working_orders}
