"""The trader's pure core: messages in, commands out; no I/O, no clock, no randomness.

Story: the shell (live), a tape (backtest) or a test feeds typed messages with the time they were received; the session
keeps books, games, holdings and orders, and asks the strategy about a market when something that strategy depends on
has changed. Books change thousands of times a second, so their path is short: apply, compare the best prices with
those last looked at, and no more than one look per `evaluate_every_ms` of message time and market.

Invariant: the same config, opening and messages give the same commands; `digest` is their running fingerprint.
Time in messages never runs backwards further than the shell lets it; `now_us` is µs UTC and only compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from trading.domain.alerts import fills_missing, settlement_differs
from trading.domain.commands import CancelOrder, Command, StoreBaseline
from trading.domain.config import DipSettings, SessionConfig
from trading.domain.desk import Desk
from trading.domain.digest import Digest
from trading.domain.games import SECOND_US, GameView
from trading.domain.intents import Intent
from trading.domain.lifecycle import NOT_FILLED_IN_TIME, RESTED, OrderStatus
from trading.domain.market_view import MarketView
from trading.domain.messages import (
    AccountBlocked,
    BookChanges,
    ConfigChanged,
    DomainMessage,
    GameLinked,
    IntentUpdate,
    Tick,
    TradingStateChanged,
)
from trading.domain.messages import TradingState as State
from trading.domain.opening import OpeningState
from trading.domain.strategies.base import NOTHING, Strategy
from trading.domain.strategies.dip_reversion import DipReversion
from venues.types import (
    BalanceReport,
    BookDelta,
    BookGap,
    BookLevel,
    BookSnapshot,
    FeedStatus,
    FillReport,
    GameState,
    MarketListed,
    MarketStateChanged,
    Message,
    OrderReport,
    PositionReport,
    PublicTrade,
    SettlementReport,
    TimeInForce,
)

Handler = Callable[[Any, int], Sequence[Command]]


class Session:
    """One trader's state. `on` is the only way in; everything else reads."""

    def __init__(
        self, config: SessionConfig, opening: OpeningState | None = None, *, strategy: Strategy | None = None
    ) -> None:
        opening = opening if opening is not None else OpeningState()
        self.config = config
        self.desk = Desk(config, opening)
        self.games: dict[str, GameView] = {}
        self.markets = self.desk.markets
        self.digest = Digest()
        self._strategy: Strategy = strategy if strategy is not None else DipReversion()
        self._baselines = {baseline.market_id: baseline for baseline in opening.baselines}
        self._every_us = config.pacing.evaluate_every_ms * 1_000
        self._handlers: dict[type, Handler] = {
            BookSnapshot: self._on_snapshot,
            BookGap: self._on_gap,
            BookChanges: self._on_changes,
            PublicTrade: self._on_nothing,
            Tick: self._on_tick,
            GameState: self._on_game,
            MarketListed: self._on_listed,
            MarketStateChanged: self._on_market_state,
            GameLinked: self._on_linked,
            FillReport: self._on_fill,
            SettlementReport: self._on_settlement,
            IntentUpdate: self._on_intent,
            OrderReport: self._on_nothing,
            PositionReport: self._on_nothing,
            BalanceReport: self._on_balance,
            FeedStatus: self._on_feed,
            TradingStateChanged: self._on_trading_state,
            AccountBlocked: self._on_blocked,
            ConfigChanged: self._on_config,
        }

    def on(self, message: Message | DomainMessage, now_us: int) -> Sequence[Command]:
        """Take one message received at `now_us`; the commands that follow, in order, nearly always none.

        Changes of a book are dealt with right here: they are nearly all there is, and each further call would show.
        Raises KeyError for a type that is no message of ours.
        """
        if type(message) is BookDelta:
            market = self.markets.get(message.market_id)
            if market is None:
                return NOTHING
            book = market.book
            book.apply_delta(message.is_bid, message.price_u, message.delta_u)
        elif type(message) is BookLevel:
            market = self.markets.get(message.market_id)
            if market is None:
                return NOTHING
            book = market.book
            book.set_level(message.is_bid, message.price_u, message.qty_u)
        else:
            return self._noted(self._handlers[type(message)](message, now_us))
        market.book_us = now_us
        if book.best_bid_u == market.seen_bid_u and book.best_ask_u == market.seen_ask_u:
            return NOTHING
        if now_us - market.evaluated_us < self._every_us:
            return NOTHING
        return self._noted(self._look(market, now_us))

    def _noted(self, commands: Sequence[Command]) -> Sequence[Command]:
        if commands:
            self.digest.update(commands)
        return commands

    def export(self) -> OpeningState:
        """What another session can be opened from to continue here."""
        portfolio = self.desk.portfolio
        return OpeningState(
            positions=portfolio.export_positions(),
            working_orders=self.desk.intents.export(),
            entry_parts=tuple(self.desk.intents.parts.values()),
            baselines=tuple(self._baselines.values()),
            closed_trades=tuple(portfolio.closed),
            balances=tuple(self.desk.balances.values()),
            booked_fills=tuple(sorted(portfolio.known_fills)),
            voided_fills=tuple(sorted(portfolio.voided_fills)),
            booked_settlements=tuple(sorted(portfolio.known_settlements)),
            trading_state=self.desk.state,
        )

    def _on_snapshot(self, message: BookSnapshot, now_us: int) -> Sequence[Command]:
        market = self._market(message.market_id)
        market.book.apply_snapshot(message.bids, message.asks)
        market.book_us = now_us
        return self._on_new_best(market, now_us)

    def _on_gap(self, message: BookGap, now_us: int) -> Sequence[Command]:
        market = self.markets.get(message.market_id)
        if market is None:
            return NOTHING
        market.book.clear()
        return self._on_new_best(market, now_us)

    def _on_changes(self, message: BookChanges, now_us: int) -> Sequence[Command]:
        market = self._market(message.market_id)
        market.apply(message.changes)
        market.book_us = now_us
        return self._on_new_best(market, now_us)

    def _on_new_best(self, market: MarketView, now_us: int) -> Sequence[Command]:
        """The best prices differ from those last looked at: look now if the last look is long enough ago; if not, the
        difference stays and the next message or tick finds it."""
        if now_us - market.evaluated_us < self._every_us:
            return NOTHING
        return self._look(market, now_us)

    def _look(self, market: MarketView, now_us: int) -> Sequence[Command]:
        """Note the prices; ask the strategy in a live game or about a position, else only keep the mid."""
        market.evaluated_us = now_us
        market.look_at_book(now_us)
        if market.baseline is not None and market.is_live:
            return self._strategy.evaluate(market, self.desk, now_us)
        if not market.is_live and not self.desk.holds(market):
            return NOTHING
        captured = self._capture(market, is_late=True) if market.is_live else NOTHING
        return (*captured, *self._strategy.evaluate(market, self.desk, now_us))

    def _on_game(self, message: GameState, now_us: int) -> Sequence[Command]:
        game = self._game(message.game_id)
        had_started = game.has_started
        changed = game.hear(message, now_us, self.config.trust)
        out: list[Command] = []
        for market in self.desk.markets_by_game.get(message.game_id, ()):
            market.forget_answers()
            if not changed:
                continue
            if game.has_started and not had_started and market.baseline is None:
                market.look_at_book(now_us)
                out.extend(self._capture(market, is_late=len(game.sources) == 1 and game.version == 1))
            market.refresh()
            out.extend(self._reconsider(market, now_us))
        return out or NOTHING

    def _on_listed(self, message: MarketListed, now_us: int) -> Sequence[Command]:
        listing = message.market
        market = self._market(listing.market_id)
        market.list(listing)
        market.configure(self.config)
        market.forget_answers()
        return self._reconsider(market, now_us)

    def _on_market_state(self, message: MarketStateChanged, now_us: int) -> Sequence[Command]:
        market = self._market(message.market_id)
        market.state = message.state
        market.forget_answers()
        return self._reconsider(market, now_us)

    def _on_linked(self, message: GameLinked, now_us: int) -> Sequence[Command]:
        market, game = self._market(message.market_id), self._game(message.game_id)
        if market.game is not None:
            self.desk.markets_by_game[market.game.game_id].remove(market)
        market.game, market.yes_is_home = game, message.yes_is_home
        self.desk.markets_by_game.setdefault(message.game_id, []).append(market)
        stored = self._baselines.get(message.market_id)
        if stored is not None:
            market.set_baseline(stored)
        market.refresh()
        self.desk.touch_game_of(market)
        return self._reconsider(market, now_us)

    def _capture(self, market: MarketView, *, is_late: bool) -> Sequence[Command]:
        baseline = market.capture_baseline(is_late=is_late)
        if baseline is None:
            return NOTHING
        self._baselines[market.market_id] = baseline
        market.forget_answers()
        return (StoreBaseline(baseline=baseline),)

    def _reconsider(self, market: MarketView, now_us: int) -> Sequence[Command]:
        """Something other than the book has changed: ask the strategy if the market is ready to be asked about."""
        if market.listing is None or market.game is None or market.game.state is None:
            return NOTHING
        if market.is_live or self.desk.holds(market):
            return self._look(market, now_us)
        market.look_at_book(now_us)
        return self._strategy.evaluate(market, self.desk, now_us)

    def _on_fill(self, message: FillReport, now_us: int) -> Sequence[Command]:
        if not self.desk.portfolio.book_fill(message):
            return NOTHING
        self.desk.intents.note_fill(message)
        return self._after_booking(message.market_id, now_us)

    def _on_settlement(self, message: SettlementReport, now_us: int) -> Sequence[Command]:
        holding = self.desk.portfolio.holding(message.account, message.market_id)
        held = (holding.yes.qty_u, holding.no.qty_u)
        if not self.desk.portfolio.book_settlement(message):
            return NOTHING
        out = list(self._after_booking(message.market_id, now_us))
        if held != (message.yes_qty_u, message.no_qty_u):
            out.append(settlement_differs(message, held))
        return out

    def _after_booking(self, market_id: str, now_us: int) -> Sequence[Command]:
        self.desk.record = self.desk.portfolio.record
        return self._after_our_change(market_id, now_us)

    def _after_our_change(self, market_id: str, now_us: int) -> Sequence[Command]:
        """A position or an order has changed: what the game's markets asked about us is to be asked anew."""
        market = self.markets.get(market_id)
        if market is None:
            return NOTHING
        self.desk.touch_game_of(market)
        return self._reconsider(market, now_us)

    def _on_intent(self, message: IntentUpdate, now_us: int) -> Sequence[Command]:
        intent = self.desk.intents.update(message, now_us)
        if intent is None:
            return NOTHING
        return self._after_our_change(intent.order.market_id, now_us)

    def _on_balance(self, message: BalanceReport, now_us: int) -> Sequence[Command]:
        is_new = message.account not in self.desk.balances
        self.desk.balances[message.account] = message
        if is_new:
            self.desk.touch()
        return NOTHING

    def _on_tick(self, message: Tick, now_us: int) -> Sequence[Command]:
        """Rules that depend on time alone: stale data, heartbeats, resting orders, fills that do not come."""
        out: list[Command] = []
        for market in self.markets.values():
            if self._is_due(market, now_us):
                out.extend(self._look(market, now_us))
        for intent in list(self.desk.intents.working.values()):
            out.extend(self._tend(intent, now_us))
        return out or NOTHING

    def _is_due(self, market: MarketView, now_us: int) -> bool:
        """A change that was throttled, a position, or a market nobody has looked at for some seconds."""
        since_us = now_us - market.evaluated_us
        if since_us < self._every_us or market.game is None:
            return False
        book = market.book
        return (
            since_us >= self.config.pacing.recheck_every_ms * 1_000
            or book.best_bid_u != market.seen_bid_u
            or book.best_ask_u != market.seen_ask_u
            or self.desk.holds(market)
        )

    def _tend(self, intent: Intent, now_us: int) -> Sequence[Command]:
        """Ask to cancel what was not filled in time; complain of fills that were announced and never came."""
        pacing, order = self.config.pacing, intent.order
        if intent.has_ended:
            if intent.ended_us and now_us - intent.ended_us >= pacing.fills_missing_alert_s * SECOND_US:
                intent.ended_us = 0
                return (fills_missing(intent),)
            return NOTHING
        patience_s, reason = self._patience(intent)
        is_due = now_us - order.created_ms * 1_000 >= patience_s * SECOND_US
        if not reason or not is_due or now_us - intent.cancel_asked_us < pacing.cancel_resting_after_s * SECOND_US:
            return NOTHING
        return (_cancel(intent, reason, now_us),)

    def _patience(self, intent: Intent) -> tuple[int, str]:
        """Seconds until an order that is not filled is canceled, and why. No reason: there is nothing to cancel by."""
        order, market = intent.order, self.markets.get(intent.order.market_id)
        is_open, confirm_s = intent.status is OrderStatus.OPEN, DipSettings().confirm_within_s
        if market is not None:
            confirm_s = market.settings.confirm_within_s
        if is_open and order.time_in_force is TimeInForce.GTD:
            return min(self.config.pacing.cancel_resting_after_s, confirm_s), RESTED
        return confirm_s, NOT_FILLED_IN_TIME if is_open or intent.venue_id else ""

    def _on_feed(self, message: FeedStatus, now_us: int) -> Sequence[Command]:
        """A venue's market stream that went down takes its books with it: they come back as snapshots."""
        down = self.desk.down_feeds
        if message.is_up is (message.feed not in down):
            return NOTHING
        (down.discard if message.is_up else down.add)(message.feed)
        self.desk.touch()
        if not message.is_up:
            for market in self.markets.values():
                if self.desk.is_down(market):
                    market.book.clear()
        return self._reconsider_all(now_us)

    def _on_trading_state(self, message: TradingStateChanged, now_us: int) -> Sequence[Command]:
        self.desk.stop(message)
        out: list[Command] = []
        if message.state in (State.PAUSED, State.HALTED):
            resting = [one for one in self.desk.intents.working.values() if one.status is OrderStatus.OPEN]
            out.extend(_cancel(intent, f"trading {message.state}", now_us) for intent in resting)
        out.extend(self._reconsider_all(now_us))
        return out

    def _on_blocked(self, message: AccountBlocked, now_us: int) -> Sequence[Command]:
        if message.why:
            self.desk.blocks[message.account] = message.why
        else:
            self.desk.blocks.pop(message.account, None)
        self.desk.touch()
        return self._reconsider_all(now_us)

    def _on_config(self, message: ConfigChanged, now_us: int) -> Sequence[Command]:
        self.config = message.config
        self.desk.configure(message.config)
        self._every_us = message.config.pacing.evaluate_every_ms * 1_000
        for market in self.markets.values():
            market.configure(message.config)
        self.desk.touch()
        return self._reconsider_all(now_us)

    def _on_nothing(self, message: object, now_us: int) -> Sequence[Command]:
        """Reports that decide nothing here: prints, and what reconciliation compares."""
        return NOTHING

    def _reconsider_all(self, now_us: int) -> Sequence[Command]:
        return _flat(self._reconsider(market, now_us) for market in self.markets.values())

    def _market(self, market_id: str) -> MarketView:
        market = self.markets.get(market_id)
        if market is None:
            market = self.markets[market_id] = MarketView(market_id, self.config)
        return market

    def _game(self, game_id: str) -> GameView:
        game = self.games.get(game_id)
        if game is None:
            game = self.games[game_id] = GameView(game_id)
        return game


def _flat(parts: Iterable[Sequence[Command]]) -> Sequence[Command]:
    return [command for part in parts for command in part]


def _cancel(intent: Intent, reason: str, now_us: int) -> CancelOrder:
    intent.cancel_asked_us = now_us
    return CancelOrder(decision_id=intent.order.decision_id, market_id=intent.order.market_id, reason=reason)
