"""The questions an entry has to pass, in order, each with the number it saw and the limit it held it against.

Story: the first gate that says no is the answer to "why did it not trade?". Gates are slow (they change with the game,
the account or the settings, and their answers are kept until one of those changes, or some seconds have passed) or
fast (they change with the book). Confidence and size follow the gates; they are the strategy's own last two questions.
Invariant: nothing is sent on a kept answer; before acting every gate is asked anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from trading.domain.commands import GateResult, Unit
from trading.domain.desk import Desk
from trading.domain.games import SECOND_US
from trading.domain.market_view import Look
from trading.domain.messages import TradingState as State
from trading.domain.segments import allowed_segments, current_segment, restriction
from venues.types import MarketState

Answer = tuple[bool, int | str, int | str]
"""(passed, value, limit)"""


class Gate(NamedTuple):
    name: str
    unit: Unit
    is_slow: bool
    ask: Callable[[Look, Desk, int], Answer]

    def result(self, look: Look, desk: Desk, now_us: int) -> GateResult:
        passed, value, limit = self.ask(look, desk, now_us)
        return GateResult(self.name, passed, value, limit, self.unit)


def _trading_active(look: Look, desk: Desk, now_us: int) -> Answer:
    state = desk.state_of(look.market)
    return state is State.ACTIVE, str(state), "active"


def _strategy_enabled(look: Look, desk: Desk, now_us: int) -> Answer:
    return look.market.settings.is_enabled, "on" if look.market.settings.is_enabled else "off", "on"


def _not_observe_only(look: Look, desk: Desk, now_us: int) -> Answer:
    return not look.market.is_observe_only, "observe only" if look.market.is_observe_only else "trade", "trade"


def _account_ready(look: Look, desk: Desk, now_us: int) -> Answer:
    """An account at this venue, within its limits, its balance known, its private stream up: blind to fills, nothing is
    opened."""
    account = look.market.account
    if account is None:
        return False, "no account", "an account"
    if why := desk.blocks.get(account.account):
        return False, why, "within its limits"
    if account.account not in desk.balances:
        return False, "balance unknown", "known"
    if desk.is_deaf(account.venue, account.account):
        return False, "private stream down", "up"
    return True, account.account, "ready"


def _game_live(look: Look, desk: Desk, now_us: int) -> Answer:
    game = look.market.game
    if game is None or game.state is None:
        return False, "no game" if game is None else "not heard of", "live"
    return game.is_live, str(game.state.status), "live"


def _clock_trusted(look: Look, desk: Desk, now_us: int) -> Answer:
    assert look.market.game is not None
    trust = look.market.game.trust(now_us, desk.config.trust)
    if trust.is_trusted:
        return True, f"{trust.fresh_sources} fresh", "1 fresh"
    return False, f"{trust.reason}: {trust.value}", trust.limit


def _segment_allowed(look: Look, desk: Desk, now_us: int) -> Answer:
    """The part of the game is allowed, and is not about to turn into one that we would have to leave at once."""
    game, settings = look.market.game, look.market.settings
    assert game is not None and game.state is not None
    allowed = allowed_segments(game.state.league, settings.allowed_segments)
    lead_s = settings.exit_lead_s if settings.exit_before_segment else -1
    barred = restriction(game.state, allowed, lead_s)
    return not barred, barred or current_segment(game.state), " ".join(sorted(allowed))


def _time_left(look: Look, desk: Desk, now_us: int) -> Answer:
    """Of regulation. A sport without a clock has no such limit: its segments do that work."""
    game, limit_s = look.market.game, look.market.settings.min_time_remaining_s
    assert game is not None and game.state is not None
    left_s = game.state.remaining_s
    if left_s is None:
        return True, "no clock", limit_s
    return left_s >= limit_s, left_s, limit_s


def _market_open(look: Look, desk: Desk, now_us: int) -> Answer:
    market = look.market
    if desk.is_down(market):
        return False, "feed down", "open"
    return market.state is MarketState.OPEN, str(market.state), "open"


def _book_sound(look: Look, desk: Desk, now_us: int) -> Answer:
    """Valid, not crossed, with something to buy, and heard of within the limit."""
    market, limit_s = look.market, desk.config.trust.book_entry_age_s
    book = market.book
    if not book.is_valid:
        return False, "no valid book", limit_s
    if book.best_ask_u and book.best_ask_u <= book.best_bid_u:
        return False, "crossed", limit_s
    if not look.ask_u:
        return False, "nothing offered", limit_s
    age_s = (now_us - market.book_us) // SECOND_US
    return age_s <= limit_s, age_s, limit_s


def _spread(look: Look, desk: Desk, now_us: int) -> Answer:
    """One-sided books have no spread that could be called sane."""
    limit_u = look.market.settings.max_spread_u
    book = look.market.book
    if not book.best_bid_u or not book.best_ask_u:
        return False, "one-sided", limit_u
    spread_u = book.best_ask_u - book.best_bid_u
    return spread_u <= limit_u, spread_u, limit_u


def _depth(look: Look, desk: Desk, now_us: int) -> Answer:
    """Money on offer within the slippage cap."""
    limit_u = look.market.settings.min_depth_usd_u
    depth_u = look.depth_usd_u(limit_u)
    return depth_u >= limit_u, depth_u, limit_u


def _stop_distance(look: Look, desk: Desk, now_us: int) -> Answer:
    """Bought now, the position would not be stopped out at once by the spread and the fee alone."""
    mark_u, stop_u = look.net_mark_u(), look.stop_u(look.ask_u)
    return mark_u > stop_u, mark_u, stop_u


def _game_limit(look: Look, desk: Desk, now_us: int) -> Answer:
    assert look.market.game is not None
    taken, limit = len(desk.sides_taken(look.market.game.game_id)), look.market.settings.max_positions_per_game
    return taken < limit, taken, limit


def _team_limit(look: Look, desk: Desk, now_us: int) -> Answer:
    """One position a side, whichever market or outcome it is held by; an order on its way counts."""
    assert look.market.game is not None
    taken = desk.sides_taken(look.market.game.game_id).count(look.team)
    return taken == 0, taken, 1


def _market_free(look: Look, desk: Desk, now_us: int) -> Answer:
    """Nothing of ours in flight, unknown, resting or waiting for its fills in this market, and the other outcome not
    held: where YES and NO net, buying one would close the other."""
    market = look.market
    busy = len(desk.intents.for_market(market.market_id)) + desk.holds(market)
    return busy == 0, busy, 0


def _cooled_down(look: Look, desk: Desk, now_us: int) -> Answer:
    """Some time since the last position on this side of the game was closed, and one entry attempt a bucket."""
    pacing = desk.config.pacing
    if look.entry_bucket == now_us // (pacing.entry_bucket_s * SECOND_US):
        return False, "tried just now", pacing.entry_bucket_s
    left_ms = desk.side_left_ms(look)
    if left_ms is None:
        return True, "first", pacing.reentry_after_s
    since_s = now_us // SECOND_US - left_ms // 1000
    return since_s >= pacing.reentry_after_s, since_s, pacing.reentry_after_s


def _dipped(look: Look, desk: Desk, now_us: int) -> Answer:
    """Mid at or below the higher of (baseline less the threshold) and the absolute entry price."""
    mid_u2 = look.mid_u2
    return 0 < mid_u2 <= look.trigger_u2, mid_u2 // 2, look.trigger_u2 // 2


def _baseline(look: Look, desk: Desk, now_us: int) -> Answer:
    market, minimum_u = look.market, look.market.settings.min_pregame_u
    if market.baseline is None or look.baseline_u is None:
        return False, "none", minimum_u
    if market.baseline.is_late and not market.settings.allow_late_baseline:
        return False, "taken after the start", "before the start"
    return look.baseline_u >= minimum_u, look.baseline_u, minimum_u


GATES: tuple[Gate, ...] = (
    Gate("trading_active", Unit.TEXT, True, _trading_active),
    Gate("strategy_enabled", Unit.TEXT, True, _strategy_enabled),
    Gate("not_observe_only", Unit.TEXT, True, _not_observe_only),
    Gate("account_ready", Unit.TEXT, True, _account_ready),
    Gate("game_live", Unit.TEXT, True, _game_live),
    Gate("clock_trusted", Unit.SECONDS, True, _clock_trusted),
    Gate("segment_allowed", Unit.TEXT, True, _segment_allowed),
    Gate("time_left", Unit.SECONDS, True, _time_left),
    Gate("market_open", Unit.TEXT, True, _market_open),
    Gate("book_sound", Unit.SECONDS, False, _book_sound),
    Gate("spread", Unit.PRICE_U, False, _spread),
    Gate("depth", Unit.USD_U, False, _depth),
    Gate("stop_distance", Unit.PRICE_U, False, _stop_distance),
    Gate("game_limit", Unit.COUNT, True, _game_limit),
    Gate("team_limit", Unit.COUNT, True, _team_limit),
    Gate("market_free", Unit.COUNT, True, _market_free),
    Gate("cooled_down", Unit.SECONDS, True, _cooled_down),
    Gate("dipped", Unit.PRICE_U, False, _dipped),
    Gate("baseline", Unit.PRICE_U, True, _baseline),
)

ALL_PASSED = len(GATES)
SHARED = [gate.name for gate in GATES].index("book_sound")
"""The gates before this one ask nothing about the outcome: a market's two looks share their answer."""

SLOW_ANSWERS_HOLD_US = 5 * SECOND_US

_FAST_BEFORE = tuple(
    tuple((index, gate.ask) for index, gate in enumerate(GATES[:end]) if not gate.is_slow)
    for end in range(ALL_PASSED + 1)
)

_SHARED_SLOW = tuple((index, gate.ask) for index, gate in enumerate(GATES[:SHARED]))
_OWN_SLOW = tuple((index, gate.ask) for index, gate in enumerate(GATES) if gate.is_slow and index > SHARED)


def first_block(look: Look, desk: Desk, now_us: int) -> int:
    """The index of the first gate that says no, `ALL_PASSED` if none does."""
    if look.cached_epoch != desk.epoch or now_us >= look.cached_until_us:
        look.cached_block = _first_slow_block(look, desk, now_us)
        look.cached_epoch = desk.epoch
        look.cached_until_us = now_us + SLOW_ANSWERS_HOLD_US
    for index, ask in _FAST_BEFORE[look.cached_block]:
        if not ask(look, desk, now_us)[0]:
            return index
    return look.cached_block


def first_block_now(look: Look, desk: Desk, now_us: int) -> int:
    """As `first_block`, with every gate asked anew."""
    look.cached_until_us = look.market.cached_until_us = 0
    return first_block(look, desk, now_us)


def still_blocked(look: Look, desk: Desk, now_us: int) -> bool:
    """True if the answer last told must still be no, without asking every gate: a price above the trigger, a slow
    gate's kept answer, or a price that has not fallen far enough for the confidence it lacked."""
    told, mid_u2 = look.told_reason, look.mid_u2
    if now_us >= look.tell_again_us or not mid_u2:
        return False
    if mid_u2 > look.trigger_u2:
        return told == "dipped" and _shared_block(look, desk, now_us) == SHARED
    if look.cached_epoch != desk.epoch or not look.cached_until_us:
        return False
    if look.cached_block != ALL_PASSED:
        return now_us < look.cached_until_us and told == GATES[look.cached_block].name
    return told == "confidence" and mid_u2 > look.weigh_below_mid_u2 and look.ask_u > look.weigh_below_ask_u


def results_until(block: int, look: Look, desk: Desk, now_us: int) -> tuple[GateResult, ...]:
    """Every gate passed and the one that blocked, with their numbers."""
    return tuple(gate.result(look, desk, now_us) for gate in GATES[: block + 1])


def _first_slow_block(look: Look, desk: Desk, now_us: int) -> int:
    shared = _shared_block(look, desk, now_us)
    if shared != SHARED:
        return shared
    for index, ask in _OWN_SLOW:
        if not ask(look, desk, now_us)[0]:
            return index
    return ALL_PASSED


def _shared_block(look: Look, desk: Desk, now_us: int) -> int:
    """The first of the shared gates that says no, `SHARED` if none does; kept as the looks' own answers are."""
    market = look.market
    if market.cached_epoch != desk.epoch or now_us >= market.cached_until_us:
        market.cached_block = SHARED
        for index, ask in _SHARED_SLOW:
            if not ask(look, desk, now_us)[0]:
                market.cached_block = index
                break
        market.cached_epoch = desk.epoch
        market.cached_until_us = now_us + SLOW_ANSWERS_HOLD_US
    return market.cached_block
