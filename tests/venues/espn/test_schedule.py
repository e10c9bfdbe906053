"""How soon a board is asked again."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from tests.venues.espn.test_parse import state
from venues.eastern import eastern_ms
from venues.espn.schedule import Board, wait_after_s
from venues.leagues import LEAGUES
from venues.types import GameState, GameStatus

TODAY = date(2026, 1, 9)
NOON = eastern_ms(TODAY, hour=12)
MINUTE = 60_000


def game(status: GameStatus, start_ms: int = NOON) -> GameState:
    made = state(state="in", name="STATUS_IN_PROGRESS")
    return msgspec.structs.replace(made, status=status, start_ms=start_ms)


@pytest.mark.parametrize(
    ("games", "day", "seconds"),
    [
        ([game(GameStatus.IN_PROGRESS)], TODAY, 10),
        ([game(GameStatus.FINAL), game(GameStatus.BREAK)], TODAY, 10),
        ([game(GameStatus.IN_PROGRESS)], date(2026, 1, 8), 10),
        ([game(GameStatus.SCHEDULED, NOON + 15 * MINUTE)], TODAY, 30),
        ([game(GameStatus.SCHEDULED, NOON + 15 * MINUTE)], date(2026, 1, 10), 30),
        ([game(GameStatus.DELAYED, NOON - 60 * MINUTE)], TODAY, 30),
        ([game(GameStatus.SUSPENDED, NOON - 60 * MINUTE)], TODAY, 30),
        ([game(GameStatus.SCHEDULED, NOON + 300 * MINUTE)], TODAY, 120),
        ([], TODAY, 120),
        ([game(GameStatus.FINAL), game(GameStatus.POSTPONED)], TODAY, 900),
        ([game(GameStatus.SCHEDULED, NOON + 1500 * MINUTE)], date(2026, 1, 10), 900),
        ([], date(2026, 1, 8), 900),
    ],
)
def test_the_wait_follows_what_can_happen_next(games: list[GameState], day: date, seconds: int) -> None:
    assert wait_after_s(games, day, NOON) == seconds


def test_failures_double_the_wait_up_to_five_minutes_and_a_success_ends_them() -> None:
    board = Board(LEAGUES["nba"], TODAY)
    waits = []
    for _ in range(7):
        board.failed(NOON)
        waits.append((board.due_ms - NOON) // 1000)
    assert waits == [10, 20, 40, 80, 160, 300, 300]
    board.succeeded(NOON)
    board.failed(NOON)
    assert board.due_ms - NOON == 10_000
