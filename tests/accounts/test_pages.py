"""Signing in and out of the pages."""

from __future__ import annotations

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough pass phrase"


@pytest.fixture
def ann() -> User:
    cache.clear()
    return User.objects.create_user("ann@example.org", PASSWORD)


def sign_in(client: Client, **changes: str):
    return client.post("/login/", {"email": "ann@example.org", "password": PASSWORD, **changes})


def test_the_door_is_open_to_everyone_and_says_the_mode():
    answer = Client().get("/login/")
    assert answer.status_code == 200
    assert "SIMULATED" in answer.content.decode()
    assert answer["Cache-Control"]


def test_a_password_opens_the_page_that_was_wanted(ann):
    answer = sign_in(Client(), next="/orders/")
    assert (answer.status_code, answer["Location"]) == (302, "/orders/")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(ann, elsewhere):
    assert sign_in(Client(), next=elsewhere)["Location"] == "/"


def test_a_wrong_password_is_told_without_saying_which_part_was_wrong(ann):
    answers = [sign_in(Client(), password="wrong"), sign_in(Client(), email="nobody@example.org")]
    assert {answer.status_code for answer in answers} == {401}
    assert all("E-mail or password is wrong." in answer.content.decode() for answer in answers)


def test_a_second_factor_is_asked_for_where_there_is_one(ann):
    TOTP.activate(ann, generate_totp_secret())
    client = Client()
    answer = sign_in(client)
    assert answer.status_code == 401
    assert 'name="code"' in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_guessing_is_locked_out(ann):
    client = Client()
    codes = [sign_in(client, password=f"guess {number}").status_code for number in range(7)]
    assert codes[0] == 401 and codes[-1] == 429
    assert sign_in(client).status_code == 429


def test_signing_out_ends_the_session_and_clears_what_the_browser_kept(ann):
    client = Client()
    sign_in(client)
    assert client.get("/logout/").status_code == 405
    answer = client.post("/logout/")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/").status_code == 302


def test_the_back_office_is_entered_by_the_same_door_with_all_factors():
    cache.clear()
    staff = User.objects.create_superuser("op@example.org", PASSWORD)
    TOTP.activate(staff, generate_totp_secret())
    client = Client()
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/login/?next=%2Fadmin%2F"
    client.post("/admin/login/?next=/admin/", {"username": "op@example.org", "password": PASSWORD})
    assert "_auth_user_id" not in client.session
    assert client.post("/login/", {"email": "op@example.org", "password": PASSWORD}).status_code == 401


def test_staff_who_are_in_already_are_let_through_the_door():
    User.objects.create_superuser("op@example.org", PASSWORD)
    client = Client()
    sign_in(client, email="op@example.org")
    assert client.get("/admin/login/?next=/admin/")["Location"] == "/admin/"


def test_who_is_no_member_of_the_staff_is_refused_at_the_back_office_and_not_sent_round(ann):
    client = Client()
    sign_in(client)
    assert client.get("/admin/", follow=True).status_code == 403
