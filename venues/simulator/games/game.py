"""One generated game: its sheet moves when time does, and its fair price follows the sheet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from venues.leagues import league as league_of
from venues.simulator.games.baseball import BaseballRules
from venues.simulator.games.basketball import BasketballRules
from venues.simulator.games.dice import stream
from venues.simulator.games.football import FootballRules
from venues.simulator.games.hockey import HockeyRules
from venues.simulator.games.sheet import (
    Baseball,
    Basketball,
    Clocked,
    Detail,
    Fixture,
    Football,
    Odds,
    Sheet,
    Tennis,
)
from venues.simulator.games.soccer import SoccerRules
from venues.simulator.games.tennis import TennisRules
from venues.simulator.games.timed import Timing
from venues.types import GameStatus


class Rules(Protocol):
    """What a sport knows of itself."""

    def step(self, sheet: Sheet, fixture: Fixture) -> int:
        """Let the next thing happen; returns the milliseconds until the one after it."""
        ...

    def odds(self, sheet: Sheet, fixture: Fixture) -> Odds:
        """Fair probabilities of the state on the sheet."""
        ...


def rules_of(league: str) -> Rules:
    """The rules of one of our leagues. Raises KeyError for a sport without a generator."""
    terms = league_of(league)
    if terms.sport == "baseball":
        return BaseballRules()
    if terms.sport == "tennis":
        return TennisRules()
    pace, break_s, half_s, overtimes = _TEMPO[terms.sport]
    timing = Timing(
        periods=terms.periods,
        period_s=terms.period_s,
        pace=pace,
        break_s=break_s,
        half_s=half_s,
        half_after=terms.periods // 2 if terms.periods % 2 == 0 else 0,
        overtime_s=terms.overtime_s or 600,
        overtimes=overtimes,
    )
    return _TIMED[terms.sport](timing)


# Seconds that pass per second of game clock, break, half-time, and how many overtimes may be played.
_TEMPO = {
    "basketball": (2.4, 130, 900, 9),
    "football": (2.9, 120, 780, 1),
    "hockey": (1.9, 1080, 1080, 1),
    "soccer": (1.0, 900, 900, 0),
}
_TIMED: dict[str, Callable[[Timing], Rules]] = {
    "basketball": BasketballRules,
    "football": FootballRules,
    "hockey": HockeyRules,
    "soccer": SoccerRules,
}
_DETAILS: dict[str, type[Detail]] = {
    "basketball": Basketball,
    "football": Football,
    "baseball": Baseball,
    "tennis": Tennis,
}


class Game:
    """A fixture being played. `odds` is the fair price now; it is private to the simulator."""

    def __init__(self, fixture: Fixture, sheet: Sheet) -> None:
        self.fixture = fixture
        self.sheet = sheet
        self._rules = rules_of(fixture.league)
        self.odds = self._rules.odds(sheet, fixture)

    @classmethod
    def scheduled(cls, fixture: Fixture, *, seed: int) -> Game:
        """The game before its start, with a score stream of its own."""
        detail = _DETAILS.get(fixture.sport, Clocked)()
        dice = stream(seed, fixture.event_id, "score")
        return cls(fixture, Sheet(next_ms=fixture.start_ms, dice=dice, detail=detail))

    @property
    def next_ms(self) -> int | None:
        """When the next thing happens; None after the end."""
        return None if self.is_final else self.sheet.next_ms

    @property
    def is_final(self) -> bool:
        return self.sheet.status is GameStatus.FINAL

    @property
    def is_live(self) -> bool:
        return self.sheet.status.is_live

    def advance(self, now_ms: int) -> bool:
        """Let everything happen that is due until `now_ms`; True when something did."""
        has_changed = False
        while not self.is_final and self.sheet.next_ms <= now_ms:
            moment = self.sheet.next_ms
            self.sheet.next_ms = moment + self._rules.step(self.sheet, self.fixture)
            if self.is_final:
                self.sheet.final_ms = moment
            has_changed = True
        if has_changed:
            self.odds = self._rules.odds(self.sheet, self.fixture)
        return has_changed
