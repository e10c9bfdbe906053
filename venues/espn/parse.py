"""ESPN's replies → `GameState`. Pure: bytes in, games out, together with what was unknown and what could not be read.

A reply is decoded once; one unreadable event does not hide the others, it becomes a sentence in `problems`. A game is
FINAL exactly when ESPN says `state == "post"` and `completed`: "post" alone also covers postponed and canceled games.
Every match of a tennis tournament, every bout of a card and every session of a race is a game of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from venues.errors import ProtocolError
from venues.espn import progress, situation
from venues.espn.constants import STATUS
from venues.espn.schemas import (
    Competition,
    Competitor,
    Event,
    Format,
    Header,
    HeaderCompetitor,
    HeaderEvent,
    Named,
    Scoreboard,
    Season,
    Shape,
    Status,
    Summary,
)
from venues.espn.sides import home_and_away, points, sets_won, team_ref, winner_of
from venues.leagues import LEAGUES, Clock, League, by_espn_path
from venues.shapes import ready
from venues.types import GameState, GameStatus, TeamRef
from venues.wire import Census

EventShape = TypeVar("EventShape", Event, HeaderEvent)
SOURCE = "espn"
_FIELD = TeamRef("", "FIELD", "The field")


class Parsed(msgspec.Struct, frozen=True):
    """`unknown` counts fields as `Struct.field`; `problems` has a sentence for each event that could not be read."""

    games: tuple[GameState, ...]
    unknown: Counter[str]
    problems: tuple[str, ...]


class PlayView(msgspec.Struct, frozen=True):
    """One play of a summary; `happened_ms` is the play's own time (None if untold), `home_win` is ESPN's model."""

    play_id: str
    text: str
    period: int
    clock_text: str
    home_score: int
    away_score: int
    happened_ms: int | None
    home_win: float | None


class GameSummary(msgspec.Struct, frozen=True):
    game: GameState
    plays: tuple[PlayView, ...]
    unknown: Counter[str]


def parse_scoreboard(body: bytes, league: League, *, source_ms: int) -> Parsed:
    """Every game of a scoreboard. Raises ProtocolError when the reply as a whole is no scoreboard."""
    raw = _decode(body, "events")
    unknown = _census(raw, Scoreboard)
    return _collect(raw["events"], Event, lambda event: event_games(event, league, source_ms), unknown)


def parse_header(body: bytes, *, source_ms: int) -> Parsed:
    """Every game of the compact board (all leagues of a sport; the only door to cricket)."""
    raw = _decode(body, "sports")
    unknown = _census(raw, Header)
    games: list[GameState] = []
    problems: list[str] = []
    for sport in raw["sports"]:
        for one in sport.get("leagues", ()):
            league = _header_league(str(sport.get("slug")), str(one.get("slug")))
            if league is None:
                problems.append(f"The league {sport.get('slug')}/{one.get('slug')} is not in our table.")
                continue
            found = _collect(one.get("events", ()), HeaderEvent, _header_reader(league, source_ms), unknown)
            games += found.games
            problems += found.problems
    return Parsed(tuple(games), unknown, tuple(problems))


def parse_summary(body: bytes, league: League, *, source_ms: int) -> GameSummary:
    """One game with its plays. Raises ProtocolError when it cannot be read."""
    raw = _decode(body, "header")
    unknown = _census(raw, Summary)
    try:
        summary = msgspec.convert(raw, ready(Summary), strict=False)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"ESPN's summary cannot be read: {error}.") from error
    header = summary.header
    event = Event(id=header.id, season=header.season, competitions=header.competitions)
    games = tuple(event_games(event, league, source_ms, summary.format))
    if not games:
        raise ProtocolError(f"ESPN's summary of {header.id} has no competition.")
    return GameSummary(games[0], tuple(_plays(summary)), unknown)


def event_games(event: Event, league: League, source_ms: int, form: Format | None = None) -> Iterator[GameState]:
    """The games of one event. Raises ProtocolError for a status, score or side that cannot be read."""
    grouped = (competition for group in event.groupings for competition in group.competitions)
    for competition in (*event.competitions, *grouped):
        status = competition.status or event.status
        if status is None:
            raise ProtocolError(f"Competition {competition.id} has no status.")
        yield _game(event, competition, status, league, competition.format or form, source_ms)


def game_status(status: Status) -> GameStatus:
    """From ESPN's name and state, with `completed` as the last word. Raises ProtocolError for an unknown state."""
    kind = status.type
    if kind.state not in ("pre", "in", "post"):
        raise ProtocolError(f"ESPN's state {kind.state!r} is unknown.")
    if kind.state == "post" and (kind.completed or (kind.completed is None and kind.description == "Result")):
        return GameStatus.FINAL
    by_state = {"pre": GameStatus.SCHEDULED, "in": GameStatus.IN_PROGRESS, "post": GameStatus.SUSPENDED}
    named = STATUS.get(kind.name, by_state[kind.state])
    if named is GameStatus.FINAL:
        return GameStatus.BREAK if kind.state == "in" else GameStatus.SUSPENDED
    if kind.state == "post" and named in (GameStatus.IN_PROGRESS, GameStatus.BREAK, GameStatus.SCHEDULED):
        return GameStatus.SUSPENDED
    return named


def time_ms(text: str) -> int:
    """`2026-08-09T16:15Z` and `2025-11-02T20:30:00Z` in UTC ms."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ProtocolError(f"ESPN's date {text!r} cannot be read.") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _game(
    event: Event, competition: Competition, status: Status, league: League, form: Format | None, source_ms: int
) -> GameState:
    state = game_status(status)
    if situation.is_field(league.sport):
        home, away, scores, sets, told = _field_sides(event, competition)
        won = ""
    else:
        first, second = home_and_away(competition.competitors)
        home, away = team_ref(first), team_ref(second)
        is_played_out = state is GameStatus.FINAL and status.type.name != "STATUS_RETIRED"
        sets = sets_won(first, second, is_played_out=is_played_out)
        scores = _scores(league, first, second, sets)
        told = situation.situation_text(league.sport, competition, first, second)
        won = winner_of(first, second, scores) if state is GameStatus.FINAL else ""
    moment = _moment(event, competition, status, state, sets)
    regulation = _regulation(league, form)
    return GameState(
        game_id=f"espn:{competition.id}",
        source=SOURCE,
        league=league.code,
        sport=league.sport,
        status=state,
        home=home,
        away=away,
        home_score=scores[0],
        away_score=scores[1],
        start_ms=time_ms(competition.date or event.date),
        period=status.period if moment.is_started else 0,
        segment=progress.segment(league, regulation, moment),
        clock_text=_clock_text(league, status, moment),
        remaining_s=progress.remaining_s(league, regulation, moment),
        elapsed_frac_u=progress.elapsed_frac_u(league, regulation, moment),
        winner=won,
        detail=status.type.detail or status.type.description,
        situation=told,
        source_ms=source_ms,
    )


def _clock_text(league: League, status: Status, moment: progress.Moment) -> str:
    """ESPN's clock while it means something: not in baseball, not before the start, not after the end."""
    is_running = moment.is_started and not moment.is_over and league.clock is not Clock.NONE
    return status.display_clock if is_running else ""


def _field_sides(
    event: Event, competition: Competition
) -> tuple[TeamRef, TeamRef, tuple[int, int], tuple[int, int], str]:
    """A tournament or race has no two sides: the event stands as home, the field as away, leaders in the text."""
    part = competition.type.abbreviation or competition.type.text if competition.type is not None else ""
    name = f"{event.name} {part}".strip()
    return TeamRef(event.id, event.short_name, name), _FIELD, (0, 0), (0, 0), situation.leaderboard_text(competition)


def _scores(league: League, home: Competitor, away: Competitor, sets: tuple[int, int]) -> tuple[int, int]:
    if league.period == "set" and home.score is None and away.score is None:
        return sets
    return points(league.sport, home), points(league.sport, away)


def _moment(
    event: Event, competition: Competition, status: Status, state: GameStatus, sets: tuple[int, int]
) -> progress.Moment:
    is_over = state is GameStatus.FINAL
    has_begun = status.type.state == "in" or (status.type.state == "post" and bool(status.period))
    now = competition.situation
    return progress.Moment(
        period=status.period,
        clock_s=status.clock,
        detail=status.type.detail,
        outs=(now.outs or 0) if now is not None else 0,
        sets_won=sets,
        season_type=event.season.type if event.season is not None else 0,
        is_started=is_over or (has_begun and state not in (GameStatus.POSTPONED, GameStatus.SCHEDULED)),
        is_over=is_over,
    )


def _regulation(league: League, form: Format | None) -> progress.Regulation:
    told = form.regulation if form is not None else None
    periods = told.periods if told is not None and told.periods else league.periods
    period_s = int(told.clock) if told is not None and told.clock else league.period_s
    return progress.Regulation(periods, period_s)


def _plays(summary: Summary) -> Iterator[PlayView]:
    home_win = {one.play_id: one.home_win_percentage for one in summary.winprobability}
    for play in summary.plays:
        yield PlayView(
            play.id,
            play.text,
            play.period.number if play.period is not None else 0,
            play.clock.display_value if play.clock is not None else "",
            play.home_score,
            play.away_score,
            time_ms(play.wallclock) if play.wallclock else None,
            home_win.get(play.id),
        )


def _header_league(sport: str, slug: str) -> League | None:
    return LEAGUES["cricket"] if sport == "cricket" else by_espn_path(f"{sport}/{slug}")


def _header_reader(league: League, source_ms: int) -> Callable[[HeaderEvent], Iterator[GameState]]:
    return lambda event: event_games(_as_event(event), league, source_ms)


def _as_event(compact: HeaderEvent) -> Event:
    """The compact board in the shape of the scoreboard."""
    season_type = int(compact.season_type) if str(compact.season_type).isdigit() else 0
    competition = Competition(
        id=compact.competition_id or compact.id,
        date=compact.date,
        status=compact.full_status,
        competitors=tuple(_as_competitor(one) for one in compact.competitors),
    )
    return Event(
        id=compact.id,
        date=compact.date,
        name=compact.name,
        short_name=compact.short_name,
        season=Season(type=season_type),
        competitions=(competition,),
    )


def _as_competitor(compact: HeaderCompetitor) -> Competitor:
    return Competitor(
        id=compact.id,
        home_away=compact.home_away,
        order=compact.order,
        winner=compact.winner,
        score=compact.score,
        team=Named(id=compact.id, abbreviation=compact.abbreviation, display_name=compact.display_name),
    )


def _decode(body: bytes, key: str) -> Any:
    """The reply as plain JSON with `key` in it. Raises ProtocolError, with ESPN's own error sentence if it sent one."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"ESPN's reply is not JSON: {error}.") from error
    if not isinstance(raw, dict) or not isinstance(raw.get(key), list | dict):
        said = raw.get("message") if isinstance(raw, dict) else None
        raise ProtocolError(f"ESPN's reply has no {key!r}" + (f": it says {said!r}." if said else "."))
    return raw


def _census(raw: Any, shape: type[Shape]) -> Counter[str]:
    census = Census()
    census.note(raw, shape)
    return census.unknown


def _collect(
    raw_events: Any, shape: type[EventShape], read: Callable[[EventShape], Iterator[GameState]], unknown: Counter[str]
) -> Parsed:
    games: list[GameState] = []
    problems: list[str] = []
    for raw in raw_events:
        try:
            games += read(msgspec.convert(raw, ready(shape), strict=False))
        except (ProtocolError, msgspec.ValidationError) as error:
            problems.append(f"Event {raw.get('id') if isinstance(raw, dict) else '?'}: {error}")
    return Parsed(tuple(games), unknown, tuple(problems))
