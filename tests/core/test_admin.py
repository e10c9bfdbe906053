"""The back office shows every model and deletes nothing."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core import clock
from risk.models import HaltScope, HaltState, TradingHalt
from risk.selectors import effective_state
from risk.services import halt_set
from tests.builders import a_claimed_order, a_fill, a_market, a_settlement, an_account
from trading.models import Order
from trading.services.fills import fill_book
from trading.services.orders import UNKNOWN_FOR_GOOD
from trading.services.settlement import settlement_book

pytestmark = pytest.mark.django_db

OURS = [
    model
    for label in ("accounts", "audit", "markets", "notifications", "risk", "trading")
    for model in apps.get_app_config(label).get_models()
]


@pytest.fixture
def office() -> Client:
    client = Client()
    operator = User.objects.create_superuser("op@example.org")
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def traded():
    account, market = an_account(), a_market()
    order = a_claimed_order(account, market)
    fill_book(venue_account=account, report=a_fill(account, market, order=order))
    settlement_book(venue_account=account, report=a_settlement(account, market, value_u=0, yes_u=10_000_000))


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_model_has_a_list_and_a_page_to_read(office, traded, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert office.get(reverse(f"{name}_changelist")).status_code == 200
    row = model._default_manager.first()
    if row is not None:
        assert office.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
        assert office.get(reverse(f"{name}_delete", args=[row.pk])).status_code == 403


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_nothing_is_added_changed_or_deleted_by_hand(office, traded, model, rf):
    request = rf.get("/admin/")
    request.user = User.objects.get(email="op@example.org")
    page = admin.site._registry[model]
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
    assert "delete_selected" not in page.get_actions(request)


def test_a_secret_is_nowhere_on_a_page(office):
    for model in ("user", "credential"):
        page = admin.site._registry[apps.get_model("accounts", model)]
        assert set(page.exclude or ()) >= ({"password"} if model == "user" else {"wrapped_key", "ciphertext"})


def test_an_operator_resumes_a_halt_through_the_service(office):
    halt = halt_set(
        scope=HaltScope.GLOBAL,
        scope_key="",
        state=HaltState.HALTED,
        code="manual",
        reason="drill",
        actor="ann@example.org",
    )
    body = {"action": "resume", "_selected_action": [halt.pk], "reason": ""}
    page = reverse("admin:risk_tradinghalt_changelist")
    assert "Say why" in office.post(page, body, follow=True).content.decode()
    assert office.post(page, {**body, "reason": "I looked"}).status_code == 302
    assert effective_state([(HaltScope.GLOBAL, "")]).state is HaltState.ACTIVE


def test_an_operator_halts_what_was_never_halted_and_sells_what_is_held(office):
    account, halts = an_account(), reverse("admin:risk_tradinghalt_changelist")
    page = f"{halts}halt/"
    assert page in office.get(halts).content.decode(), "the list leads there"
    assert office.get(page).status_code == 200
    asked = {"scope": "account", "key": "nobody's", "reason": "drill", "flatten": "on"}
    assert "There is no account" in office.post(page, asked).content.decode()
    assert "required" in office.post(page, {**asked, "reason": ""}).content.decode()
    assert not TradingHalt.objects.exists()
    assert office.post(page, {**asked, "key": str(account.uid)}).status_code == 302
    halt = TradingHalt.objects.get()
    assert (halt.scope, halt.scope_key, halt.state) == ("account", str(account.uid), HaltState.HALTED)
    assert (halt.flatten, halt.reason, halt.actor) == (True, "drill", "op@example.org")


def test_who_is_no_operator_halts_nothing_in_the_back_office(client):
    clerk = User.objects.create_user("clerk@example.org", is_staff=True)
    client.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")
    asked = {"scope": "global", "key": "", "reason": "drill"}
    assert client.post(f"{reverse('admin:risk_tradinghalt_changelist')}halt/", asked).status_code == 403
    assert not TradingHalt.objects.exists()


def test_an_operator_voids_an_order_whose_answer_is_lost_and_says_how_it_is_known(office):
    order = a_claimed_order(an_account(), a_market())
    Order.objects.update(created_at=clock.now() - UNKNOWN_FOR_GOOD)
    body = {"action": "void", "_selected_action": [order.pk], "reason": ""}
    page = reverse("admin:trading_order_changelist")
    assert "Say how you know" in office.post(page, body, follow=True).content.decode()
    office.post(page, {**body, "reason": "the venue's support looked"})
    order.refresh_from_db()
    assert (order.status, order.reason) == ("void", "the venue's support looked")


def test_a_stranger_is_sent_to_the_door(client):
    assert client.get("/admin/").status_code == 302
