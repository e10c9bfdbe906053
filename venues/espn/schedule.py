"""When each board is due again: often while a game runs, seldom while nothing can happen.

One board is one league on one US-Eastern day, because ESPN files a game of 01:40 UTC under the day before and ranges of
dates are broken. Pure: times are UTC ms of the clock the feed was given, virtual or real.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from venues.eastern import eastern_date
from venues.espn.constants import (
    FIRST_RETRY_S,
    IDLE_EVERY_S,
    LIVE_EVERY_S,
    QUIET_EVERY_S,
    RETRY_CEILING_S,
    SOON_EVERY_S,
    SOON_S,
)
from venues.leagues import League
from venues.types import GameState, GameStatus

_WAITING = (GameStatus.SCHEDULED, GameStatus.DELAYED, GameStatus.SUSPENDED)
_ENDED = (GameStatus.FINAL, GameStatus.CANCELED, GameStatus.POSTPONED)


class Board:
    """One league's games of one day: what ESPN last told us to compare with, and when to ask again."""

    __slots__ = ("day", "due_ms", "etag", "failures", "games", "last_modified", "league")

    def __init__(self, league: League, day: date) -> None:
        self.league = league
        self.day = day
        self.due_ms = 0
        self.etag = ""
        self.last_modified = ""
        self.failures = 0
        self.games: tuple[GameState, ...] = ()

    def succeeded(self, now_ms: int) -> None:
        """Asked and answered: set the next time by the games it has."""
        self.failures = 0
        self.due_ms = now_ms + int(wait_after_s(self.games, self.day, now_ms) * 1000)

    def failed(self, now_ms: int) -> None:
        """Back off: 10 s, 20 s, 40 s … five minutes."""
        wait_s = min(RETRY_CEILING_S, FIRST_RETRY_S * 2.0 ** min(self.failures, 10))
        self.failures += 1
        self.due_ms = now_ms + int(wait_s * 1000)


def wait_after_s(games: Sequence[GameState], day: date, now_ms: int) -> float:
    """Seconds until this board can be worth asking again."""
    if any(game.status.is_live for game in games):
        return LIVE_EVERY_S
    starts = [game.start_ms for game in games if game.status in _WAITING]
    if any(start - now_ms <= SOON_S * 1000 for start in starts):
        return SOON_EVERY_S
    is_today = day == eastern_date(now_ms)
    if not is_today or (games and all(game.status in _ENDED for game in games)):
        return QUIET_EVERY_S
    return IDLE_EVERY_S
