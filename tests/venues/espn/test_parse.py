"""Statuses, progress and odd replies that were never recorded, built from ESPN's shapes."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from venues.errors import ProtocolError
from venues.espn.constants import STATUS
from venues.espn.parse import Parsed, game_status, parse_header, parse_scoreboard, parse_summary, time_ms
from venues.espn.schemas import Status, StatusType
from venues.leagues import LEAGUES
from venues.types import MICRO, GameState, GameStatus

EVENT: dict[str, Any] = {
    "id": "1",
    "date": "2026-01-10T01:40Z",
    "season": {"type": 2},
    "competitions": [
        {
            "id": "1",
            "competitors": [
                {"id": "27", "homeAway": "away", "score": "50", "team": {"id": "27", "abbreviation": "WSH"}},
                {"id": "1", "homeAway": "home", "score": "61", "team": {"id": "1", "abbreviation": "ATL"}},
            ],
            "status": {"clock": 90.0, "displayClock": "1:30", "period": 3, "type": {"state": "in", "name": "X"}},
        }
    ],
}


def parsed(league: str = "nba", situation: dict[str, Any] | None = None, **status: Any) -> Parsed:
    event = copy.deepcopy(EVENT)
    competition = event["competitions"][0]
    kind = {key: status.pop(key) for key in ("state", "name", "completed", "detail") if key in status}
    competition["status"] |= status
    competition["status"]["type"] |= {"completed": False, **kind}
    if situation is not None:
        competition["situation"] = situation
    return parse_scoreboard(msgspec.json.encode({"events": [event]}), LEAGUES[league], source_ms=1)


def state(league: str = "nba", **status: Any) -> GameState:
    return parsed(league, **status).games[0]


@pytest.mark.parametrize(
    ("name", "kind", "completed", "expected"),
    [
        ("STATUS_SCHEDULED", "pre", False, GameStatus.SCHEDULED),
        ("STATUS_DELAYED", "pre", False, GameStatus.DELAYED),
        ("STATUS_DELAYED", "in", False, GameStatus.DELAYED),
        ("STATUS_RAIN_DELAY", "in", False, GameStatus.DELAYED),
        ("STATUS_SUSPENDED", "in", False, GameStatus.SUSPENDED),
        ("STATUS_SUSPENDED", "post", False, GameStatus.SUSPENDED),
        ("STATUS_END_PERIOD", "in", False, GameStatus.BREAK),
        ("STATUS_HALFTIME", "in", False, GameStatus.BREAK),
        ("STATUS_HALFTIME_ET", "in", False, GameStatus.BREAK),
        ("STATUS_SHOOTOUT", "in", False, GameStatus.IN_PROGRESS),
        ("STATUS_FINAL", "post", True, GameStatus.FINAL),
        ("STATUS_FINAL", "in", False, GameStatus.BREAK),
        ("STATUS_FINAL", "post", False, GameStatus.SUSPENDED),
        ("STATUS_FINAL_AET", "post", True, GameStatus.FINAL),
        ("STATUS_RETIRED", "post", True, GameStatus.FINAL),
        ("STATUS_WALKOVER", "post", True, GameStatus.FINAL),
        ("STATUS_POSTPONED", "post", False, GameStatus.POSTPONED),
        ("STATUS_CANCELED", "post", False, GameStatus.CANCELED),
        ("STATUS_ABANDONED", "post", False, GameStatus.CANCELED),
        ("STATUS_FORFEIT", "post", False, GameStatus.CANCELED),
        ("STATUS_FIGHTERS_WALKING", "in", False, GameStatus.SCHEDULED),
        ("STATUS_END_OF_ROUND", "in", False, GameStatus.BREAK),
        ("STATUS_NEVER_SEEN", "in", False, GameStatus.IN_PROGRESS),
        ("STATUS_NEVER_SEEN", "pre", False, GameStatus.SCHEDULED),
        ("STATUS_NEVER_SEEN", "post", False, GameStatus.SUSPENDED),
        ("STATUS_NEVER_SEEN", "post", True, GameStatus.FINAL),
        ("STATUS_IN_PROGRESS", "post", False, GameStatus.SUSPENDED),
    ],
)
def test_a_status_is_read_by_name_and_completed_has_the_last_word(
    name: str, kind: str, completed: bool, expected: GameStatus
) -> None:
    assert game_status(Status(type=StatusType(name=name, state=kind, completed=completed))) is expected


@pytest.mark.parametrize("name", sorted(STATUS))
@pytest.mark.parametrize("kind", ["pre", "in", "post"])
def test_a_game_is_final_exactly_when_it_is_post_and_completed(name: str, kind: str) -> None:
    for completed in (True, False):
        found = game_status(Status(type=StatusType(name=name, state=kind, completed=completed)))
        assert (found is GameStatus.FINAL) == (kind == "post" and completed)


def test_an_unknown_state_is_a_problem_and_not_a_guess() -> None:
    result = parsed(state="limbo")
    assert result.games == ()
    assert result.problems == ("Event 1: ESPN's state 'limbo' is unknown.",)


@pytest.mark.parametrize(
    ("league", "period", "clock", "detail", "segment", "remaining_s", "elapsed_u"),
    [
        ("nba", 1, 720.0, "", "q1", 2880, 0),
        ("nba", 4, 0.4, "", "q4", 0, MICRO),
        ("nba", 5, 120.0, "", "ot1", 0, MICRO),
        ("nba", 7, 120.0, "", "ot3", 0, MICRO),
        ("ncaam", 1, 600.0, "", "h1", 1800, 250_000),
        ("ncaam", 2, 1.0, "", "h2", 1, 999_583),
        ("ncaam", 3, 300.0, "", "ot1", 0, MICRO),
        ("nfl", 2, 0.0, "", "q2", 1800, 500_000),
        ("nhl", 4, 250.0, "", "ot1", 0, MICRO),
        ("nhl", 5, 0.0, "", "shootout", 0, MICRO),
        ("epl", 1, 1500.0, "25'", "h1", 3900, 277_777),
        ("epl", 1, 2700.0, "45'+2'", "h1", 2700, 500_000),
        ("epl", 2, 5400.0, "90'+4'", "h2", 0, MICRO),
        ("epl", 3, 5800.0, "97'", "et1", 0, MICRO),
        ("epl", 4, 6400.0, "107'", "et2", 0, MICRO),
        ("epl", 5, 7200.0, "", "pens", 0, MICRO),
        ("ufc", 2, 120.0, "", "round_2", 480, 466_666),
        ("mlb", 1, 0.0, "Top 1st", "inning_1", None, 0),
        ("mlb", 5, 0.0, "Mid 5th", "inning_5", None, 500_000),
        ("mlb", 5, 0.0, "End 5th", "inning_5", None, 555_555),
        ("mlb", 9, 0.0, "Bot 9th", "inning_9", None, 944_444),
        ("mlb", 11, 0.0, "Top 11th", "inning_11", None, MICRO),
        ("mlb", 1, 0.0, "Rain Delay, Bot 1st", "inning_1", None, 55_555),
        ("afl", 2, 300.0, "", "q2", 3300, 312_500),
    ],
)
def test_segment_rest_and_progress_follow_the_sport(
    league: str, period: int, clock: float, detail: str, segment: str, remaining_s: int | None, elapsed_u: int
) -> None:
    one = state(league, state="in", name="STATUS_IN_PROGRESS", period=period, clock=clock, detail=detail)
    assert (one.segment, one.remaining_s, one.elapsed_frac_u) == (segment, remaining_s, elapsed_u)


def test_outs_count_in_the_running_half_only() -> None:
    told = {"name": "STATUS_IN_PROGRESS", "state": "in", "period": 1, "situation": {"outs": 2}}
    assert state("mlb", **told, detail="Top 1st").elapsed_frac_u == 2 * MICRO // 54
    assert state("mlb", **told, detail="Mid 1st").elapsed_frac_u == 3 * MICRO // 54


def test_a_hockey_playoff_game_has_a_second_overtime_and_no_shootout() -> None:
    event = copy.deepcopy(EVENT)
    event["season"]["type"] = 3
    event["competitions"][0]["status"] |= {"period": 5, "type": {"state": "in", "name": "STATUS_IN_PROGRESS"}}
    result = parse_scoreboard(msgspec.json.encode({"events": [event]}), LEAGUES["nhl"], source_ms=1)
    assert result.games[0].segment == "ot2"


def test_before_the_start_and_after_the_end_the_clock_means_nothing() -> None:
    before = state("mlb", state="pre", name="STATUS_SCHEDULED", period=1)
    assert (before.period, before.segment, before.clock_text) == (0, "", "")
    after = state(state="post", name="STATUS_FINAL", completed=True, clock=77.0)
    assert (after.clock_text, after.remaining_s, after.winner) == ("", 0, "home")


def test_home_and_away_come_from_the_flag_and_not_from_the_order() -> None:
    one = state(state="in", name="STATUS_IN_PROGRESS")
    assert (one.home.code, one.home_score, one.away.code, one.away_score) == ("ATL", 61, "WSH", 50)


def test_a_wrapped_score_and_an_absent_one_are_read() -> None:
    event = copy.deepcopy(EVENT)
    first, second = event["competitions"][0]["competitors"]
    first["score"] = {"value": 41.0, "displayValue": "41"}
    del second["score"]
    one = parse_scoreboard(msgspec.json.encode({"events": [event]}), LEAGUES["nba"], source_ms=1).games[0]
    assert (one.home_score, one.away_score) == (0, 41)


def test_a_score_that_is_no_number_is_a_problem_of_that_game_alone() -> None:
    good, bad = copy.deepcopy(EVENT), copy.deepcopy(EVENT)
    bad["id"] = "2"
    bad["competitions"][0]["competitors"][0]["score"] = "many"
    result = parse_scoreboard(msgspec.json.encode({"events": [bad, good]}), LEAGUES["nba"], source_ms=1)
    assert len(result.games) == 1
    assert result.problems == ("Event 2: The score 'many' is not a number.",)


def test_a_field_of_the_wrong_type_is_a_problem_of_that_game_alone() -> None:
    bad = copy.deepcopy(EVENT)
    bad["competitions"][0]["status"]["period"] = "third"
    result = parse_scoreboard(msgspec.json.encode({"events": [bad, EVENT]}), LEAGUES["nba"], source_ms=1)
    assert (len(result.games), len(result.problems)) == (1, 1)


def test_new_fields_are_counted_on_every_level() -> None:
    event = copy.deepcopy(EVENT)
    event["mood"] = 1
    event["competitions"][0]["competitors"][0]["team"]["mascot"] = {"name": "x"}
    event["competitions"][0]["competitors"][1]["team"]["mascot"] = {"name": "y"}
    event["competitions"][0]["status"]["type"]["hue"] = None
    result = parse_scoreboard(msgspec.json.encode({"events": [event], "cursor": 2}), LEAGUES["nba"], source_ms=1)
    assert result.unknown == {
        "Scoreboard.cursor": 1,
        "Event.mood": 1,
        "Named.mascot": 2,
        "StatusType.hue": 1,
    }
    assert len(result.games) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"events":3}', b'"events"', b"\xff"])
def test_a_reply_that_is_no_scoreboard_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_scoreboard(body, LEAGUES["nba"], source_ms=1)


def test_espns_own_error_sentence_is_passed_on() -> None:
    body = b'{"code":400,"message":"Failed to get events endpoint."}'
    with pytest.raises(ProtocolError, match="Failed to get events endpoint"):
        parse_scoreboard(body, LEAGUES["nba"], source_ms=1)


def test_an_empty_board_is_no_error() -> None:
    assert parse_scoreboard(b'{"events":[]}', LEAGUES["nba"], source_ms=1).games == ()


def test_a_header_with_an_unknown_league_says_so_and_reads_the_rest() -> None:
    body = msgspec.json.encode({"sports": [{"slug": "curling", "leagues": [{"slug": "world", "events": []}]}]})
    assert parse_header(body, source_ms=1).problems == ("The league curling/world is not in our table.",)


def test_a_summary_without_a_game_is_refused() -> None:
    with pytest.raises(ProtocolError, match="no competition"):
        parse_summary(b'{"header":{"id":"7","competitions":[]}}', LEAGUES["nba"], source_ms=1)


def test_both_forms_of_date_are_read_and_others_refused() -> None:
    assert time_ms("2026-08-09T16:15Z") == time_ms("2026-08-09T16:15:00Z") == 1_786_292_100_000
    with pytest.raises(ProtocolError):
        time_ms("TBD")
