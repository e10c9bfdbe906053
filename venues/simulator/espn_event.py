"""A game as an event of ESPN's scoreboard: competitors, score strings, line scores, situation, odds before the start.

Shapes from the recorded scoreboards (../shared/sports/espn_samples): scores are strings, the home side comes first,
`winner` appears with the end, odds vanish with the start. Tennis matches hang in a tournament's grouping and name
athletes instead of teams.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from venues.leagues import League
from venues.simulator.espn_status import ordinal, status_object
from venues.simulator.games.sheet import Baseball, Fixture, Football, Sheet, TeamCard, Tennis
from venues.types import GameStatus

IDS = {
    "nba": ("40", "46"),
    "wnba": ("40", "59"),
    "ncaam": ("40", "41"),
    "nfl": ("20", "28"),
    "ncaaf": ("20", "23"),
    "mlb": ("1", "10"),
    "nhl": ("70", "90"),
    "mls": ("600", "770"),
    "epl": ("600", "700"),
    "atp": ("850", "851"),
    "wta": ("850", "900"),
}
"""ESPN's sport and league ids of the leagues we generate; others get 0."""


def event_object(league: League, fixture: Fixture, sheet: Sheet) -> dict[str, Any]:
    """The event of a team game."""
    status = status_object(league, fixture, sheet)
    return {
        "id": fixture.event_id,
        "uid": uid(league, fixture),
        "date": minute_stamp(fixture.start_ms),
        "name": f"{fixture.away.display} at {fixture.home.display}",
        "shortName": f"{fixture.away.code} @ {fixture.home.code}",
        "season": season_object(fixture.start_ms),
        "competitions": [competition_object(league, fixture, sheet)],
        "links": [],
        "status": status,
    }


def tournament_object(league: League, matches: list[tuple[Fixture, Sheet]]) -> dict[str, Any]:
    """All matches of a tennis league as one tournament."""
    first = matches[0][0]
    number = f"999-{datetime.fromtimestamp(first.start_ms / 1000, UTC):%Y}"
    states = [sheet.status for _, sheet in matches]
    is_on = any(status is not GameStatus.SCHEDULED for status in states)
    is_over = all(status is GameStatus.FINAL for status in states)
    kind = ("3", "STATUS_FINAL", "post") if is_over else ("2", "STATUS_IN_PROGRESS", "in") if is_on else _SCHEDULED
    gender = "Women's" if league.code == "wta" else "Men's"
    name = f"Courtside Open ({league.name})"
    return {
        "id": number,
        "uid": f"s:850~l:{IDS.get(league.code, ('0', '0'))[1]}~e:{number}",
        "date": minute_stamp(min(fixture.start_ms for fixture, _ in matches)),
        "endDate": minute_stamp(max(fixture.start_ms for fixture, _ in matches) + 8 * 86_400_000),
        "name": name,
        "shortName": name,
        "season": season_object(first.start_ms),
        "groupings": [
            {
                "grouping": {"id": "1", "slug": f"{gender[:-2].lower()}s-singles", "displayName": f"{gender} Singles"},
                "competitions": [competition_object(league, fixture, sheet) for fixture, sheet in matches],
            }
        ],
        "status": {"type": {"id": kind[0], "name": kind[1], "state": kind[2], "completed": is_over}},
    }


_SCHEDULED = ("1", "STATUS_SCHEDULED", "pre")


def competition_object(league: League, fixture: Fixture, sheet: Sheet) -> dict[str, Any]:
    stamp = minute_stamp(fixture.start_ms)
    body: dict[str, Any] = {
        "id": fixture.event_id,
        "uid": f"{uid(league, fixture)}~c:{fixture.event_id}",
        "date": stamp,
        "attendance": 0,
        "type": {"id": "1", "abbreviation": "STD"},
        "timeValid": True,
        "neutralSite": False,
        "conferenceCompetition": False,
        "playByPlayAvailable": sheet.status is not GameStatus.SCHEDULED,
        "recent": True,
        "wasSuspended": False,
        "competitors": [
            _competitor(league, fixture, sheet, is_home=True),
            _competitor(league, fixture, sheet, is_home=False),
        ],
        "notes": [],
        "status": status_object(league, fixture, sheet),
        "broadcasts": [],
        "format": {"regulation": {"periods": league.periods}},
        "startDate": stamp,
        "geoBroadcasts": [],
    }
    if sheet.status.is_live:
        body["situation"] = _situation(league, fixture, sheet)
    if sheet.status is GameStatus.SCHEDULED and league.sport != "tennis":
        body["odds"] = [_odds(fixture)]
    if league.sport == "baseball" and sheet.status.is_live:
        outs = sheet.detail_of(Baseball).outs
        body["outsText"] = f"{outs} Out{'' if outs == 1 else 's'}"
    return body


def uid(league: League, fixture: Fixture) -> str:
    sport_id, league_id = IDS.get(league.code, ("0", "0"))
    return f"s:{sport_id}~l:{league_id}~e:{fixture.event_id}"


def minute_stamp(at_ms: int) -> str:
    """ESPN's "2026-08-09T16:15Z"."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%dT%H:%MZ}"


def season_object(at_ms: int) -> dict[str, Any]:
    return {"year": datetime.fromtimestamp(at_ms / 1000, UTC).year, "type": 2, "slug": "regular-season"}


def team_object(league: League, card: TeamCard) -> dict[str, Any]:
    return {
        "id": card.espn_id,
        "uid": f"s:{IDS.get(league.code, ('0', '0'))[0]}~t:{card.espn_id}",
        "location": card.location,
        "name": card.name,
        "abbreviation": card.code,
        "displayName": card.display,
        "shortDisplayName": card.name,
        "isActive": True,
    }


def _competitor(league: League, fixture: Fixture, sheet: Sheet, *, is_home: bool) -> dict[str, Any]:
    card = fixture.home if is_home else fixture.away
    is_tennis = league.sport == "tennis"
    body: dict[str, Any] = {
        "id": card.espn_id,
        "uid": f"s:{IDS.get(league.code, ('0', '0'))[0]}~{'a' if is_tennis else 't'}:{card.espn_id}",
        "type": "athlete" if is_tennis else "team",
        "order": (0 if is_home else 1) + is_tennis,
        "homeAway": "home" if is_home else "away",
    }
    if sheet.status is GameStatus.FINAL or league.sport in ("soccer", "tennis"):
        body["winner"] = sheet.winner == ("home" if is_home else "away")
    if is_tennis:
        body["athlete"] = {"fullName": card.name, "displayName": card.name, "shortName": _initial(card.name)}
    else:
        body["team"] = team_object(league, card)
        body["score"] = str(sheet.home if is_home else sheet.away)
    lines = _linescores(league, sheet, is_home=is_home)
    if lines:
        body["linescores"] = lines
    body["statistics"] = []
    return body


def _linescores(league: League, sheet: Sheet, *, is_home: bool) -> list[dict[str, Any]]:
    own, others = (sheet.home_line, sheet.away_line) if is_home else (sheet.away_line, sheet.home_line)
    if league.sport == "soccer":
        return []
    if league.sport != "tennis":
        return [{"value": float(value)} for value in own]
    detail = sheet.detail_of(Tennis)
    ties = detail.home_tiebreaks if is_home else detail.away_tiebreaks
    lines: list[dict[str, Any]] = []
    for index, (value, other) in enumerate(zip(own, others, strict=True)):
        line: dict[str, Any] = {"value": float(value)}
        if index < len(ties):
            line["winner"] = value > other
            if ties[index] or (value, other) in ((7, 6), (6, 7)):
                line["tiebreak"] = ties[index]
        lines.append(line)
    return lines


def _situation(league: League, fixture: Fixture, sheet: Sheet) -> dict[str, Any]:
    play = {
        "id": f"{fixture.event_id}{sheet.plays:04d}",
        "type": {"id": "0", "text": sheet.last_play},
        "text": sheet.last_play,
        "scoreValue": 0,
    }
    match league.sport:
        case "basketball":
            return {"lastPlay": play}
        case "football":
            return {"lastPlay": play, **_drive(fixture, sheet.detail_of(Football))}
        case "baseball":
            detail = sheet.detail_of(Baseball)
            return {
                "lastPlay": play,
                "balls": detail.balls,
                "strikes": detail.strikes,
                "outs": detail.outs,
                "onFirst": detail.first,
                "onSecond": detail.second,
                "onThird": detail.third,
            }
        case _:
            return {}


def _drive(fixture: Fixture, drive: Football) -> dict[str, Any]:
    card, foe = (fixture.home, fixture.away) if drive.possession == "home" else (fixture.away, fixture.home)
    spot = f"{card.code} {drive.yard}" if drive.yard <= 50 else f"{foe.code} {100 - drive.yard}"
    short = f"{ordinal(drive.down)} & {drive.distance}"
    return {
        "down": drive.down,
        "distance": drive.distance,
        "yardLine": drive.yard if drive.possession == "home" else 100 - drive.yard,
        "downDistanceText": f"{short} at {spot}",
        "shortDownDistanceText": short,
        "possessionText": spot,
        "isRedZone": drive.yard >= 80,
        "homeTimeouts": 3,
        "awayTimeouts": 3,
        "possession": card.espn_id,
    }


def _odds(fixture: Fixture) -> dict[str, Any]:
    """A bookmaker's money line around the strength the game was made with, 4 % dearer than fair."""
    home, away = _moneyline(fixture.home_prob * 1.04), _moneyline((1.0 - fixture.home_prob) * 1.04)
    is_home_favorite = fixture.home_prob >= 0.5
    favorite, line = (fixture.home, home) if is_home_favorite else (fixture.away, away)
    sides = {
        key: {"favorite": is_favorite, "underdog": not is_favorite, "team": {"id": card.espn_id}}
        for key, is_favorite, card in (
            ("awayTeamOdds", not is_home_favorite, fixture.away),
            ("homeTeamOdds", is_home_favorite, fixture.home),
        )
    }
    return {
        "provider": {"id": "100", "name": "DraftKings", "priority": 1},
        "details": f"{favorite.code} {line}",
        **sides,
        "moneyline": {"home": {"close": {"odds": home}}, "away": {"close": {"odds": away}}},
    }


def _moneyline(probability: float) -> str:
    clipped = min(0.97, max(0.03, probability))
    if clipped >= 0.5:
        return str(-round(100 * clipped / (1 - clipped)))
    return f"+{round(100 * (1 - clipped) / clipped)}"


def _initial(name: str) -> str:
    first, _, rest = name.partition(" ")
    return f"{first[:1]}. {rest}" if rest else name
