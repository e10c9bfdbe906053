"""What a generated game is: who plays (`Fixture`) and the whole mutable state of it (`Sheet`).

A sheet can be written to bytes at any moment and goes on from there exactly: the random stream is inside.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from venues.simulator.games.dice import Stream
from venues.types import GameStatus

Team = Literal["home", "away"]
Winner = Literal["home", "away", "draw", ""]
D = TypeVar("D")


class TeamCard(msgspec.Struct, frozen=True):
    """A team by the names its three sources give it."""

    espn_id: str
    code: str
    location: str
    name: str
    kalshi: str
    polymarket: str

    @property
    def display(self) -> str:
        return self.name if self.location in ("", self.name) else f"{self.location} {self.name}"


class Fixture(msgspec.Struct, frozen=True):
    """A game to be played. `home_prob` is the strength it is generated with: P(home wins) before the start."""

    event_id: str
    league: str
    sport: str
    home: TeamCard
    away: TeamCard
    start_ms: int
    home_prob: float


class Odds(msgspec.Struct, frozen=True):
    """Fair probabilities; `draw` is 0 where a draw is no outcome of its own."""

    home: float
    away: float
    draw: float = 0.0


class Basketball(msgspec.Struct, tag="basketball"):
    """Possessions come in pairs; `echo` is what the first of the pair scored, −1 when the pair is complete."""

    possession: Team = "home"
    echo: int = -1


class Football(msgspec.Struct, tag="football"):
    """`yard` counts from the possessing team's own goal line (75 = the opponent's 25)."""

    possession: Team = "home"
    down: int = 1
    distance: int = 10
    yard: int = 25
    receives_second_half: Team = "away"


class Baseball(msgspec.Struct, tag="baseball"):
    is_top: bool = True
    outs: int = 0
    balls: int = 0
    strikes: int = 0
    first: bool = False
    second: bool = False
    third: bool = False


class Tennis(msgspec.Struct, tag="tennis"):
    """Points of the game (or tie-break) and games of the set being played; `sets` are the finished ones."""

    home_points: int = 0
    away_points: int = 0
    home_games: int = 0
    away_games: int = 0
    is_home_serving: bool = True
    tiebreak_first_is_home: bool = True
    home_tiebreaks: list[int] = msgspec.field(default_factory=list)
    away_tiebreaks: list[int] = msgspec.field(default_factory=list)


class Clocked(msgspec.Struct, tag="clocked"):
    """Sports whose situation is only score and clock."""


Detail = Basketball | Football | Baseball | Tennis | Clocked


class Sheet(msgspec.Struct):
    """`clock_s` is what is left of this period of `period_len_s` seconds; `next_ms` is when the next thing happens."""

    next_ms: int
    dice: Stream
    detail: Detail
    status: GameStatus = GameStatus.SCHEDULED
    period: int = 0
    clock_s: int = 0
    period_len_s: int = 0
    home: int = 0
    away: int = 0
    home_line: list[int] = msgspec.field(default_factory=list)
    away_line: list[int] = msgspec.field(default_factory=list)
    plays: int = 0
    last_play: str = ""
    winner: Winner = ""
    final_ms: int = 0

    @property
    def lead(self) -> int:
        return self.home - self.away

    def detail_of(self, kind: type[D]) -> D:
        """The sport's own part. Raises TypeError on the sheet of another sport."""
        if not isinstance(self.detail, kind):
            raise TypeError(f"this sheet is no {kind.__name__} sheet")
        return self.detail

    def score(self, team: Team, points: int) -> None:
        """Add points to the team and to its line of this period."""
        if team == "home":
            self.home += points
            self.home_line[-1] += points
        else:
            self.away += points
            self.away_line[-1] += points

    def open_period(self, seconds: int = 0) -> None:
        self.period += 1
        self.clock_s = self.period_len_s = seconds
        self.home_line.append(0)
        self.away_line.append(0)
        self.status = GameStatus.IN_PROGRESS

    def finish(self) -> None:
        self.status = GameStatus.FINAL
        self.clock_s = 0
        self.winner = "home" if self.lead > 0 else "away" if self.lead < 0 else "draw"


def other(team: Team) -> Team:
    return "away" if team == "home" else "home"
