"""ESPN's three views of the games: the scoreboard, the compact header and one game's summary.

Days are US-Eastern: a game that starts at 01:40Z is filed under the day before. Source: ../shared/sports/FACTS.md §1.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from venues.eastern import eastern_date
from venues.leagues import League
from venues.simulator.espn_event import (
    IDS,
    competition_object,
    event_object,
    minute_stamp,
    season_object,
    tournament_object,
    uid,
)
from venues.simulator.espn_status import status_object
from venues.simulator.games.sheet import Fixture, Sheet
from venues.types import GameStatus

Games = list[tuple[Fixture, Sheet]]
_LIMIT_TRAP, _TRAPPED = 500, 25


def on_days(games: Iterable[tuple[Fixture, Sheet]], dates: str, now_ms: int) -> Games:
    """Games of the Eastern day, month or year `dates`; of today without. In the order of their start."""
    prefix = dates or f"{eastern_date(now_ms):%Y%m%d}"
    chosen = [(f, s) for f, s in games if f"{eastern_date(f.start_ms):%Y%m%d}".startswith(prefix)]
    return sorted(chosen, key=lambda pair: (pair[0].start_ms, pair[0].event_id))


def scoreboard(league: League, games: Games, *, limit: int, now_ms: int) -> dict[str, Any]:
    """`{leagues, season, day, events}`. A limit above 500 silently gives 25 events, as at ESPN."""
    if limit > _LIMIT_TRAP:
        games = games[:_TRAPPED]
    elif limit:
        games = games[:limit]
    if league.sport == "tennis":
        events = [tournament_object(league, games)] if games else []
    else:
        events = [event_object(league, fixture, sheet) for fixture, sheet in games]
    return {
        "leagues": [_league_object(league, now_ms)],
        "season": {"type": 2, "year": season_object(now_ms)["year"]},
        "day": {"date": eastern_date(now_ms).isoformat()},
        "events": events,
    }


def summary(league: League, fixture: Fixture, sheet: Sheet) -> dict[str, Any]:
    """The header of the game and its last play; our feed keeps no list of plays."""
    competition = competition_object(league, fixture, sheet)
    play = {
        "id": f"{fixture.event_id}{sheet.plays:04d}",
        "sequenceNumber": str(sheet.plays),
        "type": {"id": "0", "text": sheet.last_play},
        "text": sheet.last_play,
        "awayScore": sheet.away,
        "homeScore": sheet.home,
        "period": {"number": sheet.period},
        "clock": {"displayValue": competition["status"]["displayClock"]},
        "scoringPlay": False,
    }
    return {
        "boxscore": {"teams": [], "players": []},
        "format": {
            "regulation": {"periods": league.periods, "clock": float(league.period_s)},
            "overtime": {"clock": float(league.overtime_s)},
        },
        "pickcenter": [],
        "odds": [],
        "header": {
            "id": fixture.event_id,
            "uid": uid(league, fixture),
            "season": {**season_object(fixture.start_ms), "current": True},
            "timeValid": True,
            "competitions": [competition],
        },
        "winprobability": [],
        "plays": [] if sheet.status is GameStatus.SCHEDULED else [play],
        "wallclockAvailable": False,
    }


def header(boards: list[tuple[League, Games]]) -> dict[str, Any]:
    """The compact board: `status` is a word here and the object is `fullStatus`."""
    sports: dict[str, dict[str, Any]] = {}
    for league, games in boards:
        row = sports.setdefault(
            league.sport,
            {
                "id": IDS.get(league.code, ("0", "0"))[0],
                "name": league.sport.title(),
                "slug": league.sport,
                "leagues": [],
            },
        )
        row["leagues"].append(
            {
                "id": IDS.get(league.code, ("0", "0"))[1],
                "name": league.name,
                "abbreviation": league.code.upper(),
                "slug": league.espn_league,
                "isTournament": league.sport == "tennis",
                "events": [_header_event(league, fixture, sheet) for fixture, sheet in games],
            }
        )
    return {"sports": list(sports.values())}


def _header_event(league: League, fixture: Fixture, sheet: Sheet) -> dict[str, Any]:
    status = status_object(league, fixture, sheet)
    return {
        "id": fixture.event_id,
        "uid": f"{uid(league, fixture)}~c:{fixture.event_id}",
        "date": f"{datetime.fromtimestamp(fixture.start_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "timeValid": True,
        "name": f"{fixture.away.display} at {fixture.home.display}",
        "shortName": f"{fixture.away.code} @ {fixture.home.code}",
        "competitionId": fixture.event_id,
        "season": season_object(fixture.start_ms)["year"],
        "seasonType": "2",
        "status": status["type"]["state"],
        "summary": status["type"]["shortDetail"],
        "period": status["period"],
        "clock": status["displayClock"],
        "fullStatus": status,
        "competitors": [
            _header_competitor(fixture, sheet, is_home=True),
            _header_competitor(fixture, sheet, is_home=False),
        ],
    }


def _header_competitor(fixture: Fixture, sheet: Sheet, *, is_home: bool) -> dict[str, Any]:
    card = fixture.home if is_home else fixture.away
    side = "home" if is_home else "away"
    return {
        "id": card.espn_id,
        "type": "team",
        "order": 0 if is_home else 1,
        "homeAway": side,
        "winner": sheet.winner == side,
        "displayName": card.display,
        "name": card.name,
        "abbreviation": card.code,
        "location": card.location,
        "score": "" if sheet.status is GameStatus.SCHEDULED else str(sheet.home if is_home else sheet.away),
    }


def _league_object(league: League, now_ms: int) -> dict[str, Any]:
    sport_id, league_id = IDS.get(league.code, ("0", "0"))
    return {
        "id": league_id,
        "uid": f"s:{sport_id}~l:{league_id}",
        "name": league.name,
        "abbreviation": league.code.upper(),
        "slug": league.espn_league,
        "season": {
            "year": season_object(now_ms)["year"],
            "type": {"id": "2", "type": 2, "name": "Regular Season", "abbreviation": "reg"},
        },
        "calendarType": "day",
        "calendarIsWhitelist": True,
        "calendar": [minute_stamp(now_ms)],
    }
