"""One NBA game with one market, as typed messages: what the session's tests are played on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from trading.domain.commands import Command, Decision, SubmitOrder
from trading.domain.config import DipSettings, SessionConfig, TradingAccount
from trading.domain.lifecycle import OrderStatus
from trading.domain.messages import GameLinked, IntentUpdate, Tick
from trading.domain.opening import OpeningState
from trading.domain.session import Session
from venues.ports import Capabilities, FenceKind
from venues.types import (
    MICRO,
    BalanceReport,
    BookSnapshot,
    FeeSchedule,
    FillReport,
    GameState,
    GameStatus,
    MarketKind,
    MarketListed,
    Outcome,
    SettlementReport,
    SettleState,
    Side,
    TeamRef,
    Venue,
    VenueMarket,
)

START_US = 1_700_000_000_000_000
GAME = "espn:401"
MARKET = "kalshi:KXNBAGAME-HOME"
ACCOUNT = "acct-1"
SECOND = 1_000_000
HOME, AWAY = TeamRef("1", "HOM", "Home"), TeamRef("2", "AWY", "Away")

KALSHI_LIKE = Capabilities(
    venue=Venue.KALSHI,
    fence=FenceKind.ORDER_GROUP,
    order_id_known_before_send=False,
    fills_settle_later=False,
    nets_yes_and_no=True,
    can_amend=True,
    can_decrease=True,
    can_cancel_on_pause=True,
    has_taker_delay=False,
    reduce_only_native=True,
    max_client_order_id_len=64,
)
UNFENCED = Capabilities(
    venue=Venue.KALSHI,
    fence=FenceKind.HEARTBEAT,
    order_id_known_before_send=True,
    fills_settle_later=True,
    nets_yes_and_no=False,
    can_amend=False,
    can_decrease=False,
    can_cancel_on_pause=False,
    has_taker_delay=True,
    reduce_only_native=False,
    max_client_order_id_len=64,
)
EAGER = DipSettings(is_enabled=True, absolute_entry_price_u=0, min_confidence_u=0)
"""Trades every dip of 15 %, however unsure."""

T = TypeVar("T", bound=Command)


def config(settings: DipSettings = EAGER, capabilities: Capabilities = KALSHI_LIKE, **changes: object) -> SessionConfig:
    account = TradingAccount(venue=Venue.KALSHI, account=ACCOUNT, capabilities=capabilities)
    return SessionConfig(accounts=(account,), leagues={"nba": settings}, **changes)


def listing(market_id: str = MARKET, **changes: object) -> MarketListed:
    values: dict[str, object] = {
        "market_id": market_id,
        "venue": Venue.KALSHI,
        "native_id": market_id.partition(":")[2],
        "event_id": "E",
        "kind": MarketKind.MONEYLINE,
        "league": "nba",
        "title": "Home wins?",
        "yes_label": "Home",
        "no_label": "Away",
        "fees": FeeSchedule(taker_rate_u=70_000, quantum_u=100),
    }
    return MarketListed(VenueMarket(**(values | changes)))


def game(status: GameStatus = GameStatus.IN_PROGRESS, **changes: object) -> GameState:
    """Second quarter, 2:24 gone of it, level, unless told otherwise."""
    values: dict[str, object] = {
        "game_id": GAME,
        "source": "espn",
        "league": "nba",
        "sport": "basketball",
        "status": status,
        "home": HOME,
        "away": AWAY,
        "home_score": 30,
        "away_score": 30,
        "start_ms": START_US // 1_000,
        "period": 2,
        "segment": "q2",
        "clock_text": "9:36",
        "remaining_s": 2016,
        "elapsed_frac_u": 300_000,
    }
    return GameState(**(values | changes))


def pregame() -> GameState:
    return game(
        GameStatus.SCHEDULED, home_score=0, away_score=0, period=0, segment="", remaining_s=2880, elapsed_frac_u=0
    )


def book(bid: int, ask: int, market_id: str = MARKET, qty: int = 1_000) -> BookSnapshot:
    """Cents and whole contracts, three levels a side."""
    bids = tuple(((bid - step) * 10_000, qty * MICRO) for step in range(3) if bid - step > 0)
    asks = tuple(((ask + step) * 10_000, qty * MICRO) for step in range(3) if ask + step < 100)
    return BookSnapshot(market_id, bids, asks, 0)


class Scene:
    """A session with its own virtual time: every call says how many seconds pass before the message."""

    def __init__(self, played: Session | SessionConfig | None = None, opening: OpeningState | None = None) -> None:
        self.session = played if isinstance(played, Session) else Session(played or config(), opening)
        self.now_us = START_US
        self.log: list[Command] = []

    def play(self, *messages: object, after_s: float = 1.0) -> list[Command]:
        out: list[Command] = []
        for message in messages:
            self.now_us += round(after_s * SECOND)
            out.extend(self.session.on(message, self.now_us))
        self.log.extend(out)
        return out

    def wait(self, seconds: int) -> list[Command]:
        return [command for _ in range(seconds) for command in self.play(Tick())]

    def fund(self) -> None:
        balance = BalanceReport(
            venue=Venue.KALSHI, account=ACCOUNT, available_u=10_000 * MICRO, total_u=10_000 * MICRO, venue_ms=0
        )
        self.play(balance)

    def set_up(self, *, market_id: str = MARKET, yes_is_home: bool | None = True, bid: int = 59, ask: int = 61) -> None:
        """A funded account and a pregame market at 60."""
        self.fund()
        self.play(listing(market_id), pregame(), GameLinked(GAME, market_id, yes_is_home))
        self.play(book(bid, ask, market_id))

    def fill(
        self, order: SubmitOrder, *, trade: str = "t1", qty_u: int | None = None, fee_u: int = 0, price_u: int = 0
    ) -> FillReport:
        return FillReport(
            venue=Venue.KALSHI,
            account=ACCOUNT,
            trade_id=trade,
            leg="taker",
            venue_order_id="v-" + order.decision_id,
            client_order_id="c-" + order.decision_id,
            market_id=order.market_id,
            side=order.side,
            outcome=order.outcome,
            price_u=price_u or order.price_u,
            qty_u=qty_u or order.qty_u,
            fee_u=fee_u,
            is_taker=True,
            settle_state=SettleState.CONFIRMED,
            venue_ms=self.now_us // 1_000,
        )

    def execute(self, order: SubmitOrder, *, trade: str = "t1", price_u: int = 0) -> list[Command]:
        """The order fills whole: the end of the order first, then its fill, as a fast venue tells it."""
        end = IntentUpdate(
            decision_id=order.decision_id,
            status=OrderStatus.FILLED,
            filled_u=order.qty_u,
            client_order_id="c-" + order.decision_id,
        )
        return self.play(end, self.fill(order, trade=trade, price_u=price_u), after_s=0.1)


def settlement(value_u: int, yes_u: int, payout_u: int, market_id: str = MARKET) -> SettlementReport:
    return SettlementReport(
        venue=Venue.KALSHI,
        account=ACCOUNT,
        market_id=market_id,
        value_u=value_u,
        yes_qty_u=yes_u,
        no_qty_u=0,
        payout_u=payout_u,
        venue_ms=START_US // 1_000 + 9_000_000,
    )


def only(commands: Sequence[Command], kind: type[T]) -> list[T]:
    return [command for command in commands if isinstance(command, kind)]


def blocked_by(commands: Sequence[Command], outcome: Outcome = Outcome.YES) -> list[str]:
    return [decision.reason for decision in only(commands, Decision) if decision.outcome is outcome]


def orders(commands: Sequence[Command], side: Side | None = None) -> list[SubmitOrder]:
    return [order for order in only(commands, SubmitOrder) if side is None or order.side is side]
