"""Matching: all recorded pairs found, none wrong, both games of a double-header told apart, no guess ever."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.matching import Match, NoMatch, match
from tests.builders import a_listing
from venues.eastern import eastern_ms
from venues.types import GameState, GameStatus, MarketKind, TeamRef, Venue, VenueMarket

HOUR_MS = 3_600_000
TIP_OFF_MS = eastern_ms(date(2026, 1, 9), hour=19)


def a_game(game_id="espn:1", *, home="Washington Wizards", away="Atlanta Hawks", start_ms=TIP_OFF_MS, league="nba"):
    return GameState(
        game_id=game_id,
        source="espn",
        league=league,
        sport="basketball",
        status=GameStatus.SCHEDULED,
        home=TeamRef("", "", home),
        away=TeamRef("", "", away),
        home_score=0,
        away_score=0,
        start_ms=start_ms,
    )


def listed(**changes) -> VenueMarket:
    values = {"team_names": ("Atlanta", "Washington"), "yes_team_code": "WAS", "game_start_ms": TIP_OFF_MS}
    return a_listing(**{**values, **changes})


def pairs(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "sports/data/discovery_pairs" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ticker_day(ticker: str) -> date:
    return datetime.strptime(ticker.split("-")[1][:7] + "+0000", "%y%b%d%z").date()


def test_all_27_recorded_pairs_of_both_venues_meet_at_one_game(shared):
    rows = pairs(shared, "pairs_nba_2026-01-09_truth.csv")
    games = []
    for row in rows:
        away, home = row["poly_title"].split(" vs. ")
        start_ms = int(datetime.fromisoformat(row["poly_start_utc"]).timestamp()) * 1000
        games.append(a_game(row["polymarket_slug"], home=home, away=away, start_ms=start_ms))
    found = {}
    for row in (row for row in rows if row["label"] == "match"):
        ticker = row["kalshi_event_ticker"]
        away, home = row["kalshi_title"].split(" at ")
        result = match(
            listed(
                team_names=(away, home),
                yes_team_code=ticker[-3:],
                game_start_ms=eastern_ms(ticker_day(ticker), hour=12),
            ),
            games,
        )
        assert isinstance(result, Match), (ticker, result)
        assert result.yes_is_home is True
        found[ticker] = result.game_id == row["polymarket_slug"]
    assert (len(found), all(found.values())) == (27, True)


def test_every_market_of_a_season_finds_its_game_and_its_side(shared):
    rows = pairs(shared, "predictengine_nba_markets_2025_26.csv")
    games = {
        row["game_id"]: a_game(
            row["game_id"], home=row["home_team"], away=row["away_team"],
            start_ms=eastern_ms(date.fromisoformat(row["game_date"]), hour=20),
        )
        for row in rows
    }  # fmt: skip
    markets = {row["ticker"]: season_listing(row) for row in rows}
    wrong = []
    for row in rows:
        market = markets[row["ticker"]]
        siblings = [one for one in markets.values() if one.event_id == market.event_id]
        result = match(market, games.values(), siblings)
        is_home = market.yes_team_code == row["home_team"]
        if not isinstance(result, Match) or (result.game_id, result.yes_is_home) != (row["game_id"], is_home):
            wrong.append((row["ticker"], result))
    assert len(rows) > 400
    assert wrong == []


def season_listing(row: dict[str, str]) -> VenueMarket:
    sides = row["title"].removesuffix(" Winner?").replace(" at ", " vs ").split(" vs ")
    return listed(
        event_id=row["event_ticker"],
        team_names=tuple(sides),
        yes_team_code=row["ticker"].rpartition("-")[2],
        yes_label=row["yes_sub_title"],
        game_start_ms=eastern_ms(ticker_day(row["event_ticker"]), hour=19),
    )


def test_yes_means_the_side_its_code_names():
    home = match(listed(yes_team_code="WAS"), [a_game()])
    away = match(listed(yes_team_code="ATL"), [a_game()])
    assert (home.yes_is_home, away.yes_is_home) == (True, False)


def test_a_start_after_midnight_utc_belongs_to_the_eastern_day_before():
    late = eastern_ms(date(2026, 1, 9), hour=22, minute=30)
    assert isinstance(match(listed(game_start_ms=TIP_OFF_MS), [a_game(start_ms=late)]), Match)


def test_the_same_teams_on_the_next_day_are_another_game():
    tomorrow = a_game("espn:2", start_ms=TIP_OFF_MS + 24 * HOUR_MS)
    assert match(listed(), [a_game(), tomorrow]).game_id == "espn:1"
    assert isinstance(match(listed(), [tomorrow]), NoMatch)


def test_the_start_tells_the_games_of_a_double_header_apart():
    first, second = a_game("espn:1", start_ms=TIP_OFF_MS - 6 * HOUR_MS), a_game("espn:2")
    assert match(listed(), [first, second]).game_id == "espn:2"
    assert match(listed(game_start_ms=TIP_OFF_MS - 6 * HOUR_MS), [first, second]).game_id == "espn:1"


def test_a_double_header_whose_start_does_not_tell_is_left_alone():
    first, second = a_game("espn:1", start_ms=TIP_OFF_MS - 6 * HOUR_MS), a_game("espn:2")
    between = listed(game_start_ms=TIP_OFF_MS - 3 * HOUR_MS)
    assert isinstance(match(between, [first, second]), NoMatch)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": MarketKind.SPREAD},
        {"game_start_ms": None},
        {"team_names": ("Atlanta",)},
        {"team_names": ("Atlanta", "Boston")},
        {"league": "wnba"},
        {"yes_team_code": "BOS", "yes_label": "Boston"},
    ],
)
def test_what_does_not_fit_has_a_reason_and_no_game(changes):
    result = match(listed(**changes), [a_game()])
    assert isinstance(result, NoMatch) and result.reasons


def test_the_draw_of_a_soccer_game_is_neither_side():
    game = a_game(home="Arsenal", away="Chelsea", league="epl")
    for venue, code in ((Venue.KALSHI, "TIE"), (Venue.POLYMARKET, "draw")):
        tie = listed(venue=venue, league="epl", team_names=("Arsenal", "Chelsea"), yes_team_code=code, yes_label="Tie")
        assert match(tie, [game]).yes_is_home is None


def test_players_that_no_table_lists_match_by_their_whole_name_only():
    game = a_game(home="Iga Swiatek", away="Coco Gauff", league="wta")
    market = listed(league="wta", team_names=("Coco Gauff", "Iga Swiatek"), yes_team_code="", yes_label="Coco Gauff")
    assert match(market, [game]).yes_is_home is False
    assert isinstance(match(listed(league="wta", team_names=("C. Gauff", "I. Swiatek")), [game]), NoMatch)


@given(st.permutations([a_game(f"espn:{day}", start_ms=TIP_OFF_MS + day * 24 * HOUR_MS) for day in range(5)]))
def test_the_order_of_the_games_never_matters(games):
    assert match(listed(), games).game_id == "espn:0"
