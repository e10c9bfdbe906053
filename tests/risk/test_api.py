"""The API of halts: a person stops their own trading, an operator anything; the receipt comes with it."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts.models import User, VenueAccount
from risk.models import HaltScope, HaltState
from risk.selectors import effective_state, scopes_of
from tests.builders import a_user, an_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> VenueAccount:
    cache.clear()
    return an_account()


def as_(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_a_person_stops_and_arms_their_own_trading(account):
    ann = as_(account.user)
    receipt = ann.post("/api/halts", {"reason": "enough", "flatten": True}, format="json")
    assert receipt.status_code == 201
    assert (receipt.data["scope"], receipt.data["flatten"], receipt.data["is_over"]) == ("user", True, False)
    assert effective_state(scopes_of(account)).state is HaltState.HALTED
    (halt,) = ann.get("/api/halts").data
    assert ann.get(f"/api/stops/{receipt.data['uid']}").data["sentence"] == receipt.data["sentence"]
    assert ann.get("/api/stops").data["count"] == 1
    assert ann.post(f"/api/halts/{halt['uid']}/resume", {"reason": ""}, format="json").status_code == 400
    assert ann.post(f"/api/halts/{halt['uid']}/resume", {"reason": "calm"}, format="json").status_code == 200
    assert effective_state(scopes_of(account)).state is HaltState.ACTIVE


@pytest.mark.parametrize(
    ("scope", "status"), [("global", 403), ("venue", 403), ("game", 403), ("account", 404), ("user", 403)]
)
def test_a_person_stops_nobody_else(account, scope, status):
    other = an_account(a_user("eve@example.org"))
    key = {"account": str(other.uid), "user": str(other.user.uid), "venue": "kalshi", "game": "espn:1"}.get(scope, "")
    refused = as_(account.user).post("/api/halts", {"scope": scope, "key": key, "reason": "x"}, format="json")
    assert refused.status_code == status
    assert effective_state(scopes_of(other)).state is HaltState.ACTIVE


def test_an_operator_stops_everything_and_another_one_arms_it(account):
    one, two = User.objects.create_superuser("one@example.org"), User.objects.create_superuser("two@example.org")
    as_(one).post("/api/halts", {"scope": "global", "reason": "drill"}, format="json")
    assert effective_state([(HaltScope.GLOBAL, "")]).state is HaltState.HALTED
    (halt,) = as_(one).get("/api/halts").data
    address, why = f"/api/halts/{halt['uid']}/resume", {"reason": "over"}
    assert as_(account.user).post(address, why, format="json").status_code == 403
    assert as_(one).post(address, why, format="json").data["code"] == "second_person"
    assert as_(two).post(address, why, format="json").status_code == 200


def test_the_receipt_has_a_page(account, client):
    as_(account.user).post("/api/halts", {"reason": "enough"}, format="json")
    client.force_login(account.user, backend="django.contrib.auth.backends.ModelBackend")
    uid = as_(account.user).get("/api/stops").data["results"][0]["uid"]
    assert "No account has answered yet" in client.get(f"/risk/stops/{uid}/").content.decode()
    assert f"/risk/stops/{uid}/" in client.get("/risk/").content.decode()
    client.force_login(a_user("eve@example.org"), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/risk/stops/{uid}/").status_code == 404
