"""The sports channel: the recorded frames, and a frame of each period word that the facts know."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.polymarket.stream_sports import SportsChannel
from venues.types import MICRO, GameState, GameStatus


def frame(**changes: object) -> bytes:
    fields: dict[str, object] = {
        "gameId": 7,
        "leagueAbbreviation": "nba",
        "homeTeam": "Wizards",
        "awayTeam": "Hawks",
        "status": "InProgress",
        "score": "50-48",
        "period": "Q2",
        "elapsed": "",
        "live": True,
        "ended": False,
    }
    return msgspec.json.encode(fields | changes)


def state(**changes: object) -> GameState:
    (found,) = SportsChannel().feed(frame(**changes), 5_000)
    return found


def test_recorded_frames_give_states_or_are_counted(shared: Path) -> None:
    channel = SportsChannel()
    lines = (shared / "venues/polymarket/samples/ws_sports/frames_real_2026.jsonl").read_bytes().splitlines()
    states = [found for line in lines for found in channel.feed(line, 0)]
    assert len(states) + sum(channel.counts.values()) == len(lines) == 2
    for found in states:
        assert (found.sport, found.status, found.segment) == ("soccer", GameStatus.IN_PROGRESS, "h2")
        assert (found.home_score, found.away_score) == (2, 1)


def test_a_score_follows_the_order_of_its_league() -> None:
    game = state()
    assert (game.game_id, game.source, game.league) == ("polymarket:7", "polymarket", "nba")
    assert (game.away_score, game.home_score) == (50, 48)
    assert (game.home.name, game.away.name) == ("Wizards", "Hawks")
    soccer = state(leagueAbbreviation="epl", score="2-1", period="2H", elapsed="72")
    assert (soccer.home_score, soccer.away_score) == (2, 1)
    assert soccer.elapsed_frac_u == 72 * MICRO // 90


@pytest.mark.parametrize(
    ("league", "period", "live", "ended", "status", "number", "segment"),
    [
        ("nba", "Q1", True, False, GameStatus.IN_PROGRESS, 1, "q1"),
        ("nba", "HT", True, False, GameStatus.BREAK, 0, ""),
        ("nba", "OT", True, False, GameStatus.IN_PROGRESS, 5, "ot1"),
        ("nba", "OT2", True, False, GameStatus.IN_PROGRESS, 6, "ot2"),
        ("nba", "VFT", False, True, GameStatus.FINAL, 0, ""),
        ("nba", "POST", False, False, GameStatus.POSTPONED, 0, ""),
        ("nba", "NS", False, False, GameStatus.SCHEDULED, 0, ""),
        ("nhl", "P3", True, False, GameStatus.IN_PROGRESS, 3, "p3"),
        ("mlb", "Top 1st", True, False, GameStatus.IN_PROGRESS, 1, "inning_1"),
        ("mlb", "Bot 12th", True, False, GameStatus.IN_PROGRESS, 12, "inning_12"),
        ("epl", "1H", True, False, GameStatus.IN_PROGRESS, 1, "h1"),
        ("epl", "FT", False, True, GameStatus.FINAL, 0, ""),
    ],
)
def test_every_word_of_a_period(
    league: str, period: str, live: bool, ended: bool, status: GameStatus, number: int, segment: str
) -> None:
    game = state(leagueAbbreviation=league, period=period, live=live, ended=ended)
    assert (game.status, game.period, game.segment) == (status, number, segment)


@pytest.mark.parametrize(("score", "winner"), [("50-48", "away"), ("48-50", "home"), ("48-48", "draw")])
def test_a_final_score_names_the_winner(score: str, winner: str) -> None:
    final = state(score=score, period="VFT", live=False, ended=True)
    assert (final.winner, final.elapsed_frac_u) == (winner, MICRO)


@pytest.mark.parametrize("changes", [{"leagueAbbreviation": "lol"}, {"score": "000-000|0-0|Bo1"}, {"gameId": None}])
def test_what_is_no_game_of_ours_is_counted(changes: dict[str, object]) -> None:
    channel = SportsChannel()
    assert channel.feed(frame(**changes), 0) == []
    assert sum(channel.counts.values()) == 1


@given(st.one_of(st.binary(max_size=100), st.text(max_size=100)))
def test_no_frame_makes_it_raise(garbage: bytes | str) -> None:
    assert SportsChannel().feed(garbage, 0) == []
