"""In-play dip reversion: buy an outcome that fell below its pregame price in a live game, sell it when it recovers.

Story: both outcomes of a market are looked at, each in its own frame. Without a position the entry gates are asked in
order, then confidence, then size; with one the exit rules are, in `exits`. Every answer is told with its numbers.

Invariant: at most one order of a market is on its way at a time; an entry's cost, fee included, is within every cap.
"""

from __future__ import annotations

from collections.abc import Sequence

from trading.domain.commands import Command, GateResult, Sizing, Unit, Verdict
from trading.domain.confidence import Evidence, breakdown, judge, usual_swing_u
from trading.domain.desk import Desk
from trading.domain.games import SECOND_US
from trading.domain.gates import ALL_PASSED, GATES, first_block, first_block_now, results_until, still_blocked
from trading.domain.market_view import Look, MarketView
from trading.domain.sizing import SizingInputs, size_entry
from trading.domain.strategies.base import NOTHING
from trading.domain.strategies.exits import evaluate_exit
from trading.domain.strategies.orders import entry_order
from trading.domain.strategies.telling import is_worth_telling, tell
from venues.types import MICRO

NAME = "dip_reversion"


class DipReversion:
    """The strategy; it has no state of its own."""

    name = NAME

    def evaluate(self, market: MarketView, desk: Desk, now_us: int) -> Sequence[Command]:
        yes, no = market.looks
        first = _evaluate_look(yes, desk, now_us)
        second = _evaluate_look(no, desk, now_us)
        if first and second:
            return (*first, *second)
        return first or second


def _evaluate_look(look: Look, desk: Desk, now_us: int) -> Sequence[Command]:
    if desk.portfolio.holdings and desk.leg(look).qty_u:
        return evaluate_exit(look, desk, now_us, strategy=NAME)
    if still_blocked(look, desk, now_us):
        return NOTHING
    block = first_block(look, desk, now_us)
    return _weigh_entry(look, desk, now_us) if block == ALL_PASSED else _gate_closed(look, desk, now_us, block)


def _gate_closed(look: Look, desk: Desk, now_us: int, block: int) -> Sequence[Command]:
    name = GATES[block].name
    if not is_worth_telling(look, name, desk, now_us):
        return NOTHING
    gates = results_until(block, look, desk, now_us)
    return (tell(look, now_us, strategy=NAME, verdict=Verdict.BLOCKED, reason=name, gates=gates),)


def _weigh_entry(look: Look, desk: Desk, now_us: int) -> Sequence[Command]:
    """All gates passed: is the strategy sure enough, and what is it worth?"""
    settings = look.market.settings
    evidence = entry_evidence(look, desk, now_us)
    score_u, fall_u = judge(evidence, desk.scales, settings.min_confidence_u)
    if score_u < settings.min_confidence_u:
        look.weigh_below_ask_u = look.ask_u - fall_u if fall_u else MICRO
        look.weigh_below_mid_u2 = look.mid_u2 - 2 * fall_u if fall_u else 2 * MICRO
        return _blocked(look, desk, now_us, "confidence", evidence, None)
    sizing = size_entry(settings, desk.config.caps, sizing_inputs(look, desk))
    if not sizing.qty_u:
        return _blocked(look, desk, now_us, "size", evidence, sizing)
    block = first_block_now(look, desk, now_us)
    if block != ALL_PASSED:
        return _gate_closed(look, desk, now_us, block)
    if not settings.auto_trade:
        return _propose(look, desk, now_us, evidence, sizing)
    return _enter(look, desk, now_us, evidence, sizing)


def entry_evidence(look: Look, desk: Desk, now_us: int) -> Evidence:
    """The numbers the confidence of this entry rests on."""
    market = look.market
    game = market.game
    assert game is not None and game.state is not None
    ask_u, fair_u, settings = look.ask_u, look.fair_u, market.settings
    return Evidence(
        swing_u=usual_swing_u(game.state.sport),
        edge_u=None if fair_u is None else fair_u - ask_u - market.fee_u(ask_u),
        drop_u=None if look.baseline_u is None else look.baseline_u - look.mid_u2 // 2,
        time_left_u=market.time_left_u,
        spread_u=market.book.best_ask_u - market.book.best_bid_u,
        max_spread_u=settings.max_spread_u,
        depth_usd_u=look.depth_usd_u(settings.default_position_usd_u),
        wanted_usd_u=settings.default_position_usd_u,
        recent_fall_u=market.trail.fall_u(market.last_mid_u2, now_us, is_yes=look.is_yes),
        fresh_sources=game.trust(now_us, desk.config.trust).fresh_sources,
        recoverable_u=look.recoverable_u,
    )


def sizing_inputs(look: Look, desk: Desk) -> SizingInputs:
    """What the size of this entry is bounded by, at the worst price it may pay."""
    market = look.market
    listing, account = market.listing, market.account
    assert listing is not None and account is not None
    limit_u, exposure, caps = look.entry_limit_u(), desk.exposure(market), desk.config.caps
    return SizingInputs(
        price_u=limit_u,
        fees=listing.fees,
        fair_u=look.fair_u,
        balance_u=desk.balance_u(account.account),
        available_u=desk.available_u(account.account),
        depth_qty_u=min(look.depth_u(limit_u) * caps.max_depth_share_u // MICRO, caps.max_order_qty_u),
        market_used_u=exposure.market_u,
        game_used_u=exposure.game_u,
        league_used_u=exposure.league_u,
        total_used_u=exposure.total_u,
        lot_u=listing.lot_u,
        min_qty_u=listing.min_qty_u,
        min_usd_u=listing.min_taker_usd_u,
        losing_streak=desk.record.losing_streak,
        settled_trades=desk.record.settled,
    )


def _last_gates(
    look: Look, desk: Desk, now_us: int, evidence: Evidence, sizing: Sizing | None
) -> tuple[GateResult, ...]:
    minimum_u = look.market.settings.min_confidence_u
    confidence_u = judge(evidence, desk.scales, minimum_u).score_u
    sure = GateResult("confidence", confidence_u >= minimum_u, confidence_u, minimum_u, Unit.RATIO_U)
    gates = (*results_until(ALL_PASSED, look, desk, now_us), sure)
    if sizing is None:
        return gates
    assert look.market.listing is not None
    return (*gates, GateResult("size", sizing.qty_u > 0, sizing.qty_u, look.market.listing.min_qty_u, Unit.QTY_U))


def _blocked(
    look: Look, desk: Desk, now_us: int, reason: str, evidence: Evidence, sizing: Sizing | None
) -> Sequence[Command]:
    if not is_worth_telling(look, reason, desk, now_us):
        return NOTHING
    record = tell(
        look,
        now_us,
        strategy=NAME,
        verdict=Verdict.BLOCKED,
        reason=reason,
        gates=_last_gates(look, desk, now_us, evidence, sizing),
        confidence=breakdown(evidence, desk.scales),
        sizing=sizing,
        note=sizing.binding if sizing is not None else "",
    )
    return (record,)


def _propose(look: Look, desk: Desk, now_us: int, evidence: Evidence, sizing: Sizing) -> Sequence[Command]:
    """It would have entered, and may not act without being asked."""
    if not is_worth_telling(look, "proposal", desk, now_us):
        return NOTHING
    record = tell(
        look,
        now_us,
        strategy=NAME,
        verdict=Verdict.PROPOSE,
        reason="proposal",
        gates=_last_gates(look, desk, now_us, evidence, sizing),
        confidence=breakdown(evidence, desk.scales),
        sizing=sizing,
        price_u=sizing.limit_price_u,
        qty_u=sizing.qty_u,
    )
    return (record,)


def _enter(look: Look, desk: Desk, now_us: int, evidence: Evidence, sizing: Sizing) -> Sequence[Command]:
    order = entry_order(
        look,
        desk,
        now_us,
        strategy=NAME,
        price_u=sizing.limit_price_u,
        qty_u=sizing.qty_u,
        max_cost_u=sizing.cost_usd_u,
    )
    record = tell(
        look,
        now_us,
        strategy=NAME,
        verdict=Verdict.ENTER,
        reason=NAME,
        gates=_last_gates(look, desk, now_us, evidence, sizing),
        decision_id=order.decision_id,
        confidence=breakdown(evidence, desk.scales),
        sizing=sizing,
        price_u=order.price_u,
        qty_u=order.qty_u,
    )
    look.entry_bucket = now_us // (desk.config.pacing.entry_bucket_s * SECOND_US)
    desk.intents.add(order)
    desk.touch_game_of(look.market)
    return (record, order)
