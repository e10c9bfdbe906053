"""What the checks look at, and what they answer. Frozen values; units as in `venues.types`.

Two snapshots: `ClaimSnapshot` is read from rows inside the claim's own transaction, so that two claims at once cannot
both pass; `LiveSnapshot` is what only the running session knows (books, feeds, clocks), in the venues' own time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from risk.limits import Level, Limits
from venues.types import MICRO, GameStatus, MarketState, Outcome, Side, VenueMarket


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAsk:
    """What the order would take: `cost_u` is the most it can lose with its fee, µUSD; 0 when it only reduces."""

    cost_u: int
    reduces: bool
    side: Side = Side.BUY
    outcome: Outcome = Outcome.YES
    price_u: int = 500_000
    qty_u: int = MICRO

    @property
    def buys_yes(self) -> bool:
        """In the book's own frame: buying NO is selling YES."""
        return (self.side is Side.BUY) is (self.outcome is Outcome.YES)

    @property
    def yes_price_u(self) -> int:
        return self.price_u if self.outcome is Outcome.YES else MICRO - self.price_u


@dataclass(frozen=True, slots=True)
class Breach:
    """The first limit that says no: `code` is one of `core.errors.CODES`, `pt` the check of ORDERS.md §4."""

    code: str
    value: int | str
    limit: int | str
    pt: str = ""
    level: Level = Level.HARD_CAP


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Who asks, and what stops them. `needs_proof`: real money, so a second factor and a credential must be there.
    `must_flatten`: a halt says to sell what is held."""

    is_enabled: bool = True
    is_user_active: bool = True
    is_stopped: bool = False
    must_flatten: bool = False
    needs_proof: bool = False
    has_second_factor: bool = True
    has_credential: bool = True
    allows_entries: bool = True
    allows_reducing: bool = True
    halt_state: str = "active"
    is_build_allowed: bool = True
    build: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """The account before the order, µUSD. Working and unknown orders count in full.

    `unrealized_u` is `open_losses_u` of the account's own legs: what another account, or another leg, would gain is
    not in it. `open_cost_u`: what open positions cost. `peak_u`: the most the account was ever worth, deposits since
    then included; 0 where nobody noted it. `system_u`, `venue_u`: what all accounts have at stake together, everywhere
    and at this venue.
    """

    cash_u: int = 0
    reserved_u: int = 0
    open_cost_u: int = 0
    market_u: int = 0
    game_u: int = 0
    group_u: int = 0
    system_u: int = 0
    venue_u: int = 0
    realized_today_u: int = 0
    strategy_today_u: int = 0
    system_today_u: int = 0
    system_worth_u: int = 0
    unrealized_u: int = 0
    losses_in_a_row: int = 0
    peak_u: int = 0

    @property
    def exposure_u(self) -> int:
        return self.open_cost_u + self.reserved_u

    @property
    def equity_u(self) -> int:
        """Cash, and open positions at cost less what the losing ones would lose now."""
        return self.cash_u + self.open_cost_u + min(0, self.unrealized_u)

    @property
    def loss_today_u(self) -> int:
        """What the account lost for good today plus what its losing legs would lose now; never below zero.

        Profit counts only where it is realised, and in this account: a positive `unrealized_u` is taken as 0.
        """
        return max(0, -(self.realized_today_u + min(0, self.unrealized_u)))

    @property
    def day_start_u(self) -> int:
        """The account's worth before today's results."""
        return self.equity_u + self.loss_today_u


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The account's own orders lately. `twins`: of equal terms within the window; `crossed`: own working orders this
    one would trade with; `last_50` counts ended ones."""

    open_orders: int = 0
    unknown_market: int = 0
    unknown_account: int = 0
    unknown_system: int = 0
    twins: int = 0
    crossed: int = 0
    entries_10min: int = 0
    entries_day: int = 0
    messages_10min: int = 0
    fills_10min: int = 0
    last_50: int = 0
    rejected_of_50: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSnapshot:
    """All that T1 judges. `free_qty_u`: what may still be sold of what is held; None for an entry. `venue_limit_u`:
    the most that all accounts at this venue may have at stake together, µUSD; None where nobody says so."""

    ask: OrderAsk
    limits: Limits
    venue_limit_u: int | None = None
    authority: Authority = Authority()
    market_state: MarketState = MarketState.OPEN
    free_qty_u: int | None = None
    money: Money = Money()
    flow: Flow = Flow()


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """The book in the YES frame as it is now; bests are 0 where a side is empty. `depth_u`: on offer to this order
    within its collar, µcontracts. `moved_u`: the largest move of the mid within five seconds, lately."""

    is_valid: bool = True
    best_bid_u: int = 0
    best_ask_u: int = 0
    depth_u: int = 0
    age_ms: int = 0
    moved_u: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GameView:
    """`status` None: nobody told of the game yet. `moved_ms`: how far the start is from the one the market names."""

    status: GameStatus | None = None
    score_age_ms: int = 0
    moved_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSnapshot:
    """All that the session judges right before a claim. `edge_u`: fair value less price and fee; `wants_edge`: some
    level says the least one, and there is a fair value to tell it by. `cash_at_venue_u` None: the venue told nothing in
    the last minute."""

    ask: OrderAsk
    limits: Limits
    market: VenueMarket
    market_state: MarketState = MarketState.OPEN
    now_ms: int = 0
    book: BookView = BookView()
    game: GameView = GameView()
    fair_u: int | None = None
    edge_u: int | None = None
    wants_edge: bool = False
    is_feed_up: bool = True
    is_private_up: bool = True
    cash_at_venue_u: int | None = None
    skew_ms: int = 0
    tokens_milli: int = 1_000
    failed_of_50: int = 0
    decided_qty_u: int = 0
    sent_qty_u: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WireSnapshot:
    """The last look: what was written down against what is about to leave."""

    approved_sha256: str
    leaving_sha256: str
    approved_qty_u: int
    leaving_qty_u: int


def open_losses_u(legs_u: Iterable[int]) -> int:
    """What the losing legs of one account would lose at their marks, µUSD, 0 or below: a leg's gain offsets nothing."""
    return sum(min(0, leg_u) for leg_u in legs_u)


def over(code: str, value: int, limits: Limits, name: str) -> Breach | None:
    """A breach where `value` is above the limit of this name."""
    limit = getattr(limits, name)
    return Breach(code, value, limit, level=limits.level_of(name)) if value > limit else None


def share_of(whole_u: int, share_u: int) -> int:
    """`share_u` millionths of what there is, µUSD, rounded down; nothing of a debt."""
    return max(0, whole_u) * share_u // MICRO
