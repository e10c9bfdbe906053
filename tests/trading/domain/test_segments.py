"""Parts of games by their own names, and what is coming next."""

from __future__ import annotations

import pytest

from tests.trading.domain.scene import game
from trading.domain.segments import (
    allowed_segments,
    current_segment,
    next_segment,
    regulation_segments,
    restriction,
    seconds_to_next,
)
from venues.types import GameStatus


@pytest.mark.parametrize(
    ("league", "segments"),
    [
        ("nba", ("q1", "q2", "q3", "q4")),
        ("ncaam", ("h1", "h2")),
        ("nhl", ("p1", "p2", "p3")),
        ("mls", ("h1", "h2")),
        ("mlb", tuple(f"inning_{number}" for number in range(1, 10))),
        ("atp", ("set_1", "set_2", "set_3")),
        ("nowhere", ()),
    ],
)
def test_regulation_has_the_sports_own_parts(league: str, segments: tuple[str, ...]) -> None:
    assert regulation_segments(league) == segments
    assert allowed_segments(league, None) == frozenset(segments[:-1])


def test_a_part_named_otherwise_goes_by_its_number_and_overtime_is_no_part() -> None:
    assert current_segment(game(segment="halftime", period=2)) == "q2"
    assert current_segment(game(segment="ot1", period=5)) == "ot1"
    assert next_segment(game(segment="ot1", period=5)) == ""
    assert next_segment(game(segment="q3", period=3)) == "q4"


def test_the_next_part_is_as_far_as_the_game_clock_says() -> None:
    assert seconds_to_next(game(period=2, remaining_s=1440 + 75)) == 75
    assert seconds_to_next(game(GameStatus.BREAK, period=2, remaining_s=1440)) == 0
    assert seconds_to_next(game(league="mlb", sport="baseball", period=3, remaining_s=None)) is None


def test_what_may_not_be_played_is_named() -> None:
    allowed = allowed_segments("nba", None)
    assert restriction(game(), allowed, 60) == ""
    assert restriction(game(period=3, segment="q3", remaining_s=730), allowed, 60) == "q4"
    assert restriction(game(GameStatus.BREAK, period=3, segment="q3", remaining_s=720), allowed, 60) == "q4"
    assert restriction(game(period=3, segment="q3", remaining_s=730), allowed, -1) == ""
    assert restriction(game(period=5, segment="ot1", remaining_s=0), allowed, 60) == "ot1"
