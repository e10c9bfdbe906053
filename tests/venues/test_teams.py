"""Names and codes of teams: exact inside one league, silent when two fit."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import pytest

from venues.leagues import LEAGUES
from venues.teams import by_espn_id, resolve, split_pair, teams

LISTED = ("nba", "nfl", "mlb", "nhl", "wnba", "epl", "mls", "ncaam", "ncaaw", "ncaaf", "atp", "wta", "ucl", "laliga")


def named(league: str, text: str, venue: str | None = None) -> str | None:
    team = resolve(league, text, venue)
    return team.name if team is not None else None


@pytest.mark.parametrize(
    ("league", "espn", "kalshi", "polymarket", "name"),
    [
        ("nba", "GS", "GSW", "gsw", "Golden State Warriors"),
        ("nba", "NO", "NOP", "nop", "New Orleans Pelicans"),
        ("nba", "WSH", "WAS", "was", "Washington Wizards"),
        ("nba", "UTAH", "UTA", "uta", "Utah Jazz"),
        ("nfl", "JAX", "JAC", "jax", "Jacksonville Jaguars"),
        ("nfl", "LAR", "LA", "la", "Los Angeles Rams"),
        ("nfl", "LAR", "LAR", "la", "Los Angeles Rams"),
        ("mlb", "ARI", "AZ", "ari", "Arizona Diamondbacks"),
        ("mlb", "CHW", "CWS", "cws", "Chicago White Sox"),
        ("nhl", "MTL", "MTL", "mon", "Montreal Canadiens"),
        ("nhl", "VGK", "VGK", "las", "Vegas Golden Knights"),
        ("wnba", "CON", "CONN", "conn", "Connecticut Sun"),
        ("epl", "MNC", "MCI", "mac", "Manchester City"),
        ("epl", "MAN", "MUN", "mun", "Manchester United"),
        ("epl", "CHE", "CFC", "che", "Chelsea"),
    ],
)
def test_a_team_is_found_by_the_code_of_each_venue(
    league: str, espn: str, kalshi: str, polymarket: str, name: str
) -> None:
    assert named(league, espn, "espn") == name
    assert named(league, kalshi, "kalshi") == name
    assert named(league, polymarket, "polymarket") == name
    assert named(league, name) == name


def test_the_same_code_means_other_teams_in_other_leagues() -> None:
    assert named("epl", "MUN", "kalshi") == "Manchester United"
    assert named("bundesliga", "MUN", "espn") == "Bayern"
    assert named("nhl", "LA", "espn") == "Los Angeles Kings"
    assert named("wnba", "LA", "espn") == "Los Angeles Sparks"


def test_a_code_with_two_meanings_at_two_venues_needs_its_venue() -> None:
    assert named("ncaam", "MERC", "espn") == "Mercyhurst Lakers"
    assert named("ncaam", "MERC", "kalshi") == "Mercer Bears"
    assert resolve("ncaam", "MERC") is None


def test_a_city_with_two_teams_is_nobody_and_kalshis_shortened_titles_are_known() -> None:
    for league in ("nba", "nfl", "mlb"):
        assert resolve(league, "Los Angeles") is None
    assert resolve("nfl", "New York") is None
    assert named("nba", "Los Angeles C") == "LA Clippers"
    assert named("nfl", "New York J") == "New York Jets"
    assert named("mlb", "Chicago WS") == "Chicago White Sox"
    assert named("mlb", "A's") == "Athletics"


def test_two_players_with_one_kalshi_code_are_told_apart_by_name_only() -> None:
    assert resolve("atp", "CER", "kalshi") is None
    assert named("atp", "Francisco Cerundolo") == "Francisco Cerundolo"
    assert named("atp", "Juan Manuel Cerúndolo") == "Juan Manuel Cerundolo"


def test_case_accents_and_punctuation_do_not_matter_but_part_of_a_name_is_no_name() -> None:
    assert named("nba", "  golden state WARRIORS ") == "Golden State Warriors"
    assert named("nhl", "Montréal Canadiens") == "Montreal Canadiens"
    assert resolve("nba", "Golden") is None
    assert resolve("nba", "") is None
    assert resolve("no_such_league", "ATL") is None


@pytest.mark.parametrize(
    ("league", "pair", "first", "second"),
    [
        ("nba", "ATLWAS", "ATL", "WAS"),
        ("nba", "LACCHA", "LAC", "CHA"),
        ("mlb", "CHCWSH", "CHC", "WSH"),
        ("mlb", "AZSF", "AZ", "SF"),
        ("nfl", "SFLAR", "SF", "LAR"),
        ("wnba", "CONNPDX", "CONN", "PDX"),
    ],
)
def test_codes_written_without_a_gap_are_split_by_the_closed_list(
    league: str, pair: str, first: str, second: str
) -> None:
    found = split_pair(league, pair, "kalshi")
    assert found is not None
    assert (first in found[0].kalshi, second in found[1].kalshi) == (True, True)


def test_a_pair_that_cannot_be_cut_or_can_be_cut_twice_is_refused() -> None:
    assert split_pair("nba", "ATLXYZ", "kalshi") is None
    assert split_pair("nba", "ATL", "kalshi") is None
    assert split_pair("nba", "ATLATL", "kalshi") is None


def test_espn_ids_lead_to_the_team() -> None:
    assert (team := by_espn_id("nba", "27")) is not None and team.name == "Washington Wizards"
    assert by_espn_id("nba", "999999") is None


@pytest.mark.parametrize("league", LISTED)
def test_own_codes_and_espn_ids_are_unique_in_a_league(league: str) -> None:
    members = teams(league)
    assert members and league in LEAGUES
    assert len({team.code for team in members}) == len(members)
    ids = [team.espn_id for team in members if team.espn_id]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("league", ["nba", "nfl", "mlb", "nhl", "wnba", "epl", "mls", "ncaaf"])
def test_every_kalshi_code_of_a_league_means_one_team(league: str) -> None:
    for team in teams(league):
        for kalshi in team.kalshi:
            assert resolve(league, kalshi, "kalshi") == team


def test_the_pairs_of_a_real_evening_are_found_at_both_venues(shared: Path) -> None:
    """Every Kalshi event code of the recorded pairs splits into the two teams its Polymarket slug names."""
    path = shared / "sports" / "data" / "discovery_pairs" / "pairs_nba_2026-01-09_truth.csv"
    pairs = [row for row in csv.DictReader(path.open()) if row["label"] == "match"]
    assert len(pairs) > 20
    for row in pairs:
        pair = split_pair("nba", row["kalshi_event_ticker"].split("-")[1][7:], "kalshi")
        slugged = {resolve("nba", word, "polymarket") for word in row["polymarket_slug"].split("-")[1:3]}
        assert pair is not None and set(pair) == slugged, row["polymarket_slug"]


def test_every_collected_alias_with_one_meaning_resolves(shared: Path) -> None:
    facts = msgspec.json.decode((shared / "sports" / "team_aliases.json").read_bytes())["leagues"]
    for league in ("nba", "nfl", "mlb", "nhl", "wnba", "epl"):
        for name, fact in facts[league]["teams"].items():
            team = resolve(league, name)
            assert team is not None, name
            assert resolve(league, fact["kalshi"], "kalshi") == team
            assert resolve(league, fact["polymarket"], "polymarket") == team
            assert resolve(league, fact["espn"], "espn") == team
