"""What all markets of a session share: accounts and cash, holdings, orders on their way, the state of trading.

Exposure is the largest possible loss: what open positions cost plus the most that unfilled entries can still cost,
unknown ones included. Invariant: `epoch` grows with every change here that can alter an answer of a slow gate.
"""

from __future__ import annotations

from typing import NamedTuple

from trading.domain.confidence import weighing
from trading.domain.config import SessionConfig
from trading.domain.intents import Intents
from trading.domain.market_view import Look, MarketView
from trading.domain.messages import Narrowed, TradingState, TradingStateChanged
from trading.domain.opening import OpeningState
from trading.domain.portfolio import Portfolio, Record
from trading.domain.positions import Leg
from venues.types import BalanceReport, Outcome, Venue

_NO_LEG = Leg()
_STRICTNESS = tuple(TradingState)


class Exposure(NamedTuple):
    """µUSD that can be lost."""

    market_u: int
    game_u: int
    league_u: int
    total_u: int


class Stake(NamedTuple):
    """One open position or entry on its way: where it is and what it can lose."""

    market_id: str
    outcome: Outcome
    cost_u: int


class Desk:
    """The session's shared state. Mutable; changed by the session only, read by gates and strategies."""

    __slots__ = (
        "balances",
        "blocks",
        "config",
        "down_feeds",
        "epoch",
        "flatten",
        "intents",
        "markets",
        "markets_by_game",
        "narrow",
        "portfolio",
        "record",
        "scales",
        "state",
    )

    def __init__(self, config: SessionConfig, opening: OpeningState) -> None:
        self.configure(config)
        netting = frozenset(one.account for one in config.accounts if one.capabilities.nets_yes_and_no)
        self.portfolio = Portfolio(opening, accounts_that_net=netting)
        self.record: Record = self.portfolio.record
        self.intents = Intents(opening.working_orders, opening.entry_parts)
        self.balances: dict[str, BalanceReport] = {report.account: report for report in opening.balances}
        self.blocks: dict[str, str] = {}
        self.state = opening.trading_state
        self.flatten = False
        self.narrow: dict[str, Narrowed] = {}
        self.markets: dict[str, MarketView] = {}
        self.markets_by_game: dict[str, list[MarketView]] = {}
        self.down_feeds: set[str] = set()
        self.epoch = 0

    def configure(self, config: SessionConfig) -> None:
        self.config = config
        self.scales = weighing(config.weights)

    def stop(self, message: TradingStateChanged) -> None:
        """Take over what is stopped from now on; narrow stops by account or market."""
        self.state, self.flatten = message.state, message.flatten
        self.narrow = {one.account or one.market_id: one for one in message.narrow}
        self.touch()

    def state_of(self, market: MarketView) -> TradingState:
        """The strictest of what holds everywhere, in the market's account and in the market itself."""
        if not self.narrow:
            return self.state
        return max([self.state, *(one.state for one in self._narrowed(market))], key=_STRICTNESS.index)

    def must_flatten(self, market: MarketView) -> bool:
        """Halted, and the halt says to leave every position."""
        if self.state is TradingState.HALTED and self.flatten:
            return True
        return any(one.flatten and one.state is TradingState.HALTED for one in self._narrowed(market))

    def may_exit(self, market: MarketView) -> bool:
        return self.state_of(market) in (TradingState.ACTIVE, TradingState.REDUCING) or self.must_flatten(market)

    def _narrowed(self, market: MarketView) -> list[Narrowed]:
        names = (market.market_id, market.account.account if market.account is not None else "")
        return [self.narrow[name] for name in names if name in self.narrow]

    def touch(self) -> None:
        """Something the slow gates of every market look at has changed."""
        self.epoch += 1

    def touch_game_of(self, market: MarketView) -> None:
        """Something the slow gates of this market's game look at has changed: an order, a position."""
        game = market.game
        for other in (market,) if game is None else self.markets_by_game.get(game.game_id, ()):
            other.forget_answers()

    def leg(self, look: Look) -> Leg:
        account = look.market.account
        if account is None:
            return _NO_LEG
        return self.portfolio.holding(account.account, look.market.market_id).leg(look.outcome)

    def holds(self, market: MarketView) -> bool:
        return bool(self.portfolio.holdings) and any(self.leg(look).qty_u for look in market.looks)

    def available_u(self, account: str) -> int:
        """Free cash as last reported, less what entries on their way can still take."""
        report = self.balances.get(account)
        if report is None:
            return 0
        reserved_u = sum(entry.reserved_u for entry in self.intents.entries() if entry.order.account == account)
        return report.available_u - reserved_u

    def balance_u(self, account: str) -> int:
        report = self.balances.get(account)
        return report.total_u if report is not None else 0

    def stakes(self) -> list[Stake]:
        """Every open leg and every working entry."""
        stakes = [
            Stake(market_id, outcome, leg.cost_u)
            for (_, market_id), holding in self.portfolio.holdings.items()
            for outcome in Outcome
            if (leg := holding.leg(outcome)).qty_u
        ]
        for entry in self.intents.entries():
            stakes.append(Stake(entry.order.market_id, entry.order.outcome, entry.reserved_u))
        return stakes

    def sides_taken(self, game_id: str) -> list[str]:
        """The sides of a game that are held or being entered, one item for each market and outcome."""
        if not self.portfolio.holdings and not self.intents.working:
            return []
        taken = {(stake.market_id, stake.outcome) for stake in self.stakes()}
        return [
            look.team
            for market_id, outcome in sorted(taken)
            if (market := self.markets.get(market_id)) is not None
            and market.game is not None
            and market.game.game_id == game_id
            for look in market.looks
            if look.outcome is outcome
        ]

    def side_left_ms(self, look: Look) -> int | None:
        """When a position on this side of the game was last closed, in whichever market and by whichever outcome it was
        held: they are one proposition. None if there was none."""
        for trade in reversed(self.portfolio.closed):
            market = self.markets.get(trade.market_id)
            if market is None or market.game is not look.market.game:
                continue
            if any(other.outcome is trade.outcome and other.team == look.team for other in market.looks):
                return trade.closed_ms
        return None

    def exposure(self, market: MarketView) -> Exposure:
        """What is at stake in this market, its game, its league and altogether. A stake in a market that is not
        (or not yet) listed counts to the total, and to the league too: unknown never frees room."""
        sums = [0, 0, 0, 0]
        for stake in self.stakes():
            other = self.markets.get(stake.market_id)
            sums[3] += stake.cost_u
            sums[2] += stake.cost_u if _same_league(market, other) else 0
            sums[1] += stake.cost_u if _same_game(market, other) else 0
            sums[0] += stake.cost_u if stake.market_id == market.market_id else 0
        return Exposure(*sums)

    def is_down(self, market: MarketView) -> bool:
        """True if the venue's stream of markets was reported down and not up again."""
        if not self.down_feeds or market.listing is None:
            return False
        return f"{market.listing.venue}.market" in self.down_feeds

    def is_deaf(self, venue: Venue, account: str) -> bool:
        """True while the private stream of this account is down, or was not heard since the trader began."""
        return private_stream(venue, account) in self.down_feeds


def private_stream(venue: str, account: str) -> str:
    """What the stream that tells an account of itself is called: of two accounts at one venue each has its own."""
    return f"{venue}.user.{account}"


def _same_league(market: MarketView, other: MarketView | None) -> bool:
    if other is None or other.listing is None or market.listing is None:
        return True
    return other.listing.league == market.listing.league


def _same_game(market: MarketView, other: MarketView | None) -> bool:
    return other is not None and other.game is not None and other.game is market.game
