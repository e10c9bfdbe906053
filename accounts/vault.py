"""The vault: a venue credential in an AES-256-GCM envelope, so that a stolen database is worth nothing.

Each record has a data key of its own, wrapped by the key-encryption key (KEK), which is never in the database. Both
layers are bound to `user|venue|credential uid|version|purpose` as associated data: an envelope moved to another row,
user or purpose does not open. Source: NIST SP 800-38D; OWASP ASVS 5.0 V11.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from accounts.secret import Secret
from core.errors import Unavailable
from core.keys import load_or_create_secret

VERSION = 1
_NONCE_BYTES = 12
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is stored. `kek_id` names the KEK without telling anything about it."""

    kek_id: str
    wrapped_key: bytes
    ciphertext: bytes
    version: int = VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Whose secret it is; part of every tag."""

    user_uid: str
    venue: str
    credential_uid: str
    purpose: str

    def associated_data(self, version: int, layer: str) -> bytes:
        return "|".join((self.user_uid, self.venue, self.credential_uid, str(version), self.purpose, layer)).encode()


def seal(secret: Secret, binding: Binding) -> Envelope:
    """Encrypt with a fresh data key."""
    kek = _kek()
    data_key = AESGCM.generate_key(256)
    ciphertext = _encrypt(data_key, secret.reveal(), binding.associated_data(VERSION, "data"))
    wrapped_key = _encrypt(kek, data_key, binding.associated_data(VERSION, "key"))
    return Envelope(_id_of(kek), wrapped_key, ciphertext)


def unseal(envelope: Envelope, binding: Binding) -> Secret:
    """Decrypt. Raises Unavailable `credential_unreadable` for another KEK, another owner or a changed byte."""
    kek = _kek()
    if envelope.kek_id != _id_of(kek):
        raise Unavailable("credential_unreadable", "The credential was encrypted under another key.")
    try:
        data_key = _decrypt(kek, envelope.wrapped_key, binding.associated_data(envelope.version, "key"))
        return Secret(_decrypt(data_key, envelope.ciphertext, binding.associated_data(envelope.version, "data")))
    except InvalidTag:
        raise Unavailable("credential_unreadable") from None


def known_kek_id() -> str | None:
    """The id of the key that would seal and open now, None where there is none yet (the first use makes one). Raises
    Unavailable `credential_unreadable` for a key of a wrong form. Writes nothing."""
    if not settings.CREDENTIALS_KEY and not Path(settings.CREDENTIALS_KEY_FILE).exists():
        return None
    return _id_of(_kek())


def _encrypt(key: bytes, plain: bytes, associated: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, associated)


def _decrypt(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated)


def _kek() -> bytes:
    """From the environment, else from a file made at the first use that only its owner can read."""
    try:
        key = base64.b64decode(settings.CREDENTIALS_KEY or _text_of_file(), altchars=b"-_", validate=True)
    except (ValueError, OSError):  # no base64, no text at all, no file of ours
        key = b""
    if len(key) != _KEY_BYTES:
        raise Unavailable("credential_unreadable", f"{name_of_key()} must be 32 bytes in base64.")
    return key


def _text_of_file() -> str:
    fresh = base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()
    return load_or_create_secret(settings.CREDENTIALS_KEY_FILE, secret=fresh)


def name_of_key() -> str:
    """What a person calls the key: the setting, or the file in the data folder."""
    return "CREDENTIALS_KEY" if settings.CREDENTIALS_KEY else f"The key in {Path(settings.CREDENTIALS_KEY_FILE).name}"


def _id_of(kek: bytes) -> str:
    return hashlib.sha256(b"courtside kek id|" + kek).hexdigest()[:16]
