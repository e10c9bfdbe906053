"""The trader's pages: who may see them, what they say, what they cost the database, and what their forms do."""

from __future__ import annotations

import json

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.builders import a_claimed_order, a_market, a_user, an_account
from tests.shown import Shown
from trading.models import DesiredState, SportConfig, TraderState

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
LISTS = (
    "dashboard",
    "games",
    "positions",
    "orders",
    "fills",
    "decisions",
    "alerts",
    "settings-sports",
    "risk",
    "reconciliation",
)


@pytest.fixture
def shown() -> Shown:
    cache.clear()
    return Shown()


@pytest.fixture
def client_of(shown: Shown) -> Client:
    client = Client()
    client.force_login(shown.user, backend=BACKEND)
    return client


def every_page(shown: Shown) -> list[str]:
    order = shown.fill()
    shown.warn()
    shown.quote(48, 50)
    of_objects = [reverse("game", args=[shown.game.uid]), reverse("order", args=[order.uid])]
    return [*(reverse(name) for name in LISTS), *of_objects, reverse("settings-sport", args=["nba"])]


def test_every_page_asks_a_stranger_to_sign_in(shown):
    for path in every_page(shown):
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/login/"), path


def test_every_page_opens_before_the_trader_has_told_anything(shown, client_of):
    for path in every_page(shown):
        answer = client_of.get(path)
        assert answer.status_code == 200, path
        assert "SIMULATED" in answer.content.decode(), path


def test_every_page_opens_while_the_trader_runs(shown, client_of):
    paths = every_page(shown)
    async_to_sync(shown.publish)()
    for path in paths:
        assert client_of.get(path).status_code == 200, path


def test_no_page_carries_inline_script_or_style(shown, client_of):
    async_to_sync(shown.publish)()
    for path in every_page(shown):
        text = client_of.get(path).content.decode()
        assert "style=" not in text and " onclick=" not in text, path
        assert text.count("<script") == text.count("<script src="), path


@pytest.mark.parametrize(
    ("name", "most"),
    [("dashboard", 20), ("games", 6), ("positions", 6), ("orders", 5), ("fills", 5), ("decisions", 6), ("alerts", 5)],
)
def test_a_list_costs_the_same_few_queries_however_long_it_is(
    shown, client_of, django_assert_max_num_queries, name, most
):
    for _ in range(3):
        shown.fill()
    with django_assert_max_num_queries(most):
        client_of.get(reverse(name))


def test_a_game_costs_few_queries(shown, client_of, django_assert_max_num_queries):
    shown.fill()
    shown.quote(48, 50)
    with django_assert_max_num_queries(16):
        client_of.get(reverse("game", args=[shown.game.uid]))


def test_the_game_page_shows_score_books_and_reasons(shown, client_of):
    shown.quote(52, 54)
    async_to_sync(shown.publish)()
    text = client_of.get(reverse("game", args=[shown.game.uid])).content.decode()
    for said in ("HOM", "AWY", "9:36 - 2nd Quarter", "Kalshi", "Polymarket", "as NO of the opponent", "54.0¢"):
        assert said in text, said
    assert "No entry: " in text


def test_a_position_is_worth_what_the_desk_says(shown, client_of):
    shown.fill()
    text = client_of.get(reverse("positions")).content.decode()
    assert "10.00" in text and "40.0¢" in text


def test_an_entry_that_was_denied_says_so(shown, client_of):
    order = shown.fill()
    text = client_of.get(reverse("order", args=[order.uid])).content.decode()
    assert "acknowledged" in text and order.client_order_id in text


def test_another_persons_order_is_not_there(shown, client_of):
    stranger = an_account(a_user("eve@example.org"))
    order = a_claimed_order(stranger, a_market("OTHER"))
    answer = client_of.get(reverse("order", args=[order.uid]))
    assert answer.status_code == 404
    assert "There is no such page" in answer.content.decode()


def test_another_persons_position_is_not_on_the_game_page(shown):
    shown.fill()
    shown.quote(48, 50)
    async_to_sync(shown.publish)()
    eve = Client()
    eve.force_login(a_user("eve@example.org"), backend=BACKEND)
    text = eve.get(reverse("game", args=[shown.game.uid])).content.decode()
    assert "Nothing is held." in text and "No fills yet." in text and "No decisions yet." in text


def test_the_chart_starts_with_prices_and_marks_in_one_frame(shown, client_of):
    shown.keep_prices()
    shown.fill()
    chart = json.loads(client_of.get(reverse("game-chart", args=[shown.game.uid])).content)
    assert chart["side"] == "HOM"
    assert [point[1] for point in chart["series"]["kalshi"]] == [59.0]
    assert [point[1] for point in chart["fair"]] == [57.0]
    assert [(mark["kind"], mark["price"]) for mark in chart["markers"] if mark["kind"] == "buy"] == [("buy", 40.0)]


# --- buttons --------------------------------------------------------------------------------------------------------


def test_the_trader_is_started_and_stopped_by_post_alone(shown, client_of):
    assert client_of.get(reverse("trader-start")).status_code == 405
    client_of.post(reverse("trader-start"), {"idempotency_key": "a"})
    assert TraderState.objects.get(user=shown.user).desired == DesiredState.RUNNING
    client_of.post(reverse("trader-stop"), {"idempotency_key": "b"})
    assert TraderState.objects.get(user=shown.user).desired == DesiredState.STOPPED


def test_a_form_sent_twice_is_one_command(shown, client_of):
    client_of.post(reverse("trader-start"), {"idempotency_key": "same"})
    client_of.post(reverse("trader-stop"), {"idempotency_key": "other"})
    client_of.post(reverse("trader-start"), {"idempotency_key": "same"})
    assert TraderState.objects.get(user=shown.user).desired == DesiredState.STOPPED


def test_a_form_without_its_token_does_nothing(shown):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(shown.user, backend=BACKEND)
    answer = strict.post(reverse("trader-start"))
    assert answer.status_code == 403
    assert not TraderState.objects.filter(user=shown.user, desired=DesiredState.RUNNING).exists()


# --- settings -------------------------------------------------------------------------------------------------------


def filled(client: Client, **changes: str) -> dict[str, str]:
    """The form as the page gives it, with changes."""
    form = client.get(reverse("settings-sport", args=["nba"])).context["form"]
    values = {field.name: field.value() for field in form}
    sent = {name: value for name, value in values.items() if value is not None and value is not False}
    typed = {name: "on" if value is True else str(value) for name, value in sent.items() if value != []}
    return {**typed, **changes}


def test_settings_are_saved_as_shares_of_one(shown, client_of):
    sent = filled(client_of, entry_threshold_pct="12.5", is_enabled="on", allowed_entry_segments="q2")
    answer = client_of.post(reverse("settings-sport", args=["nba"]), sent)
    assert answer.status_code == 302
    row = SportConfig.objects.get(user=shown.user, league="nba")
    assert (str(row.entry_threshold_pct), row.is_enabled, row.allowed_entry_segments) == ("0.125000", True, ["q2"])


def test_settings_changed_elsewhere_are_not_overwritten(shown, client_of):
    old = filled(client_of, take_profit_pct="30")
    client_of.post(reverse("settings-sport", args=["nba"]), filled(client_of, take_profit_pct="25"))
    answer = client_of.post(reverse("settings-sport", args=["nba"]), old)
    assert answer.status_code == 409
    assert "Load what is stored now" in answer.content.decode()
    assert str(SportConfig.objects.get(user=shown.user, league="nba").take_profit_pct) == "0.250000"


@pytest.mark.parametrize("typed", ["", "x", "101", "-1", "NaN", "1e9"])
def test_a_number_that_cannot_be_is_told_at_its_field(shown, client_of, typed):
    sent = filled(client_of, stop_loss_pct=typed)
    answer = client_of.post(reverse("settings-sport", args=["nba"]), sent)
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"stop_loss_pct"}
    assert not SportConfig.objects.filter(user=shown.user).exists()


def test_a_league_is_switched_from_the_list(shown, client_of):
    client_of.post(reverse("settings-sport-switch", args=["nba"]), {"is_enabled": "on", "idempotency_key": "1"})
    assert SportConfig.objects.get(user=shown.user, league="nba").is_enabled
    client_of.post(reverse("settings-sport-switch", args=["nba"]), {"idempotency_key": "2"})
    assert not SportConfig.objects.get(user=shown.user, league="nba").is_enabled


def test_a_league_nobody_knows_is_not_there(client_of):
    assert client_of.get(reverse("settings-sport", args=["quidditch"])).status_code == 404


@pytest.mark.parametrize("query", ["page=2", "page=0", "page=x", "page=99999999999", "show=nonsense", "page=²"])
def test_an_odd_query_is_a_page_all_the_same(shown, client_of, query):
    for name in ("orders", "fills", "decisions", "positions", "alerts", "games"):
        assert client_of.get(f"{reverse(name)}?{query}").status_code == 200
