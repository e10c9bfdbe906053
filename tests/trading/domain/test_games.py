"""The game clock is trusted only while its sources are fresh, agree, and run forward."""

from __future__ import annotations

import msgspec

from tests.trading.domain.scene import SECOND, START_US, game, pregame
from trading.domain.config import TrustLimits
from trading.domain.games import GameView
from venues.types import GameState, GameStatus

LIMITS = TrustLimits()


def heard(*states: tuple[int, GameState]) -> GameView:
    view = GameView("espn:401")
    for second, state in states:
        view.hear(state, START_US + second * SECOND, LIMITS)
    return view


def reason(view: GameView, second: int) -> str:
    return view.trust(START_US + second * SECOND, LIMITS).reason


def other(state: GameState, **changes: object) -> GameState:
    return msgspec.structs.replace(state, source="kalshi", **changes)


def test_one_fresh_source_is_enough_and_an_old_one_is_not() -> None:
    view = heard((0, game()))
    assert reason(view, 1) == ""
    assert reason(view, 61) == "stale_game_feed"


def test_an_unchanged_state_heard_again_is_fresh_but_a_clock_that_stands_still_is_frozen() -> None:
    view = heard(*((second, game()) for second in range(0, 300, 10)))
    assert reason(view, 240) == ""
    assert reason(view, 291) == "frozen_clock"
    view.hear(game(clock_text="9:35"), START_US + 292 * SECOND, LIMITS)
    assert reason(view, 293) == ""


def test_a_break_may_stand_still() -> None:
    view = heard(*((second, game(GameStatus.BREAK)) for second in range(0, 900, 10)))
    assert reason(view, 899) == ""


def test_fresh_sources_must_agree_and_a_stale_one_has_no_say() -> None:
    view = heard((0, game()), (0, other(game(), home_score=32)))
    assert reason(view, 1) == "sources_disagree"
    view.hear(other(game(), home_score=30), START_US + 5 * SECOND, LIMITS)
    assert reason(view, 6) == "score_retracted"
    silent = heard((0, other(game(), home_score=32)), (61, game()))
    assert reason(silent, 62) == ""
    assert silent.state is not None and silent.state.source == "espn"


def test_play_and_break_told_seconds_apart_are_no_disagreement() -> None:
    view = heard((0, game()), (0, other(game(GameStatus.BREAK))))
    assert reason(view, 1) == ""
    assert view.trust(START_US + SECOND, LIMITS).fresh_sources == 2


def test_a_retracted_score_freezes_for_a_while_and_says_so() -> None:
    view = heard((0, game(home_score=33)), (5, game(home_score=30)))
    assert reason(view, 6) == "score_retracted"
    view.hear(game(home_score=30, clock_text="9:00"), START_US + 124 * SECOND, LIMITS)
    assert reason(view, 126) == ""


def test_a_state_that_runs_backwards_freezes() -> None:
    final = game(GameStatus.FINAL)
    assert reason(heard((0, game()), (5, final), (10, game())), 11) == "state_backwards"
    assert reason(heard((0, game()), (5, pregame())), 6) == "score_retracted"
    assert reason(heard((0, game()), (5, game(period=1))), 6) == "period_backwards"


def test_the_version_grows_only_with_the_games_own_state() -> None:
    view = heard((0, game()), (1, game()), (2, other(game())))
    assert view.version == 1
    assert view.is_live and view.has_started and not view.is_over
    view.hear(game(GameStatus.FINAL), START_US + 3 * SECOND, LIMITS)
    assert view.version == 2
    assert view.is_over and not view.is_live
