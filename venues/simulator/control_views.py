"""What the control port tells: the exact ledger of every client account, and the state of the world.

Integers in millionths, never rounded: this is the truth that a trader's own books are compared with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from venues.simulator.exchange import Exchange
from venues.simulator.exchange_types import AccountLedger, FillView, OrderView
from venues.simulator.world_contest import Contest
from venues.types import Venue


def account_view(venue: Venue, account_id: str, ledger: AccountLedger) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "venue": venue.value,
        "cash_u": ledger.balance.cash_u,
        "reserved_u": ledger.balance.reserved_u,
        "by_shard": [list(shard) for shard in ledger.balance.by_shard],
        "fees_u": ledger.fees_u,
        "positions": [
            {"native_id": each.native_id, "yes_qty_u": each.yes_qty_u, "no_qty_u": each.no_qty_u}
            for each in ledger.positions
        ],
        "orders": [_order(order) for order in ledger.orders],
        "fills": [_fill(fill) for fill in ledger.fills],
        "settlements": [
            {
                "native_id": each.native_id,
                "value_u": each.value_u,
                "yes_qty_u": each.yes_qty_u,
                "no_qty_u": each.no_qty_u,
                "payout_u": each.payout_u,
                "venue_ms": each.venue_ms,
            }
            for each in ledger.settlements
        ],
        "entries": [
            {"seq": each.seq, "kind": each.kind, "amount_u": each.amount_u, "ref": each.ref, "shard": each.shard}
            for each in ledger.entries
        ],
    }


def game_view(contest: Contest) -> dict[str, Any]:
    """A game with its fair price, which no venue and no feed shows."""
    fixture, sheet = contest.game.fixture, contest.game.sheet
    return {
        "event_id": fixture.event_id,
        "league": fixture.league,
        "home": fixture.home.display,
        "away": fixture.away.display,
        "start_ms": fixture.start_ms,
        "status": sheet.status.value,
        "period": sheet.period,
        "clock_s": sheet.clock_s,
        "home_score": sheet.home,
        "away_score": sheet.away,
        "winner": sheet.winner,
        "fair_home": round(contest.game.odds.home, 4),
        "markets": [f"{quoted.venue.value}:{quoted.native_id}" for quoted in contest.quoted],
    }


def market_view(venue: Venue, exchange: Exchange, native_id: str, side: str) -> dict[str, Any]:
    market = exchange.market(native_id)
    return {
        "venue": venue.value,
        "native_id": native_id,
        "side": side,
        "state": market.state.value,
        "best_bid_u": market.best_bid_u,
        "best_ask_u": market.best_ask_u,
        "value_u": market.value_u,
        "volume_u": market.volume_u,
    }


def markets_view(contests: list[Contest], exchanges: Mapping[Venue, Exchange]) -> list[dict[str, Any]]:
    return [
        market_view(quoted.venue, exchanges[quoted.venue], quoted.native_id, quoted.side)
        for contest in contests
        for quoted in contest.quoted
    ]


def _order(order: OrderView) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "native_id": order.native_id,
        "side": order.side.value,
        "outcome": order.outcome.value,
        "price_u": order.price_u,
        "qty_u": order.qty_u,
        "filled_u": order.filled_u,
        "remaining_u": order.remaining_u,
        "state": order.state.value,
    }


def _fill(fill: FillView) -> dict[str, Any]:
    return {
        "trade_id": fill.trade_id,
        "leg": fill.leg,
        "order_id": fill.order_id,
        "native_id": fill.native_id,
        "side": fill.side.value,
        "outcome": fill.outcome.value,
        "price_u": fill.price_u,
        "qty_u": fill.qty_u,
        "fee_u": fill.fee_u,
        "is_taker": fill.is_taker,
        "settle_state": fill.settle_state.value,
        "venue_ms": fill.venue_ms,
    }
