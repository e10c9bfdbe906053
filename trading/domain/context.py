"""What the trader knew when it sent or canceled an order: the part of its audit record that no row can bring back.

Plain JSON values in the units of `venues.types`: the order, the state of the game, the market's prices, the confidence
and its factors, and what was at risk before. Built only when something is done, never on a tick.
"""

from __future__ import annotations

from typing import Any

from trading.domain.commands import CancelOrder, Decision, SubmitOrder
from trading.domain.desk import Desk
from trading.domain.intents import Intent
from trading.domain.market_view import MarketView
from venues.types import Outcome

Json = dict[str, Any]


def submit_context(order: SubmitOrder, decision: Decision | None, desk: Desk, now_us: int) -> Json:
    """For an ENTRY or EXIT record, taken when the order has been decided and not been claimed."""
    market = desk.markets.get(order.market_id)
    return {
        "reason": order.reason,
        "game": _game(market),
        "market": _market(market, order.outcome, now_us),
        "confidence": _confidence(decision),
        "risk_before": _risk(desk, market, order.account, but_for=order.decision_id),
    }


def cancel_context(cancel: CancelOrder, intent: Intent | None, desk: Desk, now_us: int) -> Json:
    """For a CANCEL record: the order as it stands, and why."""
    market = desk.markets.get(cancel.market_id)
    outcome = intent.order.outcome if intent is not None else Outcome.YES
    return {
        "reason": cancel.reason,
        "order": _order(intent),
        "game": _game(market),
        "market": _market(market, outcome, now_us),
        "risk_before": _risk(desk, market, intent.order.account if intent is not None else ""),
    }


def _order(intent: Intent | None) -> Json | None:
    if intent is None:
        return None
    order = intent.order
    return {
        "side": order.side,
        "outcome": order.outcome,
        "price_u": order.price_u,
        "qty_u": intent.asked_u,
        "filled_u": intent.seen_u,
        "status": intent.status,
        "created_ms": order.created_ms,
    }


def _game(market: MarketView | None) -> Json | None:
    state = market.game.state if market is not None and market.game is not None else None
    if state is None:
        return None
    return {
        "game_id": state.game_id,
        "status": state.status,
        "segment": state.segment,
        "clock": state.clock_text,
        "remaining_s": state.remaining_s,
        "home": state.home.code,
        "away": state.away.code,
        "home_score": state.home_score,
        "away_score": state.away_score,
    }


def _market(market: MarketView | None, outcome: Outcome, now_us: int) -> Json | None:
    if market is None:
        return None
    look = next(one for one in market.looks if one.outcome is outcome)
    return {
        "state": market.state,
        "bid_u": look.bid_u or None,
        "ask_u": look.ask_u or None,
        "mid_u2": look.mid_u2 or None,
        "baseline_u": look.baseline_u,
        "fair_u": look.fair_u,
        "book_is_valid": market.book.is_valid,
        "book_age_ms": (now_us - market.book_us) // 1_000 if market.book_us else None,
        "ask_qty_u": look.best_ask_qty_u() or None,
    }


def _confidence(decision: Decision | None) -> Json | None:
    """Exits have none: they follow from rules."""
    if decision is None or decision.confidence is None:
        return None
    factors = decision.confidence.factors
    return {"score_u": decision.confidence.score_u, "factors": {one.name: one.value_u for one in factors}}


def _risk(desk: Desk, market: MarketView | None, account: str, *, but_for: str = "") -> Json:
    """What could be lost before this order; the order itself, which the session counts already, left out."""
    own = desk.intents.working.get(but_for)
    own_u = own.reserved_u if own is not None else 0
    exposure, stakes = desk.exposure(market) if market is not None else None, desk.stakes()
    return {
        "balance_u": desk.balance_u(account),
        "available_u": desk.available_u(account) + own_u,
        "market_exposure_u": exposure.market_u - own_u if exposure is not None else None,
        "game_exposure_u": exposure.game_u - own_u if exposure is not None else None,
        "total_exposure_u": sum(stake.cost_u for stake in stakes) - own_u,
        "stakes": sum(1 for stake in stakes if stake.cost_u) - (own_u > 0),
        "working_orders": len(desk.intents.working) - (own is not None),
        "losing_streak": desk.record.losing_streak,
        "trading_state": desk.state,
    }
