"""Generated games: whole, deterministic, and priced as they turn out."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from venues.leagues import league as league_of
from venues.simulator.games.game import Game
from venues.simulator.games.roster import card, cards
from venues.simulator.games.sheet import Fixture, Sheet
from venues.types import GameStatus

LEAGUES = ("nba", "wnba", "ncaam", "nfl", "nhl", "mlb", "mls", "epl", "atp", "wta")


def fixture(league: str, number: int = 1, home_prob: float = 0.55) -> Fixture:
    teams = cards(league)
    return Fixture(
        event_id=f"4018{number:05d}",
        league=league,
        sport=league_of(league).sport,
        home=teams[0],
        away=teams[1],
        start_ms=1_795_000_000_000,
        home_prob=home_prob,
    )


def played(game: Game) -> list[tuple[GameStatus, int, int, int, int]]:
    states = []
    while game.next_ms is not None:
        game.advance(game.next_ms)
        sheet = game.sheet
        states.append((sheet.status, sheet.period, sheet.clock_s, sheet.home, sheet.away))
    return states


@pytest.mark.parametrize("league", LEAGUES)
def test_a_game_goes_from_its_schedule_through_play_and_breaks_to_its_final(league: str) -> None:
    game = Game.scheduled(fixture(league), seed=7)
    assert game.sheet.status is GameStatus.SCHEDULED
    statuses = [state[0] for state in played(game)]
    assert statuses[0] is GameStatus.IN_PROGRESS
    assert GameStatus.BREAK in statuses
    assert statuses[-1] is GameStatus.FINAL and statuses.count(GameStatus.FINAL) == 1
    assert game.sheet.winner


@pytest.mark.parametrize("league", LEAGUES)
def test_scores_never_fall_and_equal_their_lines(league: str) -> None:
    for number in range(20):
        game = Game.scheduled(fixture(league, number), seed=7)
        states = played(game)
        assert all(a[3] <= b[3] and a[4] <= b[4] for a, b in itertools.pairwise(states))
        if league not in ("atp", "wta"):
            assert (sum(game.sheet.home_line), sum(game.sheet.away_line)) == (game.sheet.home, game.sheet.away)


@pytest.mark.parametrize("league", LEAGUES)
def test_a_game_lasts_about_as_long_as_a_real_one(league: str) -> None:
    minutes = []
    for number in range(10):
        game = Game.scheduled(fixture(league, number), seed=3)
        played(game)
        minutes.append((game.sheet.final_ms - game.fixture.start_ms) / 60_000)
    assert 50 < sum(minutes) / len(minutes) < 230


def test_the_same_seed_gives_the_same_game_and_another_seed_another() -> None:
    first, again, another = (Game.scheduled(fixture("nba"), seed=seed) for seed in (7, 7, 8))
    assert played(first) == played(again) != played(another)


@pytest.mark.parametrize("league", LEAGUES)
def test_a_game_goes_on_exactly_from_its_saved_sheet(league: str) -> None:
    game = Game.scheduled(fixture(league), seed=7)
    game.advance(game.fixture.start_ms + 45 * 60_000)
    saved = msgspec.json.encode(game.sheet)
    restored = Game(game.fixture, msgspec.json.decode(saved, type=Sheet))
    assert restored.odds == game.odds
    assert played(restored) == played(game)


def test_one_large_step_and_many_small_ones_lead_to_the_same_state() -> None:
    large, small = (Game.scheduled(fixture("mlb"), seed=7) for _ in range(2))
    end = large.fixture.start_ms + 90 * 60_000
    large.advance(end)
    for moment in range(small.fixture.start_ms, end + 1, 1_000):
        small.advance(moment)
    assert large.sheet == small.sheet


@pytest.mark.parametrize("league", LEAGUES)
def test_probabilities_are_probabilities_at_every_moment(league: str) -> None:
    game = Game.scheduled(fixture(league), seed=11)
    while game.next_ms is not None:
        game.advance(game.next_ms)
        odds = game.odds
        assert min(odds.home, odds.away, odds.draw) >= 0.0
        assert odds.home + odds.away + odds.draw == pytest.approx(1.0, abs=1e-6)
    assert {game.odds.home, game.odds.away} <= {0.0, 0.5, 1.0}


@pytest.mark.parametrize("league", ["nba", "nfl", "nhl", "mlb", "mls", "atp"])
def test_the_fair_price_at_half_way_is_calibrated(league: str) -> None:
    """Games priced near p are won near p of the time: the price is a probability, not a decoration."""
    told, happened = 0.0, 0.0
    for number in range(150):
        game = Game.scheduled(fixture(league, number, home_prob=0.6), seed=5)
        game.advance(game.fixture.start_ms + 50 * 60_000)
        told += game.odds.home
        played(game)
        happened += game.sheet.winner == "home"
    assert abs(told - happened) / 150 < 0.09


def test_a_score_moves_the_price_toward_the_team_that_scored() -> None:
    game = Game.scheduled(fixture("nhl"), seed=2)
    moves = []
    while game.next_ms is not None:
        lead, price = game.sheet.lead, game.odds.home
        game.advance(game.next_ms)
        if game.sheet.lead != lead:
            moves.append((game.sheet.lead - lead) * (game.odds.home - price))
    assert moves and all(move > 0 for move in moves)


def test_codes_differ_by_source_where_the_sources_do() -> None:
    wizards = card("nba", "WAS", "kalshi")
    assert (wizards.espn_id, wizards.code, wizards.kalshi, wizards.polymarket) == ("27", "WSH", "WAS", "was")
    assert wizards.display == "Washington Wizards"
    with pytest.raises(KeyError, match="No nba team"):
        card("nba", "XYZ", "kalshi")
