"""A session as it stands on a busy evening: every market in a live game, the strategy on, states and ticks coming."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tests.bench.tapes import START_US, Frame, condition, token
from trading.domain.commands import Command, Decision, SubmitOrder
from trading.domain.config import DipSettings, SessionConfig, TradingAccount
from trading.domain.lifecycle import OrderStatus
from trading.domain.messages import GameLinked, IntentUpdate, Tick
from trading.domain.session import Session
from venues.kalshi.stream import KalshiStream
from venues.polymarket.stream import MarketChannel
from venues.ports import Capabilities, FenceKind
from venues.types import (
    MICRO,
    BalanceReport,
    FeeSchedule,
    GameState,
    GameStatus,
    MarketKind,
    MarketListed,
    Message,
    TeamRef,
    Venue,
    VenueMarket,
)

STATE_EVERY_US = 10_000_000
_TICK = Tick()
_TEAMS = (TeamRef("1", "HOM", "Home"), TeamRef("2", "AWY", "Away"))

Feed = Callable[[bytes, int], Iterable[Message]]


def kalshi_stream(tickers: Sequence[str]) -> KalshiStream:
    """A stream machine whose subscription was just confirmed, as after the handshake with the venue."""
    stream = KalshiStream()
    stream.watch(tickers, START_US)
    stream.open(START_US)
    for text in stream.take_commands():
        command = msgspec.json.decode(text)
        if "orderbook_delta" in command["params"]["channels"]:
            channel = {"channel": "orderbook_delta", "sid": 1}
            stream.feed(msgspec.json.encode({"id": command["id"], "type": "subscribed", "msg": channel}), START_US)
    return stream


def polymarket_stream(markets: int) -> MarketChannel:
    channel = MarketChannel()
    channel.watch([_listing(Venue.POLYMARKET, condition(number), number) for number in range(markets)])
    channel.opened()
    return channel


class Stage:
    """A venue's stream machine in front of a session, with the games that play behind its markets."""

    def __init__(self, venue: Venue, native_ids: Sequence[str], feed: Feed) -> None:
        self.session = Session(_config(venue))
        self.feed = feed
        self.told: Counter[str] = Counter()
        self._venue = venue
        self._games = -(-len(native_ids) // 2)
        self._tick_us = self._state_us = START_US
        self._is_live = False
        balance = BalanceReport(
            venue=venue, account="bench", available_u=10**6 * MICRO, total_u=10**6 * MICRO, venue_ms=0
        )
        self._tell(balance, START_US)
        for number, native_id in enumerate(native_ids):
            listing = _listing(venue, native_id, number)
            self._tell(MarketListed(listing), START_US)
            self._tell(GameLinked(f"espn:{number // 2}", listing.market_id, number % 2 == 0), START_US)
        self._tell_games(START_US)

    def begin(self) -> None:
        """Tip-off in every game."""
        self._is_live = True
        self._tell_games(START_US + 1)

    def run(self, frames: list[Frame]) -> None:
        """The whole path: stream machine, session, and what the rest of the world says meanwhile."""
        feed, on = self.feed, self.session.on
        for at_us, text in frames:
            if at_us >= self._tick_us:
                self._pass_time(at_us)
            for message in feed(text, at_us):
                commands = on(message, at_us)
                if commands:
                    self._take(commands, at_us)

    def summary(self) -> str:
        told = ", ".join(f"{count:,} {name}" for name, count in sorted(self.told.items()))
        return f"{told}; digest {self.session.digest.hexdigest()[:16]}"

    def _pass_time(self, at_us: int) -> None:
        self._tick_us = at_us + 1_000_000
        self._tell(_TICK, at_us)
        if at_us >= self._state_us:
            self._state_us = at_us + STATE_EVERY_US
            self._tell_games(at_us)

    def _tell_games(self, at_us: int) -> None:
        for number in range(self._games):
            self._tell(_state(number, at_us, is_live=self._is_live), at_us)

    def _tell(self, message: object, at_us: int) -> None:
        commands = self.session.on(message, at_us)  # type: ignore[arg-type]
        if commands:
            self._take(commands, at_us)

    def _take(self, commands: Sequence[Command], at_us: int) -> None:
        """Orders are refused at once: the books go on as recorded."""
        for command in commands:
            kind = command.verdict.value if isinstance(command, Decision) else type(command).__name__
            self.told[kind] += 1
            if isinstance(command, SubmitOrder):
                self._tell(IntentUpdate(decision_id=command.decision_id, status=OrderStatus.REJECTED), at_us)


def _config(venue: Venue) -> SessionConfig:
    capabilities = Capabilities(
        venue=venue,
        fence=FenceKind.ORDER_GROUP,
        order_id_known_before_send=False,
        fills_settle_later=False,
        nets_yes_and_no=True,
        can_amend=False,
        can_decrease=False,
        can_cancel_on_pause=False,
        has_taker_delay=False,
        reduce_only_native=True,
        max_client_order_id_len=64,
    )
    account = TradingAccount(venue=venue, account="bench", capabilities=capabilities)
    return SessionConfig(accounts=(account,), leagues={"nba": DipSettings(is_enabled=True)})


def _listing(venue: Venue, native_id: str, number: int) -> VenueMarket:
    routing = f'{{"yes":"{token(number, 0)}","no":"{token(number, 1)}"}}' if venue is Venue.POLYMARKET else "{}"
    return VenueMarket(
        market_id=f"{venue}:{native_id}",
        venue=venue,
        native_id=native_id,
        event_id=f"E{number // 2}",
        kind=MarketKind.MONEYLINE,
        league="nba",
        title="",
        yes_label="",
        no_label="",
        fees=FeeSchedule(taker_rate_u=70_000),
        routing=routing,
    )


def _state(number: int, at_us: int, *, is_live: bool) -> GameState:
    """Second and third quarter, slowly, with a score that moves now and then."""
    played_s = 720 + (at_us - START_US) // 1_000_000 // 8 % 1400
    scored = played_s // 18 if is_live else 0
    return GameState(
        game_id=f"espn:{number}",
        source="espn",
        league="nba",
        sport="basketball",
        status=GameStatus.IN_PROGRESS if is_live else GameStatus.SCHEDULED,
        home=_TEAMS[0],
        away=_TEAMS[1],
        home_score=scored + number % 7 * (scored > 40),
        away_score=scored,
        start_ms=START_US // 1000,
        period=played_s // 720 + 1 if is_live else 0,
        segment=f"q{played_s // 720 + 1}" if is_live else "",
        clock_text=str(played_s),
        remaining_s=2880 - played_s if is_live else 2880,
        elapsed_frac_u=played_s * MICRO // 2880 if is_live else 0,
    )
