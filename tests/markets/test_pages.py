"""The list of games: what is live, what the venues say of home, what the trader adds to the rows."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.test import Client

from markets.selectors_pages import home_quotes
from tests.shown import Shown


@pytest.fixture
def shown(db) -> Shown:
    cache.clear()
    return Shown()


def page_of(shown: Shown, query: str = "") -> str:
    client = Client()
    client.force_login(shown.user, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(f"/games/{query}").content.decode()


def test_a_live_game_is_listed_under_its_league_with_both_venues(shown):
    async_to_sync(shown.publish)()
    text = page_of(shown)
    for said in ("National Basketball Association", "HOM", "AWY", "9:36 - 2nd Quarter", "60.0¢", "59.5¢"):
        assert said in text, said


def test_the_trader_knows_the_score_before_the_rows_do(shown):
    shown.score(77, 66)
    async_to_sync(shown.publish)()
    assert ">77<" in page_of(shown)


def test_without_the_trader_the_rows_are_shown_and_no_price(shown):
    text = page_of(shown)
    assert ">30<" in text and "No market is open" in text


def test_an_empty_list_says_where_the_others_are(shown):
    text = page_of(shown, "?league=nfl")
    assert "No game is on right now" in text


def quote(venue: str, mid_u: int | None, *, yes_is_home: bool | None) -> dict[str, Any]:
    return {"venue": venue, "mid_u": mid_u, "yes_is_home": yes_is_home, "is_valid": True}


def test_a_venue_speaks_of_home_whichever_side_it_lists():
    found = home_quotes(
        [
            quote("polymarket", 300_000, yes_is_home=False),
            quote("kalshi", 310_000, yes_is_home=False),
            quote("kalshi", 690_000, yes_is_home=True),
            quote("kalshi", 50_000, yes_is_home=None),
        ]
    )
    assert [(one.venue, one.mid_u) for one in found] == [("kalshi", 690_000), ("polymarket", 700_000)]
