"""Sign in, renew and sign out over the API, with the second factor and the lock."""

from __future__ import annotations

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from accounts.services import user_register
from audit.models import AuditEntry

pytestmark = pytest.mark.django_db

EMAIL, PASSWORD = "ann@example.org", "correct horse battery"


@pytest.fixture(autouse=True)
def no_former_attempts():
    cache.clear()


@pytest.fixture
def user() -> User:
    return user_register(email=EMAIL, password=PASSWORD)


def post(client: Client, name: str, **body: object):
    return client.post(f"/api/auth/{name}", body, content_type="application/json")


def login(client: Client, **changes: object):
    return post(client, "login", **{"email": EMAIL, "password": PASSWORD, **changes})


def me(client: Client, access: str):
    return client.get("/api/auth/me", headers={"Authorization": f"Bearer {access}"})


def test_a_login_gives_a_pair_of_tokens_and_no_cookie(client, user):
    answer = login(client)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access", "refresh"}
    assert not answer.cookies
    assert me(client, answer.json()["access"]).json()["email"] == EMAIL


def test_the_mail_address_counts_in_any_case(client, user):
    assert login(client, email="ANN@Example.org").status_code == 200


@pytest.mark.parametrize("changes", [{"password": "wrong horse battery"}, {"email": "bob@example.org"}])
def test_a_wrong_password_and_an_unknown_user_look_the_same(client, user, changes):
    answer = login(client, **changes)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")


def test_after_five_failures_even_the_right_password_is_locked_out(client, user):
    codes = [login(client, password="wrong horse battery").json()["code"] for _ in range(5)]
    assert codes[:4] == ["bad_credentials"] * 4
    answer = login(client)
    assert (answer.status_code, answer.json()["code"]) == (429, "locked_out")
    assert int(answer["Retry-After"]) == 900


def test_a_refresh_token_is_good_once(client, user):
    refresh = login(client).json()["refresh"]
    renewed = post(client, "refresh", refresh=refresh)
    assert renewed.status_code == 200
    assert me(client, renewed.json()["access"]).status_code == 200
    again = post(client, "refresh", refresh=refresh)
    assert (again.status_code, again.json()["code"]) == (401, "bad_token")


def test_a_logout_ends_access_and_refresh_at_once(client, user):
    pair = login(client).json()
    assert post(client, "logout").status_code == 401
    left = client.post("/api/auth/logout", headers={"Authorization": f"Bearer {pair['access']}"})
    assert left.status_code == 204
    assert me(client, pair["access"]).status_code == 401
    assert post(client, "refresh", refresh=pair["refresh"]).status_code == 401


def test_a_user_who_is_switched_off_is_out_at_once(client, user):
    access = login(client).json()["access"]
    User.objects.update(is_active=False)
    assert me(client, access).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
def test_a_made_up_token_is_refused(client, user, token):
    assert me(client, token).status_code == 401


def test_a_refresh_token_is_no_access_token(client, user):
    assert me(client, login(client).json()["refresh"]).status_code == 401


def test_a_password_alone_never_gives_tokens_to_a_user_with_a_second_factor(client, user):
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    answer = login(client)
    assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")
    assert login(client, code="000000").json()["code"] == "mfa_required"
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    assert login(client, code=code).status_code == 200
    assert login(client, code=code).status_code == 401


def test_a_recovery_code_opens_once(client, user):
    TOTP.activate(user, generate_totp_secret())
    code = RecoveryCodes.activate(user).get_unused_codes()[0]
    assert login(client, code=code).status_code == 200
    assert login(client, code=code).status_code == 401


def test_registering_makes_a_user_once_and_is_audited(client):
    answer = post(client, "register", email="New@Example.org", password=PASSWORD)
    assert (answer.status_code, answer.json()["email"]) == (201, "new@example.org")
    again = post(client, "register", email="new@example.org", password=PASSWORD)
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    assert AuditEntry.objects.filter(kind="user.registered").count() == 1


@pytest.mark.parametrize("password", ["short", "password1234", "12345678901234"])
def test_a_weak_password_is_refused_with_the_reason(client, password):
    answer = post(client, "register", email="new@example.org", password=password)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, {"email": EMAIL}, {"email": [], "password": {}}, {"email": "x" * 300, "password": "y"}]
)
def test_input_that_makes_no_sense_is_a_400(client, body):
    answer = post(client, "login", **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
