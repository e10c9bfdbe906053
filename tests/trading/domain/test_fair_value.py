"""The models agree with the pregame price before the start, with the result at the end, and with real games between."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.domain.scene import game
from trading.domain.calibration import brier, calibration_curve, compare
from trading.domain.fair_value import draw, fair_yes_u, home_win, implied_strength, recoverable, yes_probability
from trading.domain.scoring_models import poisson_outcomes
from venues.types import MICRO, GameState

LEAGUES = {"basketball": "nba", "football": "nfl", "hockey": "nhl", "soccer": "mls", "baseball": "mlb", "tennis": "atp"}
TWO_WAY = sorted(set(LEAGUES) - {"soccer"})


def state(
    sport: str = "basketball", *, home: int = 0, away: int = 0, played: float = 0.0, league: str = ""
) -> GameState:
    return game(
        sport=sport,
        league=league or LEAGUES[sport],
        home_score=home,
        away_score=away,
        elapsed_frac_u=round(played * MICRO),
    )


@pytest.mark.parametrize("sport", LEAGUES)
@pytest.mark.parametrize("strength", [0.2, 0.35, 0.5, 0.62, 0.8])
def test_before_the_start_the_model_says_what_the_market_said(sport: str, strength: float) -> None:
    assert home_win(state(sport), strength) == pytest.approx(strength, abs=2e-3)


@pytest.mark.parametrize("sport", sorted(set(LEAGUES) - {"tennis"}))
def test_at_the_end_the_leader_has_won(sport: str) -> None:
    assert home_win(state(sport, home=3, away=1, played=1.0), 0.3) == pytest.approx(1.0, abs=1e-4)
    assert home_win(state(sport, home=1, away=3, played=1.0), 0.7) == pytest.approx(0.0, abs=1e-4)


def test_a_tennis_match_is_over_with_the_sets_it_takes() -> None:
    assert home_win(state("tennis", home=2, away=1), 0.4) == pytest.approx(1.0, abs=1e-5)
    assert home_win(state("tennis", home=1, away=1), 0.5) == pytest.approx(0.5, abs=1e-4)


def test_a_sport_without_a_model_has_no_fair_value() -> None:
    assert fair_yes_u(state("mma", league="ufc"), 0.5, True) is None
    assert fair_yes_u(state(), None, True) is None


@given(
    sport=st.sampled_from(sorted(set(LEAGUES) - {"tennis"})),
    home=st.integers(0, 6),
    away=st.integers(0, 6),
    played=st.integers(0, 18),
    strength=st.sampled_from([0.25, 0.5, 0.7]),
)
def test_a_score_never_hurts_who_made_it_and_sides_are_symmetric(
    sport: str, home: int, away: int, played: int, strength: float
) -> None:
    before = state(sport, home=home, away=away, played=played / 18)
    after = state(sport, home=home + 1, away=away, played=played / 18)
    first, second = home_win(before, strength), home_win(after, strength)
    assert first is not None and second is not None
    assert second >= first - 1e-9
    assert 0 < first < 1


@pytest.mark.parametrize("sport", ["basketball", "football"])
def test_the_brownian_model_is_the_same_from_both_benches(sport: str) -> None:
    ours = home_win(state(sport, home=50, away=44, played=0.6), 0.4)
    theirs = home_win(state(sport, home=44, away=50, played=0.6), 0.6)
    assert ours is not None and theirs is not None
    assert ours + theirs == pytest.approx(1.0)


def test_sterns_own_example_of_a_home_side_level_at_half_time() -> None:
    """With his drift of 4.87 points and σ 15.82 a level game at half time is won with Φ(0.5 × 4.87 / (15.82 √0.5))."""
    strength = 0.6209  # Φ(4.87 / 15.82), what his parameters say before the start
    assert home_win(state(played=0.5), strength) == pytest.approx(0.586, abs=2e-3)


def test_soccer_has_three_results_that_sum_to_one() -> None:
    now = state("soccer", home=1, away=1, played=0.7)
    parts = [yes_probability(now, 0.45, side) for side in (True, False, None)]
    assert sum(part or 0.0 for part in parts) == pytest.approx(1.0, abs=1e-5)
    assert (draw(now, 0.45) or 0.0) > (draw(state("soccer"), 0.45) or 0.0)


def test_goals_left_are_poisson() -> None:
    home, level, away = poisson_outcomes(lead=0, left=0.5, total=6.0, strength=0.5, has_draws=False)
    assert home == pytest.approx(away, abs=1e-3)
    assert level == pytest.approx(0.243, abs=5e-3)  # two Poisson counts of 1.5 each are equal


@pytest.mark.parametrize("sport", LEAGUES)
def test_a_late_price_gives_back_the_opinion_behind_it(sport: str) -> None:
    now = state(sport, home=1, away=0, played=0.4)
    price = home_win(now, 0.55)
    assert price is not None
    assert implied_strength(now, price, True) == pytest.approx(0.55, abs=5e-3)


def test_a_deficit_is_less_recoverable_the_later_it_gets() -> None:
    early = recoverable(state(home=20, away=30, played=0.3), True)
    late = recoverable(state(home=80, away=90, played=0.9), True)
    assert early is not None and late is not None
    assert recoverable(state(home=30, away=20, played=0.9), True) == 1.0
    assert 1.0 > early > late >= 0.0


def test_brier_and_calibration_are_what_they_say() -> None:
    assert brier([(1.0, True), (0.0, False)]) == 0.0
    assert brier([(0.5, True), (0.5, False)]) == 0.25
    curve = calibration_curve([(0.05, False), (0.95, True), (1.0, True)])
    assert [one.forecasts for one in curve] == [1, 2]
    result = compare([(0.9, 0.6, True), (0.2, 0.4, False)])
    assert result.beats_market and result.forecasts == 2
    with pytest.raises(ValueError, match="at least one"):
        brier([])


def test_five_real_games_are_forecast_better_than_by_a_coin(shared: Path) -> None:
    folder = shared / "sports/data/nba_pbp_states"
    pairs = [pair for path in sorted(folder.glob("*.csv")) for pair in _forecasts(path)]
    assert len(pairs) > 2_000
    assert brier(pairs) < 0.23
    late = [pair for path in sorted(folder.glob("*.csv")) for pair in _forecasts(path, from_played=0.9)]
    assert brier(late) < 0.17


def _forecasts(path: Path, from_played: float = 0.0) -> list[tuple[float, bool]]:
    """(forecast, home won) at every play of regulation, from even sides."""
    rows = list(csv.DictReader(path.open()))
    won = float(rows[-1]["score_home"]) > float(rows[-1]["score_away"])
    pairs = []
    for row in rows:
        quarter, left = int(float(row["quarter"])), float(row["time_remaining_quarter_seconds"])
        played = min(((quarter - 1) * 720 + 720 - left) / 2880, 1.0)
        if quarter > 4 or played < from_played or not row["score_home"]:
            continue
        now = state(home=int(float(row["score_home"])), away=int(float(row["score_away"])), played=played)
        forecast = home_win(now, 0.5)
        assert forecast is not None
        pairs.append((forecast, won))
    return pairs


def test_a_real_game_follows_espns_own_win_probability(shared: Path) -> None:
    path = shared / "sports/data/stream_replay/nba_ATL_at_WSH_2025-12-06.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        plays = [row for line in lines if (row := json.loads(line)).get("src") == "espn"]
    differences = []
    for play in plays:
        minutes, _, seconds = play["clock"].rpartition(":")
        left = int(minutes or 0) * 60 + float(seconds)
        played = min(((play["period"] - 1) * 720 + 720 - left) / 2880, 1.0)
        ours = home_win(state(home=play["home_score"], away=play["away_score"], played=played), 0.26)
        assert ours is not None
        differences.append(abs(ours - play["espn_home_wp"]))
    assert len(differences) > 400
    assert sum(differences) / len(differences) < 0.06
