"""The same messages give the same commands, byte for byte; and a session opened from a stored one continues."""

from __future__ import annotations

import random

import msgspec
import pytest

from tests.trading.domain.scene import (
    ACCOUNT,
    EAGER,
    GAME,
    MARKET,
    SECOND,
    START_US,
    Scene,
    book,
    config,
    game,
    listing,
    orders,
    pregame,
)
from trading.backtest import Heard, backtest, replay
from trading.domain.commands import Purpose, SubmitOrder
from trading.domain.config import SessionConfig
from trading.domain.messages import GameLinked, Tick
from trading.domain.opening import OpeningState
from trading.domain.session import Session
from venues.types import MICRO, BookDelta, BookSnapshot, MarketState, MarketStateChanged, Outcome

OTHER = "kalshi:KXNBAGAME-AWAY"
BUSY = msgspec.structs.replace(EAGER, max_positions_per_game=2, entry_threshold_u=80_000)


def a_game(seed: int, minutes: int = 40) -> list[Heard]:
    """Two markets of one game whose prices follow a score that walks at random."""
    rng = random.Random(seed)
    heard = [Heard(START_US, message) for message in preamble()]
    now_us, mid, home, away = START_US + 60 * SECOND, 60, 0, 0
    for second in range(0, minutes * 60, 5):
        now_us += 5 * SECOND
        if rng.random() < 0.3:
            points, at_home = rng.choice((1, 2, 3)), rng.random() < 0.48
            home, away = home + points * at_home, away + points * (not at_home)
            mid = min(max(mid + (points if at_home else -points), 6), 94)
        heard.append(Heard(now_us, _state(second, home, away)))
        wobble = rng.choice((-1, 0, 0, 1))
        heard.append(Heard(now_us + 1_000_000, book(mid + wobble - 1, mid + wobble + 1)))
        heard.append(Heard(now_us + 1_200_000, book(99 - mid, 101 - mid, OTHER)))
        heard.append(Heard(now_us + 1_500_000, BookDelta(MARKET, True, (mid - 1) * 10_000, 5 * MICRO, 0)))
        heard.append(Heard(now_us + 2_000_000, Tick()))
    value_u = MICRO if home > away else 0
    heard.append(Heard(now_us + 9_000_000, MarketStateChanged(MARKET, MarketState.SETTLED, 0, Outcome.YES, value_u)))
    other_u = MICRO - value_u
    heard.append(Heard(now_us + 9_000_001, MarketStateChanged(OTHER, MarketState.SETTLED, 0, Outcome.YES, other_u)))
    return heard


def preamble() -> list[object]:
    """What the feeds bring again after every start."""
    links = [GameLinked(GAME, MARKET, True), GameLinked(GAME, OTHER, False)]
    return [listing(), listing(OTHER), pregame(), *links, book(59, 61), book(39, 41, OTHER)]


def _state(second: int, home: int, away: int) -> object:
    period = min(second // 720 + 1, 4)
    return game(
        home_score=home,
        away_score=away,
        period=period,
        segment=f"q{period}",
        clock_text=str(second),
        remaining_s=max(2880 - second, 0),
        elapsed_frac_u=min(second * MICRO // 2880, MICRO),
    )


def session(opening: OpeningState | None = None, settings: SessionConfig | None = None) -> Session:
    return Session(settings if settings is not None else config(BUSY), opening)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_recording_gives_the_same_result_to_the_last_byte(seed: int) -> None:
    first = backtest(session(), a_game(seed), cash_u=1_000 * MICRO)
    second = backtest(session(), a_game(seed), cash_u=1_000 * MICRO)
    assert first == second
    assert first.decisions > 50


def test_games_are_traded_and_cash_equals_what_was_earned() -> None:
    fills = 0
    for seed in range(6):
        one = session()
        result = backtest(one, a_game(seed), cash_u=1_000 * MICRO)
        fills += result.fills
        assert one.desk.balances[ACCOUNT].total_u == 1_000 * MICRO + result.realized_u
    assert fills >= 12


def test_what_a_live_session_heard_replays_to_the_same_commands_after_storage() -> None:
    """Everything heard is written out and read back, the outcomes of the session's own orders too."""
    heard: list[Heard] = []

    class Listening(Session):
        def on(self, message, now_us):
            heard.append(Heard(now_us, message))
            return super().on(message, now_us)

    live = Listening(config(BUSY))
    backtest(live, a_game(1), cash_u=1_000 * MICRO)
    stored = msgspec.json.decode(msgspec.json.encode(heard), type=list[Heard])

    again = session()
    commands = replay(again, stored)
    assert again.digest.hexdigest() == live.digest.hexdigest()
    assert len(commands) == live.digest.count


def test_a_session_opened_from_a_stored_one_makes_the_same_orders() -> None:
    """The second half is played by the first session and by one opened from its export, which hears the feeds'
    preamble again. Decisions not to act may be told at other moments; orders may not differ."""
    compared = 0
    for seed in range(4):
        heard = a_game(seed)
        for cut in range(len(heard) // 4, len(heard) - 200, len(heard) // 7):
            compared += _same_second_half(heard, cut)
    assert compared > 4


def _same_second_half(heard: list[Heard], cut: int) -> int:
    scene = Scene(config(BUSY))
    scene.fund()
    for one in heard[:cut]:
        _play(scene.session, [one])
    stored = msgspec.json.encode(scene.session.export())
    reopened = session(msgspec.json.decode(stored, type=OpeningState))
    assert reopened.export() == scene.session.export()

    again = [Heard(heard[cut].at_us - SECOND // 2, message) for message in _feeds_again(scene.session)]
    kept, opened = _play(scene.session, heard[cut:]), _play(reopened, again + heard[cut:])
    assert [_what(order) for order in kept] == [_what(order) for order in opened]
    return len(kept)


def _what(order: SubmitOrder) -> tuple[object, ...]:
    """An exit's name holds the two seconds it was tried in, which a restart may move; an entry's is the same."""
    name = order.decision_id if order.purpose is Purpose.ENTRY else ""
    return (name, order.market_id, order.outcome, order.side, order.price_u, order.qty_u, order.reason)


def _feeds_again(running: Session) -> list[object]:
    """What the feeds tell a session that starts now: listings, links, books and the state of the game."""
    out = preamble()[:2] + preamble()[3:5]
    for market_id in (MARKET, OTHER):
        levels = running.markets[market_id].book.levels
        out.append(BookSnapshot(market_id, tuple(levels(True)), tuple(levels(False)), 0))
    return [*out, running.games[GAME].state]


def _play(one: Session, heard: list[Heard]) -> list[SubmitOrder]:
    """Every order fills at its limit at once, so that the outcome does not depend on the session."""
    made: list[SubmitOrder] = []
    for item in heard:
        scene = Scene(one)
        scene.now_us = item.at_us
        waiting = orders(list(one.on(item.message, item.at_us)))
        while waiting:
            order = waiting.pop()
            made.append(order)
            waiting += orders(scene.execute(order, trade=order.decision_id))
    return made
