"""Decision records, and when a decision *not* to act is worth telling again.

Story: the page answers "why did it not trade?" from these records. A decision to act is always told. One not to act is
told when its reason changes, and every `decision_heartbeat_s` while the game is live, but never twice within
`decision_min_gap_ms`: a gate that flickers with the book must not flood the database.
"""

from __future__ import annotations

from trading.domain.commands import Confidence, Decision, GateResult, Sizing, Verdict
from trading.domain.desk import Desk
from trading.domain.games import SECOND_US
from trading.domain.market_view import Look
from trading.domain.strategies.base import record_id


def is_worth_telling(look: Look, reason: str, desk: Desk, now_us: int) -> bool:
    """Has the reason changed, or has it been silent for a heartbeat?"""
    pacing = desk.config.pacing
    if look.told_reason != reason:
        is_worth = not look.told_us or now_us - look.told_us >= pacing.decision_min_gap_ms * 1_000
    else:
        is_worth = look.market.is_live and now_us >= look.tell_again_us
    if is_worth:
        look.tell_again_us = now_us + pacing.decision_heartbeat_s * SECOND_US
    return is_worth


def tell(
    look: Look,
    now_us: int,
    *,
    strategy: str,
    verdict: Verdict,
    reason: str,
    gates: tuple[GateResult, ...],
    decision_id: str = "",
    confidence: Confidence | None = None,
    sizing: Sizing | None = None,
    price_u: int | None = None,
    qty_u: int | None = None,
    note: str = "",
) -> Decision:
    """The record with the outcome's prices as they are now; remembers what was told and when."""
    market = look.market
    look.told_reason, look.told_us = reason, now_us
    own_id = decision_id or record_id(strategy=strategy, market_id=market.market_id, outcome=look.outcome, at_us=now_us)
    return Decision(
        decision_id=own_id,
        at_us=now_us,
        strategy=strategy,
        account=market.account.account if market.account is not None else "",
        market_id=market.market_id,
        game_id=market.game.game_id if market.game is not None else "",
        outcome=look.outcome,
        verdict=verdict,
        reason=reason,
        bid_u=look.bid_u or None,
        ask_u=look.ask_u or None,
        mid_u=look.mid_u2 // 2 or None,
        baseline_u=look.baseline_u,
        baseline_is_late=market.baseline is not None and market.baseline.is_late,
        fair_u=look.fair_u,
        gates=gates,
        confidence=confidence,
        sizing=sizing,
        price_u=price_u,
        qty_u=qty_u,
        note=note,
    )
