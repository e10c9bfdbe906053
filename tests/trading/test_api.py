"""The API of the trader: owner-scoped, decimals as strings, uids outside."""

from __future__ import annotations

import pytest
from django.test import Client

from core import clock
from markets.services import game_upsert, market_link
from notifications.models import AlertLevel
from notifications.services import alert_raise
from tests.builders import a_claimed_order, a_fill, a_market, a_user, an_account
from tests.markets.test_matching import a_game
from trading.domain.commands import Decision, GateResult, Unit, Verdict
from trading.models import TraderStatus
from trading.services.decisions import decisions_record
from trading.services.fills import fill_book
from trading.services.trader import trader_heartbeat
from venues.types import Outcome

pytestmark = pytest.mark.django_db

LISTS = ["orders", "positions", "fills", "decisions", "alerts", "settings/sports"]


@pytest.fixture
def ann():
    return a_user("ann@example.org")


@pytest.fixture
def api(ann) -> Client:
    client = Client()
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def traded(ann):
    """One order with a fill, a decision and an alert of ann's."""
    account, market = an_account(ann), a_market()
    market_link(game=game_upsert(game=a_game()), market=market, yes_is_home=True)
    order = a_claimed_order(account, market)
    fill_book(venue_account=account, report=a_fill(account, market, order=order))
    decisions_record(user=ann, batch=[a_decision(market.market_id)])
    alert_raise(user=ann, level=AlertLevel.INFO, code="c", title="T", dedupe_key="k")
    return order


def a_decision(market_id: str) -> Decision:
    return Decision(
        decision_id="d", at_us=clock.now_us(), strategy="dip_reversion", account="a", market_id=market_id,
        game_id="espn:1", outcome=Outcome.YES, verdict=Verdict.BLOCKED, reason="spread", bid_u=400_000, ask_u=500_000,
        mid_u=450_000, baseline_u=600_000, baseline_is_late=False, fair_u=None,
        gates=(GateResult("spread", False, 100_000, 50_000, Unit.PRICE_U),),
    )  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_a_page_and_needs_a_login(client, api, name):
    assert client.get(f"/api/{name}").status_code == 401
    assert set(api.get(f"/api/{name}").json()) == {"count", "next", "previous", "results"}


@pytest.mark.parametrize("name", LISTS[:5])
def test_a_list_holds_what_its_user_owns_and_nothing_else(api, traded, name):
    assert api.get(f"/api/{name}").json()["count"] == 1
    bob = Client()
    bob.force_login(a_user("bob@example.org"), backend="django.contrib.auth.backends.ModelBackend")
    assert bob.get(f"/api/{name}").json()["count"] == 0


def test_another_users_order_is_as_absent_as_none(api, traded):
    mine = api.get(f"/api/orders/{traded.uid}")
    assert (mine.status_code, mine.json()["status"]) == (200, "filled")
    bob = Client()
    bob.force_login(a_user("bob@example.org"), backend="django.contrib.auth.backends.ModelBackend")
    foreign = bob.get(f"/api/orders/{traded.uid}")
    absent = bob.get("/api/orders/01890000-0000-7000-8000-000000000000")
    assert (foreign.status_code, foreign.json()) == (404, absent.json())


def test_amounts_are_decimal_strings_and_inner_ids_stay_inside(api, traded):
    order = api.get("/api/orders").json()["results"][0]
    assert (order["price"], order["quantity"], order["filled"], order["fee"]) == ("0.40", "10.00", "10.00", "0.17")
    fill = api.get("/api/fills").json()["results"][0]
    assert (fill["value"], fill["order"]) == ("4.00", order["uid"])
    assert "id" not in order and "id" not in fill
    position = api.get("/api/positions?is_open=true").json()["results"][0]
    assert (position["cost"], position["entry_price"]) == ("4.17", "0.40")


def test_lists_are_filtered_by_market_and_status(api, traded):
    assert api.get("/api/orders?status=filled&market_id=kalshi:GAME-HOME").json()["count"] == 1
    assert api.get("/api/orders?status=open").json()["count"] == 0
    assert api.get("/api/orders?status=nonsense").status_code == 400


def test_a_decision_tells_why_it_did_not_trade(api, traded):
    decision = api.get("/api/decisions").json()["results"][0]
    assert (decision["verdict"], decision["reason"]) == ("blocked", "spread")
    gate = decision["detail"]["gates"][0]
    assert (gate["name"], gate["passed"], gate["value"], gate["limit"]) == ("spread", False, 100_000, 50_000)


def test_games_come_with_their_markets(api, traded):
    games = api.get("/api/games?league=nba").json()
    assert (games["count"], games["results"][0]["home_name"]) == (1, "Washington Wizards")
    assert games["results"][0]["markets"][0]["market_id"] == "kalshi:GAME-HOME"
    assert api.get(f"/api/games/{games['results'][0]['uid']}").status_code == 200
    assert api.get("/api/games?status=live").json()["count"] == 0


def test_start_and_stop_are_wishes_that_the_trader_answers(api, ann):
    assert api.get("/api/bot/status").json()["status"] == "stopped"
    started = api.post("/api/bot/start")
    assert (started.status_code, started.json()["desired"], started.json()["status"]) == (202, "running", "stopped")
    trader_heartbeat(user=ann, status=TraderStatus.RUNNING, stats={"messages": 5})
    now = api.get("/api/bot/status").json()
    assert (now["status"], now["is_stale"], now["stats"]) == ("running", False, {"messages": 5})
    assert api.post("/api/bot/stop").json()["desired"] == "stopped"
    assert api.get("/api/bot/start").status_code == 405


def test_settings_change_field_by_field_and_refuse_an_old_version(api):
    changed = api.patch("/api/settings/sports/nba", {"is_enabled": True}, content_type="application/json")
    assert (changed.status_code, changed.json()["is_enabled"], changed.json()["version"]) == (200, True, 1)
    stale = {"take_profit_pct": "0.3", "version": 0}
    conflict = api.patch("/api/settings/sports/nba", stale, content_type="application/json")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "conflict")
    for wrong in ({"entry_threshold_pct": "1.5"}, {"kelly_fraction": "NaN"}, {"min_time_remaining_s": -1}):
        answer = api.patch("/api/settings/sports/nba", wrong, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert api.patch("/api/settings/sports/quidditch", {}, content_type="application/json").status_code == 400


def test_fields_that_nobody_may_set_change_nothing(api, ann):
    body = {"user": 999, "uid": "x", "league": "nfl", "id": 5}
    api.patch("/api/settings/sports/nba", body, content_type="application/json")
    assert list(ann.sport_configs.values_list("league", flat=True)) == ["nba"]


def test_an_alert_is_marked_as_seen_by_its_owner_only(api, traded):
    uid = api.get("/api/alerts").json()["results"][0]["uid"]
    bob = Client()
    bob.force_login(a_user("bob@example.org"), backend="django.contrib.auth.backends.ModelBackend")
    assert bob.post(f"/api/alerts/{uid}/seen").status_code == 404
    assert api.post(f"/api/alerts/{uid}/seen").status_code == 204
    assert api.get("/api/alerts").json()["results"][0]["seen_at"]
