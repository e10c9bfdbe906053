"""Every way in, every refusal at an existing account and every way out is in the audit trail of the user."""

from __future__ import annotations

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.core.cache import cache
from django.test import Client, override_settings

from accounts.models import User
from audit.models import AuditEntry
from audit.selectors import chain_verify
from audit.services import chain_of_user

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough pass phrase"


@pytest.fixture
def ann() -> User:
    cache.clear()
    return User.objects.create_user("ann@example.org", PASSWORD)


def told(user: User) -> list[tuple[str, str]]:
    chain = chain_of_user(user.uid)
    assert chain_verify(chain) is None
    return list(AuditEntry.objects.filter(chain=chain).order_by("seq").values_list("kind", "payload"))


def by_page(client: Client, **changes: str):
    return client.post(
        "/login/", {"email": "ann@example.org", "password": PASSWORD, **changes}, REMOTE_ADDR="203.0.113.9"
    )


def by_api(client: Client, **changes: str):
    body = {"email": "ann@example.org", "password": PASSWORD, **changes}
    return client.post("/api/auth/login", body, content_type="application/json", REMOTE_ADDR="203.0.113.9")


def test_in_and_out_by_the_pages(ann):
    client = Client()
    by_page(client)
    client.post("/logout/")
    assert told(ann) == [
        ("user.signed_in", '{"address":"203.0.113.9","second_factor":false}'),
        ("user.signed_out", "{}"),
    ]


def test_in_and_out_by_the_api(ann):
    access = by_api(Client()).json()["access"]
    Client().post("/api/auth/logout", headers={"Authorization": f"Bearer {access}"})
    assert [kind for kind, _ in told(ann)] == ["user.signed_in", "user.signed_out"]


@pytest.mark.parametrize("way", [by_page, by_api])
def test_behind_a_proxy_the_address_is_the_clients_own(ann, way):
    client = Client(headers={"x-forwarded-for": "198.51.100.7"})
    with override_settings(AXES_IPWARE_META_PRECEDENCE_ORDER=["HTTP_X_FORWARDED_FOR"]):
        way(client)
    assert told(ann) == [("user.signed_in", '{"address":"198.51.100.7","second_factor":false}')]


@pytest.mark.parametrize("way", [by_page, by_api])
def test_who_goes_on_guessing_at_a_locked_door_is_told_of_once(ann, way):
    """The chain is kept for ever: nobody may fill it from outside."""
    client = Client()
    for _ in range(settings.AXES_FAILURE_LIMIT + 10):
        way(client, password="guessed")
    assert len(told(ann)) <= settings.AXES_FAILURE_LIMIT + 1


@pytest.mark.parametrize("way", [by_page, by_api])
def test_a_wrong_password_and_the_lock_are_told_with_the_address(ann, way):
    client = Client()
    for _ in range(settings.AXES_FAILURE_LIMIT + 1):
        way(client, password="guessed")
    kinds, payloads = zip(*told(ann), strict=True)
    assert set(kinds) == {"user.sign_in_refused"}
    assert payloads[0] == '{"address":"203.0.113.9","reason":"bad_credentials"}'
    assert payloads[-1] == '{"address":"203.0.113.9","reason":"locked_out"}'
    assert "guessed" not in "".join(payloads)


def test_a_guessed_name_writes_nothing(ann):
    by_page(Client(), email="bob@example.org")
    assert not AuditEntry.objects.filter(kind__startswith="user.").exists()


@pytest.mark.parametrize("way", [by_page, by_api])
def test_the_second_factor_is_told_when_it_comes_is_missing_is_used_and_goes(ann, way):
    TOTP.activate(ann, generate_totp_secret())
    codes = RecoveryCodes.activate(ann)
    way(Client())
    way(Client(), code=codes.get_unused_codes()[0])
    ann.authenticator_set.all().delete()
    assert [kind for kind, _ in told(ann)] == [
        "user.second_factor_added",
        "user.second_factor_added",
        "user.sign_in_refused",
        "user.recovery_code_used",
        "user.signed_in",
        "user.second_factor_removed",
        "user.second_factor_removed",
    ]
    assert told(ann)[4][1] == '{"address":"203.0.113.9","second_factor":true}'
