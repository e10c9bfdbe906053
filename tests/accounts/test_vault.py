"""The vault opens only for the right owner, row and purpose, and a secret never prints itself."""

from __future__ import annotations

import base64
import json
import pickle
from dataclasses import replace

import pytest

from accounts import vault
from accounts.models import Credential, CredentialKind
from accounts.secret import Secret
from accounts.services import credential_open, credential_store
from audit.models import AuditEntry
from core.errors import Unavailable
from tests.builders import an_account

BINDING = vault.Binding(user_uid="u", venue="kalshi", credential_uid="c", purpose="kalshi_key")


@pytest.fixture(autouse=True)
def kek(settings):
    settings.CREDENTIALS_KEY = base64.urlsafe_b64encode(b"k" * 32).decode()


def test_what_is_sealed_opens_again_and_never_looks_the_same():
    first, second = (vault.seal(Secret(b"canary"), BINDING) for _ in range(2))
    assert vault.unseal(first, BINDING).reveal() == b"canary"
    assert first.ciphertext != second.ciphertext and first.wrapped_key != second.wrapped_key
    assert b"canary" not in first.ciphertext


@pytest.mark.parametrize("field", ["user_uid", "venue", "credential_uid", "purpose"])
def test_an_envelope_moved_to_another_owner_row_or_purpose_does_not_open(field):
    sealed = vault.seal(Secret(b"canary"), BINDING)
    with pytest.raises(Unavailable):
        vault.unseal(sealed, replace(BINDING, **{field: "other"}))


@pytest.mark.parametrize("part", ["wrapped_key", "ciphertext"])
def test_every_flipped_bit_is_detected(part):
    sealed = vault.seal(Secret(b"canary"), BINDING)
    whole = getattr(sealed, part)
    for position in range(len(whole) * 8):
        broken = bytearray(whole)
        broken[position // 8] ^= 1 << position % 8
        with pytest.raises(Unavailable):
            vault.unseal(replace(sealed, **{part: bytes(broken)}), BINDING)


def test_another_key_encryption_key_is_named_as_the_reason(settings):
    sealed = vault.seal(Secret(b"canary"), BINDING)
    settings.CREDENTIALS_KEY = base64.urlsafe_b64encode(b"x" * 32).decode()
    with pytest.raises(Unavailable, match="another key"):
        vault.unseal(sealed, BINDING)


def test_a_key_is_made_once_and_only_its_owner_can_read_it(settings, tmp_path):
    settings.CREDENTIALS_KEY, settings.CREDENTIALS_KEY_FILE = "", tmp_path / "credentials.key"
    sealed = vault.seal(Secret(b"canary"), BINDING)
    assert vault.unseal(sealed, BINDING).reveal() == b"canary"
    assert settings.CREDENTIALS_KEY_FILE.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("key", ["short", "%%%", base64.b64encode(b"k" * 31).decode()])
def test_a_wrong_key_is_a_sentence(settings, key):
    settings.CREDENTIALS_KEY = key
    with pytest.raises(Unavailable, match="32 bytes"):
        vault.seal(Secret(b"canary"), BINDING)


def test_a_secret_never_shows_itself():
    secret = Secret(b"canary")
    assert "canary" not in f"{secret} {secret!r} {secret:>20} {[secret]}"
    for leak in (pickle.dumps, json.dumps, list, lambda one: one == secret, hash):
        with pytest.raises(TypeError):
            leak(secret)


@pytest.mark.django_db
def test_a_credential_is_stored_sealed_its_use_is_audited_and_a_new_one_revokes_the_old():
    account = an_account()
    for pem in ("canary-1", "canary-2"):
        credential_store(
            account=account, kind=CredentialKind.KALSHI_KEY, secrets={"pem": pem}, public_id="id-1234", actor="ann"
        )
    assert Credential.objects.filter(revoked_at__isnull=True).get().key_hint == "1234"
    opened = credential_open(account=account, kind=CredentialKind.KALSHI_KEY, purpose="trade", actor="trader")
    assert opened["pem"].reveal_text() == "canary-2"
    trail = list(AuditEntry.objects.filter(kind__startswith="credential.").values_list("kind", "payload"))
    assert [kind for kind, _ in trail] == ["credential.stored", "credential.stored", "credential.used"]
    assert "canary" not in str(trail)
    rows = Credential.objects.values_list("ciphertext", "wrapped_key")
    assert not any(b"canary" in bytes(column) for row in rows for column in row)
