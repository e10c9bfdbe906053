"""When and how a position is left: the first rule that holds, in a fixed order, as a reduce-only order.

Order of rules: a halt that says flatten; the game over or the market resolving (then the settlement pays, unless a
sale is worth more); too little of the entry filled; take profit; stop loss; a part of the game we may not be in; stale
data. An exit is priced within the slippage cap of a bid that is there now, and tried again only after the last one is
over and the book has been heard of since: never blindly. With stale data it is a limit order at the last bid known,
and an alert.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from trading.domain.alerts import stale_data_exit
from trading.domain.commands import Command, GateResult, Unit, Verdict
from trading.domain.desk import Desk
from trading.domain.games import SECOND_US
from trading.domain.market_view import Look
from trading.domain.positions import Leg
from trading.domain.segments import allowed_segments, current_segment, restriction
from trading.domain.slippage import keeps_partial
from trading.domain.strategies.base import NOTHING
from trading.domain.strategies.orders import exit_order
from trading.domain.strategies.telling import is_worth_telling, tell
from venues.types import MICRO, GameStatus, MarketState


class Fires(NamedTuple):
    """Does the rule say leave, on which number, against which limit?"""

    fired: bool
    value: int | str
    limit: int | str


class Rule(NamedTuple):
    name: str
    unit: Unit
    ask: Callable[[Look, Leg, Desk, int], Fires]


def _kill_switch(look: Look, leg: Leg, desk: Desk, now_us: int) -> Fires:
    return Fires(desk.must_flatten(look.market), str(desk.state_of(look.market)), "halted, flatten")


def _resolving(look: Look, leg: Leg, desk: Desk, now_us: int) -> Fires:
    """Over and lost: whatever is bid beats a settlement at zero. Over and won, or unclear: the settlement pays."""
    worth_u = settlement_worth_u(look)
    if worth_u is None:
        return Fires(False, "not over", "over")
    return Fires(look.net_bid_u() > worth_u, look.net_bid_u(), worth_u)


def _partial_fill(look: Look, leg: Leg, desk: Desk, now_us: int) -> Fires:
    """Too little of the entry was filled to be worth its risk: leave that part again."""
    market, keep_u = look.market, look.market.settings.keep_partial_u
    account = market.account.account if market.account is not None else ""
    part = desk.intents.parts.get((account, market.market_id, look.outcome))
    if part is None:
        return Fires(False, MICRO, keep_u)
    filled_u = max(part.filled_u, leg.qty_u)
    is_kept = keeps_partial(filled_u=filled_u, asked_u=part.asked_u, keep_u=keep_u)
    return Fires(not is_kept, filled_u * MICRO // part.asked_u, keep_u)


def _take_profit(look: Look, leg: Leg, desk: Desk, now_us: int) -> Fires:
    """On what a sale would bring, its fee paid."""
    target_u = leg.entry_price_u * (MICRO + look.market.settings.take_profit_u) // MICRO
    net_u = look.net_bid_u()
    return Fires(net_u >= target_u > 0, net_u, target_u)


def _stop_loss(look: Look, leg: Leg, desk: Desk, now_us: int) -> Fires:
    """On the mark, so that the spread paid at the entry is no loss yet. Without a bid there is nothing to sell to:
    that is stale data's business."""
    stop_u, mark_u = look.stop_u(leg.entry_price_u), look.net_mark_u()
    return Fires(0 < mark_u <= stop_u, mark_u, stop_u)


def _restricted_segment(look: Look, leg: Leg, desk: Desk, now_us: int) -> Fires:
    game, settings = look.market.game, look.market.settings
    if game is None or game.state is None or not game.is_live or not settings.exit_before_segment:
        return Fires(False, "off", "on")
    allowed = allowed_segments(game.state.league, settings.allowed_segments)
    barred = restriction(game.state, allowed, settings.exit_lead_s)
    return Fires(bool(barred), barred or current_segment(game.state), " ".join(sorted(allowed)))


def _stale_data(look: Look, leg: Leg, desk: Desk, now_us: int) -> Fires:
    """The older of the book and the game feed, while the game was last seen live."""
    market, limit_s = look.market, desk.config.trust.stale_exit_s
    if market.game is None or not market.game.is_live:
        return Fires(False, 0, limit_s)
    age_s = max((now_us - market.book_us) // SECOND_US, market.game.age_s(now_us))
    return Fires(age_s > limit_s, age_s, limit_s)


RULES: tuple[Rule, ...] = (
    Rule("kill_switch", Unit.TEXT, _kill_switch),
    Rule("game_over", Unit.PRICE_U, _resolving),
    Rule("partial_fill", Unit.RATIO_U, _partial_fill),
    Rule("take_profit", Unit.PRICE_U, _take_profit),
    Rule("stop_loss", Unit.PRICE_U, _stop_loss),
    Rule("restricted_segment", Unit.TEXT, _restricted_segment),
    Rule("stale_data", Unit.SECONDS, _stale_data),
)


def settlement_worth_u(look: Look) -> int | None:
    """What the settlement is expected to pay for one contract; None while it is open. A final score that does not
    name the winner counts as a full payout: no sale is worth more than waiting for it."""
    market = look.market
    if market.state in (MarketState.DETERMINED, MarketState.SETTLED):
        return MICRO
    game = market.game
    if game is None or game.state is None or game.state.status is not GameStatus.FINAL:
        return None
    lead = game.state.home_score - game.state.away_score
    if lead == 0 or look.team not in ("home", "away"):
        return MICRO
    return MICRO if (lead > 0) is (look.team == "home") else 0


def evaluate_exit(look: Look, desk: Desk, now_us: int, *, strategy: str) -> Sequence[Command]:
    """HOLD, or an EXIT with its order, for an outcome that is held."""
    leg = desk.leg(look)
    checks, rule = [], None
    for candidate in RULES:
        fires = candidate.ask(look, leg, desk, now_us)
        checks.append(GateResult(candidate.name, not fires.fired, fires.value, fires.limit, candidate.unit))
        if fires.fired:
            rule = candidate
            break
        if candidate.name == "game_over" and fires.value != "not over":
            break
    if rule is None:
        return _hold(look, desk, now_us, strategy, "holding", tuple(checks))
    obstacle = _obstacle(look, leg, desk, now_us, rule)
    if obstacle:
        return _hold(look, desk, now_us, strategy, f"{rule.name}:{obstacle}", tuple(checks))
    return _leave(look, leg, desk, now_us, strategy=strategy, rule=rule, checks=tuple(checks))


def _obstacle(look: Look, leg: Leg, desk: Desk, now_us: int, rule: Rule) -> str:
    """Why the exit cannot be sent now; empty if it can."""
    market, pacing = look.market, desk.config.pacing
    if not desk.may_exit(market):
        return "trading_paused"
    if market.state is not MarketState.OPEN or market.listing is None or market.account is None:
        return "market_not_open"
    if desk.intents.for_market(market.market_id):
        return "order_working"
    if now_us - look.tried_exit_us < pacing.exit_retry_s * SECOND_US:
        return "retry_soon"
    if rule.name != "stale_data":
        if not market.book.is_valid or market.book.is_crossed or not look.bid_u:
            return "no_bid"
        if look.tried_exit_us and market.book_us <= look.tried_exit_us:
            return "book_not_fresh"
    qty_u = exit_qty_u(look, leg)
    if qty_u < market.listing.min_qty_u or qty_u * exit_price_u(look) // MICRO < market.listing.min_taker_usd_u:
        return "below_minimum"
    return ""


def exit_qty_u(look: Look, leg: Leg) -> int:
    """All of it, down to whole lots."""
    assert look.market.listing is not None
    return leg.qty_u // look.market.listing.lot_u * look.market.listing.lot_u


def exit_price_u(look: Look) -> int:
    """The limit: within the slippage cap of the bid now, or of the last bid known."""
    market = look.market
    bid_u = look.bid_u
    if not bid_u:
        mid_u2 = market.last_mid_u2 if look.is_yes else 2 * MICRO - market.last_mid_u2
        bid_u = mid_u2 // 2
    return look.exit_limit_u(bid_u)


def _hold(
    look: Look, desk: Desk, now_us: int, strategy: str, reason: str, checks: tuple[GateResult, ...]
) -> Sequence[Command]:
    if not is_worth_telling(look, reason, desk, now_us):
        return NOTHING
    return (tell(look, now_us, strategy=strategy, verdict=Verdict.HOLD, reason=reason, gates=checks),)


def _leave(
    look: Look, leg: Leg, desk: Desk, now_us: int, *, strategy: str, rule: Rule, checks: tuple[GateResult, ...]
) -> Sequence[Command]:
    price_u, qty_u = exit_price_u(look), exit_qty_u(look, leg)
    order = exit_order(look, desk, now_us, strategy=strategy, price_u=price_u, qty_u=qty_u, reason=rule.name)
    record = tell(
        look,
        now_us,
        strategy=strategy,
        verdict=Verdict.EXIT,
        reason=rule.name,
        gates=checks,
        decision_id=order.decision_id,
        price_u=order.price_u,
        qty_u=order.qty_u,
    )
    look.tried_exit_us = now_us
    desk.intents.add(order)
    desk.touch_game_of(look.market)
    if rule.name == "stale_data":
        return (
            stale_data_exit(look.market.market_id, look.outcome, age_s=checks[-1].value, limit_s=checks[-1].limit),
            record,
            order,
        )
    return (record, order)
