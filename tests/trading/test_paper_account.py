"""`manage.py paper_account` keeps a key that is one, and refuses the rest with a sentence and code 2."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import call_command

from accounts.models import Credential, VenueAccount
from tests.builders import a_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def email() -> str:
    return a_user().email


def a_file(folder: Path, content: bytes) -> str:
    path = folder / "key.pem"
    path.write_bytes(content)
    return str(path)


def test_a_key_that_is_one_is_kept(email, tmp_path, capsys):
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    call_command("paper_account", email, "kalshi", "--key-id", "id-1234", "--private-key-file", a_file(tmp_path, pem))
    assert Credential.objects.get().key_hint == "1234"
    assert "Paper Kalshi" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "lacks private_key"),
        (b"this is no key", "private key cannot be read"),
        (b"\xff\xfe\x00", "private key cannot be read"),
        (b"-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n", "private key cannot be read"),
    ],
)
def test_a_file_that_holds_no_key_is_refused_and_nothing_is_kept(email, tmp_path, capsys, content, words):
    said = refusal(capsys, email, "kalshi", "--key-id", "id", "--private-key-file", a_file(tmp_path, content))
    assert words in said
    assert not VenueAccount.objects.exists() and not Credential.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("kalshi", "--key-id", "id"), "together"),
        (("kalshi", "--key-id", "id", "--private-key-file", "no-such-file.pem"), "No such file"),
        (("kalshi", "--usd", "0"), "positive number of dollars"),
    ],
)
def test_what_cannot_be_is_refused_with_two(email, capsys, arguments, words):
    assert words in refusal(capsys, email, *arguments)


def test_a_stranger_and_a_key_nobody_asks_for_are_refused_with_two(email, tmp_path, capsys):
    assert "No user has the e-mail" in refusal(capsys, "nobody@example.org", "kalshi")
    key = a_file(tmp_path, b"x")
    said = refusal(capsys, email, "polymarket", "--key-id", "id", "--private-key-file", key)
    assert "without a key" in said


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        call_command("paper_account", *arguments)
    assert stop.value.code == 2
    return capsys.readouterr().err.strip()
