"""Recorded ESPN replies, by file name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from venues.espn.parse import Parsed, parse_header, parse_scoreboard
from venues.leagues import LEAGUES
from venues.types import GameState

LEAGUE_OF_FILE = {
    "baseball_mlb": "mlb",
    "scoreboard_mlb": "mlb",
    "wnba": "wnba",
    "nba": "nba",
    "ncaam": "ncaam",
    "college-football": "ncaaf",
    "ncaaf": "ncaaf",
    "nfl": "nfl",
    "golf": "pga",
    "nhl": "nhl",
    "ufc": "ufc",
    "f1": "f1",
    "fifa.world": "worldcup",
    "ger.1": "bundesliga",
    "usa.1": "mls",
    "usa.nwsl": "nwsl",
    "eng.1": "epl",
    "soccer_all": "epl",
    "atp": "atp",
    "wta": "wta",
    "volleyball": "ncaawvolleyball",
    "cricket": "cricket",
}


def league_of(name: str) -> str:
    return next(code for part, code in LEAGUE_OF_FILE.items() if part in name)


@pytest.fixture(scope="session")
def samples(shared: Path) -> Path:
    return shared / "sports" / "espn_samples"


@pytest.fixture(scope="session")
def read(samples: Path) -> Callable[[str], Parsed]:
    """Parse a recorded scoreboard, header or single event (which is wrapped into a scoreboard)."""

    def reader(name: str) -> Parsed:
        body = (samples / f"{name}.json").read_bytes()
        if name.startswith("header"):
            return parse_header(body, source_ms=1)
        if name.startswith("event"):
            body = b'{"events":[' + body + b"]}"
        return parse_scoreboard(body, LEAGUES[league_of(name)], source_ms=1)

    return reader


@pytest.fixture(scope="session")
def game(read: Callable[[str], Parsed]) -> Callable[[str, str], GameState]:
    """One game of a file by the sign of its home side."""

    def find(name: str, home: str) -> GameState:
        return next(one for one in read(name).games if one.home.code == home)

    return find
