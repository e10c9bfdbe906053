"""Every recorded reply: concrete scores, statuses, segments and clocks, and nothing lost in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.venues.espn.conftest import league_of
from venues.espn.parse import Parsed, parse_summary
from venues.leagues import LEAGUES
from venues.types import MICRO, GameState, GameStatus

Read = Callable[[str], Parsed]
Find = Callable[[str, str], GameState]

S, P, B, F = GameStatus.SCHEDULED, GameStatus.IN_PROGRESS, GameStatus.BREAK, GameStatus.FINAL


def test_every_file_is_read_with_no_unknown_field_and_no_problem(samples: Path, read: Read) -> None:
    files = sorted(samples.glob("*.json"))
    assert len(files) > 45
    for file in files:
        if file.name.startswith("summary"):
            body = file.read_bytes()
            assert not parse_summary(body, LEAGUES[league_of(file.name)], source_ms=1).unknown, file.name
            continue
        parsed = read(file.stem)
        assert parsed.games, file.name
        assert not parsed.unknown, (file.name, parsed.unknown)
        assert not parsed.problems, file.name


@pytest.mark.parametrize(
    ("name", "home", "away", "scores", "status", "segment", "clock", "remaining_s", "elapsed_u", "winner"),
    [
        ("event_basketball_nba_in_in_progress", "TOR", "UTAH", (47, 41), P, "q2", "1:38", 1538, 465_972, ""),
        ("event_basketball_nba_post_final", "BOS", "CHA", (134, 93), F, "q4", "", 0, MICRO, "home"),
        ("event_basketball_nba_pre_scheduled", "WSH", "GS", (0, 0), S, "", "", 2880, 0, ""),
        ("event_football_college-football_in_halftime", "MICH", "OSU", (7, 9), B, "q2", "0:00", 1800, 500_000, ""),
        ("event_football_college-football_in_in_progress", "TEX", "ALA", (16, 17), P, "q4", "4:15", 255, 929_166, ""),
        ("event_football_nfl_post_final", "LAR", "BUF", (10, 31), F, "q4", "", 0, MICRO, "away"),
        ("event_hockey_nhl_in_in_progress", "NYI", "PHI", (0, 1), P, "p2", "11:58", 1918, 467_222, ""),
        ("scoreboard_nhl_2022-09-25_live_final_pre", "PIT", "CBJ", (3, 2), F, "ot1", "", 0, MICRO, "home"),
        ("event_baseball_mlb_in_in_progress", "MIL", "SF", (2, 1), P, "inning_6", "", None, 592_592, ""),
        ("scoreboard_mlb_2022-09-17_live_final_pre", "TOR", "BAL", (6, 3), P, "inning_9", "", None, 925_925, ""),
        ("event_baseball_mlb_post_final", "CHC", "CIN", (3, 4), F, "inning_9", "", None, MICRO, "away"),
        ("event_baseball_mlb_pre_scheduled", "PHI", "MIA", (0, 0), S, "", "", None, 0, ""),
        ("event_soccer_usa.1_in_second_half", "MTL", "CLB", (0, 2), P, "h2", "69'", 1260, 766_666, ""),
        ("event_soccer_ger.1_post_full_time", "SVW", "FCA", (0, 1), F, "h2", "", 0, MICRO, "away"),
        ("event_soccer_fifa.world_post_final_pen", "ARG", "FRA", (3, 3), F, "pens", "", 0, MICRO, "home"),
        ("scoreboard_soccer_usa.1_2022-09-17_live_ft_pre", "ATL", "PHI", (0, 0), F, "h2", "", 0, MICRO, "draw"),
        ("event_volleyball_ncaaw_in_in_progress", "MSST", "KENN", (0, 0), P, "set_1", "", None, 200_000, ""),
        ("event_volleyball_ncaaw_post_final", "SYR", "ARMY", (1, 3), F, "set_4", "", None, MICRO, "away"),
        ("event_cricket_in_none", "MR", "PS", (155, 125), P, "innings_2", "", None, 500_000, ""),
        ("event_cricket_post_none", "BAN", "IND", (458, 459), F, "innings_4", "", None, MICRO, "away"),
        ("header_nba_a", "OKC", "NO", (137, 106), F, "q4", "", 0, MICRO, "home"),
        ("header_nba_b", "WSH", "MIL", (0, 0), S, "", "", 2880, 0, ""),
        ("scoreboard_wnba_2026-08-09_pre_odds", "NY", "LV", (0, 0), S, "", "", 2400, 0, ""),
    ],
)
def test_a_recorded_game_is_read_exactly(
    game: Find,
    name: str,
    home: str,
    away: str,
    scores: tuple[int, int],
    status: GameStatus,
    segment: str,
    clock: str,
    remaining_s: int | None,
    elapsed_u: int,
    winner: str,
) -> None:
    one = game(name, home)
    assert (one.away.code, one.home_score, one.away_score) == (away, *scores)
    assert (one.status, one.segment, one.clock_text, one.winner) == (status, segment, clock, winner)
    assert (one.remaining_s, one.elapsed_frac_u) == (remaining_s, elapsed_u)


def test_ids_names_league_and_start_are_taken_over(game: Find) -> None:
    one = game("event_basketball_nba_in_in_progress", "TOR")
    assert (one.game_id, one.source, one.league, one.sport) == ("espn:401474846", "espn", "nba", "basketball")
    assert (one.home.source_id, one.home.name) == ("28", "Toronto Raptors")
    assert (one.start_ms, one.source_ms) == (1_664_748_000_000, 1)
    assert one.detail == "1:38 - 2nd Quarter"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scoreboard_nfl_2022-09-11_live_final_pre", {P: 8, S: 6, F: 2}),
        ("scoreboard_ncaaf_2022-09-17_live_halftime_final", {B: 3, P: 3, S: 3, F: 1}),
        ("scoreboard_mlb_2022-09-17_live_final_pre", {F: 3, P: 3, S: 3}),
        ("scoreboard_nhl_2022-09-25_live_final_pre", {P: 5, F: 3, S: 2}),
        ("scoreboard_soccer_all_2026-03-21", {F: 49, GameStatus.POSTPONED: 1}),
        ("scoreboard_soccer_eng.1_2026-04-25_ft_sched_postponed", {S: 39, F: 5, GameStatus.POSTPONED: 3}),
        ("scoreboard_soccer_usa.1_2022-09-17_live_ft_pre", {S: 5, F: 2, P: 4}),
        ("event_mma_ufc_in_in_progress", {F: 7, S: 5, P: 1}),
    ],
)
def test_the_statuses_of_a_board_are_counted_as_they_were_recorded(
    read: Read, name: str, expected: dict[GameStatus, int]
) -> None:
    assert Counter(one.status for one in read(name).games) == expected


def test_a_postponed_match_is_neither_over_nor_begun(game: Find) -> None:
    one = game("scoreboard_soccer_all_2026-03-21", "MNC")
    assert (one.status, one.winner, one.remaining_s, one.elapsed_frac_u) == (GameStatus.POSTPONED, "", 5400, 0)


def test_what_happens_now_is_told_in_the_words_of_the_sport(game: Find) -> None:
    nfl = "scoreboard_nfl_2022-09-11_live_final_pre"
    assert game(nfl, "ATL").situation == "1st & 10 at NO 10, NO ball"
    assert game(nfl, "CIN").situation == "2nd & 10 at PIT 12, CIN ball, red zone"
    assert game("scoreboard_mlb_2022-09-17_live_final_pre", "TOR").situation == "2 out, 0-1, on 1st"
    assert game("event_basketball_nba_in_in_progress", "TOR").situation == "Gary Trent Jr. defensive rebound"
    assert game("event_cricket_in_none", "MR").situation == "MR 155/6, PS 125/3 (16/20 ov, target 156)"
    assert game("event_volleyball_ncaaw_post_final", "SYR").situation == "22-25 19-25 25-14 22-25"


def test_every_match_of_a_tennis_tournament_is_a_game(read: Read) -> None:
    games = read("event_tennis_wta_in_in_progress").games
    assert len(games) == len({one.game_id for one in games}) == 35
    fett = next(one for one in games if one.home.name == "Jana Fett")
    assert (fett.game_id, fett.home_score, fett.away_score, fett.winner) == ("espn:128726", 2, 0, "home")
    assert fett.situation == "6-4 6-3"


def test_tennis_draws_inside_groupings_are_found_with_their_doubles(read: Read) -> None:
    games = read("event_tennis_atp_wta_olympics_post_final").games
    assert len(games) == 208
    pair = next(one for one in games if one.game_id == "espn:147880")
    assert (pair.home.name, pair.home.code) == ("Coco Gauff / Jessica Pegula", "GAUFF/PEGULA")
    assert (pair.home_score, pair.away_score, pair.winner) == (2, 0, "home")
    running = next(one for one in games if one.game_id == "espn:147875")
    assert (running.status, running.segment, running.situation) == (P, "set_2", "6-7 3-5")
    assert (running.home_score, running.away_score) == (0, 1)


def test_walkovers_and_retirements_have_a_winner(read: Read) -> None:
    games = read("event_tennis_wta_post_final").games
    ended = [one for one in games if one.status is F]
    assert len(ended) == 31
    assert all(one.winner in ("home", "away") for one in ended)


def test_every_bout_of_a_card_is_a_game(read: Read) -> None:
    games = read("event_mma_ufc_in_in_progress").games
    assert len(games) == 13
    first = games[0]
    assert (first.home.name, first.away.name, first.winner) == ("Sergey Morozov", "Journey Newson", "home")
    live = next(one for one in games if one.status is P)
    assert live.segment.startswith("round_") and live.remaining_s is not None


def test_tournaments_and_races_stand_for_their_field(read: Read) -> None:
    golf = read("event_golf_pga_in_in_progress").games[0]
    assert (golf.home.name, golf.away.code, golf.segment) == ("ZOZO CHAMPIONSHIP", "FIELD", "round_4")
    assert golf.situation.startswith("1 FOWLER -14, 2 BRADLEY -13")
    race = read("event_racing_f1_post_final").games
    assert len(race) == 5
    assert race[0].home.name.endswith("FP1")
    assert race[0].situation.startswith("1 VERSTAPPEN, 2 LECLERC")


def test_a_summary_gives_the_final_score_the_plays_and_the_win_probability(samples: Path) -> None:
    body = (samples / "summary_nba_final.json").read_bytes()
    summary = parse_summary(body, LEAGUES["nba"], source_ms=1)
    assert (summary.game.game_id, summary.game.home.code, summary.game.away.code) == ("espn:401810206", "WSH", "ATL")
    assert (summary.game.home_score, summary.game.away_score, summary.game.winner) == (116, 131, "away")
    assert len(summary.plays) == 451
    last = summary.plays[-1]
    assert (last.text, last.period, last.home_score, last.away_score) == ("End of Game", 4, 116, 131)
    assert (last.happened_ms, last.home_win) == (1_765_074_102_000, 0.0)


def test_a_summary_uses_the_game_format_espn_sends(samples: Path) -> None:
    body = (samples / "summary_ncaam_pre.json").read_bytes()
    summary = parse_summary(body, LEAGUES["ncaam"], source_ms=1)
    assert (summary.game.status, summary.game.remaining_s, summary.plays) == (S, 2400, ())
    as_nba = parse_summary(body, LEAGUES["nba"], source_ms=1)
    assert as_nba.game.remaining_s == 2400
