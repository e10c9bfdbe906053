"""A run starts only with the key that opens what is stored, and an account comes with its credential or not at all."""

from __future__ import annotations

import base64

import pytest

from accounts.key_check import require_usable_key
from accounts.models import CredentialKind, Mode, VenueAccount
from accounts.services import credential_store, venue_account_enable, venue_account_open
from core.embedded.parts import RunRefused
from core.errors import Unavailable
from tests.builders import a_user, an_account
from venues.types import Venue

pytestmark = pytest.mark.django_db

RIGHT, OTHER = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"x"))


@pytest.fixture
def account(settings, tmp_path) -> VenueAccount:
    """With a credential that RIGHT opens."""
    settings.CREDENTIALS_KEY, settings.CREDENTIALS_KEY_FILE = RIGHT, tmp_path / "credentials.key"
    account = an_account()
    credential_store(
        account=account, kind=CredentialKind.KALSHI_KEY, secrets={"pem": "x"}, public_id="id-1234", actor="ann"
    )
    return account


def look(*, is_reset: bool = False, has_database: bool = True) -> None:
    require_usable_key(is_reset=is_reset, has_database=has_database)


def test_the_right_key_starts(account):
    look()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("abc", "CREDENTIALS_KEY must be 32 bytes in base64"),
        ("ключ", "CREDENTIALS_KEY must be 32 bytes in base64"),
        (OTHER, "CREDENTIALS_KEY does not open the stored venue credentials"),
        ("", "credentials.key is gone"),
    ],
)
def test_a_wrong_or_lost_key_is_refused_and_none_is_made(account, settings, key, words):
    settings.CREDENTIALS_KEY = key
    with pytest.raises(RunRefused, match=words):
        look()
    assert not settings.CREDENTIALS_KEY_FILE.exists()


def test_a_damaged_file_is_named(account, settings):
    settings.CREDENTIALS_KEY = ""
    settings.CREDENTIALS_KEY_FILE.write_bytes(b"\xff\xfe")
    with pytest.raises(RunRefused, match=r"The key in credentials\.key must be 32 bytes"):
        look(has_database=False)


def test_who_starts_over_needs_no_former_key(account, settings):
    settings.CREDENTIALS_KEY = ""
    settings.CREDENTIALS_KEY_FILE.write_bytes(b"\xff\xfe")
    look(is_reset=True, has_database=False)
    settings.CREDENTIALS_KEY = OTHER
    look(is_reset=True, has_database=False)


def test_an_account_that_is_out_of_use_keeps_nobody_from_starting(account, settings):
    venue_account_enable(account=account, is_enabled=False, actor="ann")
    settings.CREDENTIALS_KEY = OTHER
    look()


def test_an_account_whose_credential_cannot_be_kept_is_not_opened(settings):
    settings.CREDENTIALS_KEY = "abc"
    with pytest.raises(Unavailable):
        venue_account_open(
            user=a_user(), venue=Venue.KALSHI, mode=Mode.SIMULATED, account_key="k", secrets={"pem": "x"}, actor="ann"
        )
    assert not VenueAccount.objects.exists()
