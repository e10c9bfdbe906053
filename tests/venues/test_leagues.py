"""The table of leagues, and the eastern days games are filed under."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from venues.eastern import days_around, eastern_date, eastern_ms
from venues.leagues import LEAGUES, Clock, by_espn_path, by_kalshi_series, by_polymarket_prefix, league


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def test_we_know_more_than_a_hundred_leagues_in_all_sports() -> None:
    assert len(LEAGUES) > 250
    assert {"basketball", "football", "baseball", "hockey", "soccer", "tennis", "mma", "golf", "racing", "cricket"} <= {
        one.sport for one in LEAGUES.values()
    }


@pytest.mark.parametrize(
    ("code", "espn", "series", "periods", "period_s", "clock"),
    [
        ("nba", "basketball/nba", "KXNBAGAME", 4, 720, Clock.DOWN),
        ("wnba", "basketball/wnba", "KXWNBAGAME", 4, 600, Clock.DOWN),
        ("ncaam", "basketball/mens-college-basketball", "KXNCAAMBGAME", 2, 1200, Clock.DOWN),
        ("ncaaw", "basketball/womens-college-basketball", "KXNCAAWBGAME", 4, 600, Clock.DOWN),
        ("nfl", "football/nfl", "KXNFLGAME", 4, 900, Clock.DOWN),
        ("ncaaf", "football/college-football", "KXNCAAFGAME", 4, 900, Clock.DOWN),
        ("nhl", "hockey/nhl", "KXNHLGAME", 3, 1200, Clock.DOWN),
        ("mlb", "baseball/mlb", "KXMLBGAME", 9, 0, Clock.NONE),
        ("epl", "soccer/eng.1", "KXEPLGAME", 2, 2700, Clock.UP),
        ("mls", "soccer/usa.1", "KXMLSGAME", 2, 2700, Clock.UP),
        ("atp", "tennis/atp", "KXATPMATCH", 3, 0, Clock.NONE),
        ("wta", "tennis/wta", "KXWTAMATCH", 3, 0, Clock.NONE),
        ("ufc", "mma/ufc", "KXUFCFIGHT", 3, 300, Clock.UP),
    ],
)
def test_the_leagues_we_trade_are_as_the_rules_say(
    code: str, espn: str, series: str, periods: int, period_s: int, clock: Clock
) -> None:
    one = league(code)
    assert (one.espn, one.kalshi, one.periods, one.period_s, one.clock) == (espn, series, periods, period_s, clock)
    assert by_kalshi_series(series) is by_espn_path(espn) is one


def test_spread_and_total_series_belong_to_the_league_of_their_moneyline() -> None:
    assert by_kalshi_series("KXMLBSPREAD") is by_kalshi_series("KXMLBTOTAL") is league("mlb")
    assert by_kalshi_series("KXHIGHNYTOTAL") is None
    assert by_kalshi_series("KXPRES") is None


def test_soccer_names_the_home_side_first_and_knows_draws() -> None:
    assert league("epl").home_first and league("epl").has_draw
    assert not league("nba").home_first and not league("nfl").has_draw


def test_polymarket_prefixes_lead_to_one_league_each() -> None:
    assert by_polymarket_prefix("cbb") is league("ncaam")
    assert by_polymarket_prefix("cfb") is league("ncaaf")
    assert by_polymarket_prefix("bun") is league("bundesliga")
    prefixes = [one.polymarket for one in LEAGUES.values() if one.polymarket]
    assert len(prefixes) == len(set(prefixes))


def test_no_two_leagues_share_an_espn_path_or_a_kalshi_series() -> None:
    for names in ([one.espn for one in LEAGUES.values()], [one.kalshi for one in LEAGUES.values() if one.kalshi]):
        assert len(names) == len(set(names))


def test_an_unknown_code_is_refused_with_a_sentence() -> None:
    with pytest.raises(KeyError, match="No league has the code 'xyz'"):
        league("xyz")


def test_every_league_of_the_collected_facts_that_has_a_kalshi_series_is_in_our_table(shared: Path) -> None:
    facts = msgspec.json.decode((shared / "sports" / "leagues.json").read_bytes())["leagues"]
    for fact in facts:
        if fact["kalshi_series"]:
            ours = by_kalshi_series(fact["kalshi_series"])
            assert ours is not None, fact["kalshi_series"]
            assert (ours.sport, ours.espn_league) == (fact["sport"], fact["league"])
            assert ours.period_s == (fact["period_seconds"] or 0)
            assert ours.periods == fact["regulation_periods"]


@pytest.mark.parametrize(
    ("utc", "day"),
    [
        ("2025-12-07T00:00:00Z", date(2025, 12, 6)),
        ("2025-12-07T05:00:00Z", date(2025, 12, 7)),
        ("2026-08-09T03:59:59Z", date(2026, 8, 8)),
        ("2026-08-09T04:00:00Z", date(2026, 8, 9)),
        ("2026-03-08T06:59:00Z", date(2026, 3, 8)),
    ],
)
def test_a_game_belongs_to_its_day_in_new_york(utc: str, day: date) -> None:
    assert eastern_date(ms(utc)) == day


def test_eastern_wall_clock_times_turn_into_utc_in_winter_and_summer() -> None:
    assert eastern_ms(date(2025, 12, 6), hour=19) == ms("2025-12-07T00:00:00Z")
    assert eastern_ms(date(2026, 8, 9), hour=12, minute=30) == ms("2026-08-09T16:30:00Z")
    assert eastern_ms(date(2026, 11, 1), hour=1) == ms("2026-11-01T05:00:00Z")


def test_the_days_around_a_moment_cross_the_end_of_a_month() -> None:
    assert days_around(ms("2026-03-01T02:00:00Z")) == (date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1))
