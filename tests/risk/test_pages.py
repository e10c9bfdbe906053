"""The risk page: stop, arm again, limits."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import VenueAccount
from risk.models import AccountLimits, HaltScope, HaltState
from risk.selectors import effective_state, scopes_of
from risk.services import halt_set
from tests.builders import a_user, an_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> VenueAccount:
    cache.clear()
    return an_account()


@pytest.fixture
def page(account: VenueAccount) -> Client:
    client = Client()
    client.force_login(account.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def state_of(account: VenueAccount) -> HaltState:
    return effective_state(scopes_of(account)).state


def test_a_person_stops_everything_and_arms_it_again(page, account):
    page.post("/risk/halt/", {"reason": "I do not like this", "idempotency_key": "1"})
    assert state_of(account) is HaltState.HALTED
    assert "I do not like this" in page.get("/risk/").content.decode()
    page.post("/risk/resume/", {"reason": "It is fine", "idempotency_key": "2"})
    assert state_of(account) is HaltState.ACTIVE


def test_an_operators_halt_is_shown_and_not_lifted_here(page, account):
    key = str(account.user.uid)
    halt_set(
        scope=HaltScope.USER, scope_key=key, state=HaltState.HALTED, code="manual", reason="compliance", actor="op"
    )
    assert "compliance" in page.get("/risk/").content.decode()
    assert page.post("/risk/resume/", {"reason": "I want to trade"}).status_code == 409
    page.post("/risk/halt/", {"reason": "me too", "idempotency_key": "1"})
    page.post("/risk/resume/", {"reason": "I want to trade", "idempotency_key": "2"})
    assert state_of(account) is HaltState.HALTED


def test_neither_goes_without_a_reason(page, account):
    assert page.post("/risk/halt/", {"reason": " "}).status_code == 422
    assert state_of(account) is HaltState.ACTIVE
    assert page.post("/risk/resume/", {"reason": "why not"}).status_code == 409


def test_one_persons_switch_is_not_anothers(page, account):
    other = an_account(a_user("eve@example.org"))
    page.post("/risk/halt/", {"reason": "mine alone"})
    assert state_of(other) is HaltState.ACTIVE


def limits(account: VenueAccount, **changes: str) -> dict[str, str]:
    values = {
        "max_order_usd_u": "75.50",
        "max_position_usd_u": "200",
        "max_exposure_usd_u": "900",
        "max_daily_loss_usd_u": "100",
        "max_balance_share_u": "2.5",
        "max_open_orders": "7",
        "max_losses_in_a_row": "4",
    }
    return {f"{account.uid}-{name}": value for name, value in {**values, **changes}.items()}


def test_limits_are_typed_in_dollars_and_percent(page, account):
    assert page.post(f"/risk/limits/{account.uid}/", limits(account)).status_code == 302
    row = AccountLimits.objects.get(venue_account=account)
    assert (row.max_order_usd_u, row.max_balance_share_u, row.max_open_orders) == (75_500_000, 25_000, 7)


@pytest.mark.parametrize("typed", ["-1", "", "x", "1e12"])
def test_a_limit_that_cannot_be_is_refused_at_its_field(page, account, typed):
    answer = page.post(f"/risk/limits/{account.uid}/", limits(account, max_order_usd_u=typed))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_another_persons_limits_are_not_there(page):
    other = an_account(a_user("eve@example.org"))
    assert page.post(f"/risk/limits/{other.uid}/", limits(other)).status_code == 404
