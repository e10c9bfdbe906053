"""The calendar of a generated run: which fixtures it begins with, and the next one whenever few are left.

Deterministic: fixtures follow from the seed and the order in which games end, both in virtual time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import datetime
from importlib import resources

import msgspec

from venues.eastern import eastern_date
from venues.leagues import league as league_of
from venues.simulator.games.dice import Stream, stream
from venues.simulator.games.roster import cards
from venues.simulator.games.sheet import Fixture, TeamCard

_FIRST_EVENT_ID = 401_900_000
_MINUTE_MS = 60_000


class ScenarioGame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    league: str
    start_in_s: int


class Upkeep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    live: int
    starts_in_s: tuple[int, int]
    leagues: tuple[str, ...]


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    epoch: datetime
    upkeep: Upkeep
    games: tuple[ScenarioGame, ...]

    @property
    def epoch_ms(self) -> int:
        return int(self.epoch.timestamp()) * 1000


def read_scenario(name: str = "demo") -> Scenario:
    """A scenario of `venues/simulator/scenarios`."""
    text = resources.files("venues.simulator").joinpath(f"scenarios/{name}.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Scenario)


class CalendarState(msgspec.Struct):
    """The whole mutable state of a calendar."""

    dice: Stream
    made: int = 0
    used: set[str] = msgspec.field(default_factory=set)


class Calendar:
    """Makes fixtures. `games` is how many the run begins with, and about how many are kept going."""

    def __init__(self, scenario: Scenario, *, seed: int, games: int, state: CalendarState | None = None) -> None:
        self._scenario = scenario
        self._games = games
        self.state = state or CalendarState(dice=stream(seed, "calendar"))

    def opening(self) -> list[Fixture]:
        """The fixtures at the beginning of the run, some of them already being played."""
        epoch_ms = self._scenario.epoch_ms
        lines = [self._scenario.games[number % len(self._scenario.games)] for number in range(self._games)]
        fixtures: list[Fixture] = []
        for line in lines:
            fixtures.append(self._fixture(line.league, epoch_ms + line.start_in_s * 1000, fixtures))
        return fixtures

    def more(self, now_ms: int, unfinished: Iterable[Fixture]) -> list[Fixture]:
        """What has to be added now so that there are always games on."""
        upkeep = self._scenario.upkeep
        low, high = upkeep.starts_in_s
        busy = list(unfinished)
        near = [fixture for fixture in busy if fixture.start_ms <= now_ms + high * 1000]
        added: list[Fixture] = []
        for _ in range(min(upkeep.live, self._games) - len(near)):
            start_ms = now_ms + self.state.dice.integer(low, high) * 1000
            start_ms += -start_ms % _MINUTE_MS
            league = upkeep.leagues[self.state.made % len(upkeep.leagues)]
            added.append(self._fixture(league, start_ms, [*busy, *added]))
        return added

    def _fixture(self, league: str, start_ms: int, busy: list[Fixture]) -> Fixture:
        away, home = self._teams(league, start_ms, busy)
        self.state.made += 1
        return Fixture(
            event_id=str(_FIRST_EVENT_ID + self.state.made),
            league=league,
            sport=league_of(league).sport,
            home=home,
            away=away,
            start_ms=start_ms,
            home_prob=round(self.state.dice.between(0.34, 0.70), 3),
        )

    def _teams(self, league: str, start_ms: int, busy: list[Fixture]) -> tuple[TeamCard, TeamCard]:
        """Two teams that do not play at the moment and have not met on this day."""
        playing = {card.kalshi for fixture in busy if fixture.league == league for card in (fixture.home, fixture.away)}
        free = [card for card in cards(league) if card.kalshi not in playing] or list(cards(league))
        while True:
            away, home = self.state.dice.choice(free), self.state.dice.choice(free)
            meeting = f"{league}:{eastern_date(start_ms)}:{'-'.join(sorted((away.kalshi, home.kalshi)))}"
            if away != home and meeting not in self.state.used:
                self.state.used.add(meeting)
                return away, home
