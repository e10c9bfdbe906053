"""API keys and the signature on every request: RSA-PSS or Ed25519 over timestamp + METHOD + path.

Freshness is judged against the real clock, whatever time it is in the simulated world. The four bodies of a 401 are
as captured; source: FACTS §1.2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from venues.simulator.kalshi_json import KalshiError, error

RSA_BITS = 2048


class KeyType(StrEnum):
    RSA = "rsa"
    ED25519 = "ed25519"


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue keeps of a key: never the private part."""

    key_id: str
    account_id: str
    key_type: KeyType
    public_pem: str
    name: str = "courtside"
    scopes: tuple[str, ...] = ("read", "write")


class KeyRing:
    """All keys of the venue. `skew_past_ms`: how old a stamp may be; `skew_future_ms`: how far ahead."""

    def __init__(self, *, skew_past_ms: int = 15_000, skew_future_ms: int = 15_000) -> None:
        self._records: dict[str, KeyRecord] = {}
        self._publics: dict[str, RSAPublicKey | Ed25519PublicKey] = {}
        self._skew_past_ms = skew_past_ms
        self._skew_future_ms = skew_future_ms

    def add(self, record: KeyRecord) -> None:
        """Raises ValueError for anything but an RSA or Ed25519 public key."""
        public = load_pem_public_key(record.public_pem.encode())
        if not isinstance(public, RSAPublicKey | Ed25519PublicKey):
            raise ValueError("only RSA and Ed25519 keys can sign requests")
        self._records[record.key_id] = record
        self._publics[record.key_id] = public

    def of(self, account_id: str) -> list[KeyRecord]:
        return [record for record in self._records.values() if record.account_id == account_id]

    def verify(self, headers: Mapping[str, str], *, method: str, path: str, wall_ms: int) -> str:
        """The account that signed the request. Raises KalshiError with the 401 body."""
        key_id = headers.get("kalshi-access-key", "")
        stamp = headers.get("kalshi-access-timestamp", "")
        signature = headers.get("kalshi-access-signature", "")
        if not (key_id and stamp and signature):
            raise error(401, "signature_is_missing_from_headers")
        self._check_fresh(stamp, wall_ms)
        record = self._records.get(key_id)
        if record is None:
            raise _refused("NOT_FOUND")
        text = f"{stamp}{method.upper()}{path}".encode()
        if not is_signed(self._publics[key_id], text, signature):
            raise _refused("INCORRECT_API_KEY_SIGNATURE")
        return record.account_id

    def _check_fresh(self, stamp: str, wall_ms: int) -> None:
        age_ms = wall_ms - int(stamp) if stamp.isdigit() else None
        if age_ms is None or age_ms > self._skew_past_ms or -age_ms > self._skew_future_ms:
            raise error(401, "header_timestamp_expired")


def is_signed(public: RSAPublicKey | Ed25519PublicKey, text: bytes, signature: str) -> bool:
    """RSA signatures may have any salt length, as the venue takes both of those in use."""
    try:
        raw = base64.b64decode(signature, validate=True)
        if isinstance(public, Ed25519PublicKey):
            public.verify(raw, text)
        else:
            scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
            public.verify(raw, text, scheme, hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def new_key(account_id: str, key_type: KeyType, *, name_seed: bytes = b"") -> tuple[KeyRecord, str]:
    """A fresh key pair: the record to keep and the private key, PKCS#8 PEM, to hand out once. The key is random, its
    id is a function of `name_seed` and the account."""
    private: RSAPrivateKey | Ed25519PrivateKey
    if key_type is KeyType.RSA:
        private = generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
    else:
        private = Ed25519PrivateKey.generate()
    public_pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    private_pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    key_id = str(UUID(bytes=hashlib.sha256(name_seed + account_id.encode()).digest()[:16], version=4))
    record = KeyRecord(key_id=key_id, account_id=account_id, key_type=key_type, public_pem=public_pem)
    return record, private_pem


def _refused(details: str) -> KalshiError:
    return error(401, "authentication_error", message="authentication_error", details=details)
