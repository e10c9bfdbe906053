"""Signatures verify with the public key, for both kinds of key under one PEM label."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.venues.kalshi.conftest import pem_of
from venues.errors import AuthFailed
from venues.kalshi.constants import KalshiKey
from venues.kalshi.sign import Signer, load_private_key

PATH = "/trade-api/v2/portfolio/orders"
TEXT = b"1760000000000GET/trade-api/v2/portfolio/orders"
PSS_32 = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


def test_an_rsa_signature_is_pss_with_a_salt_of_32_bytes(rsa_key: rsa.RSAPrivateKey) -> None:
    signer = Signer(KalshiKey("key-1", pem_of(rsa_key)), clock_ms=lambda: 1_760_000_000_000)
    headers = signer.headers("get", f"{PATH}?limit=5")
    signature = base64.b64decode(headers.pop("KALSHI-ACCESS-SIGNATURE"), validate=True)
    rsa_key.public_key().verify(signature, TEXT, PSS_32, hashes.SHA256())
    assert headers == {"KALSHI-ACCESS-KEY": "key-1", "KALSHI-ACCESS-TIMESTAMP": "1760000000000"}


def test_an_ed25519_signature_is_over_the_text_itself(ed25519_key: Ed25519PrivateKey) -> None:
    signer = Signer(KalshiKey("key-2", pem_of(ed25519_key)), clock_ms=lambda: 1_760_000_000_000)
    headers = signer.headers("GET", PATH)
    ed25519_key.public_key().verify(base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"]), TEXT)


def test_every_signature_reads_the_clock_anew(ed25519_key: Ed25519PrivateKey) -> None:
    ticks = iter((1_000, 2_000))
    signer = Signer(KalshiKey("key", pem_of(ed25519_key)), clock_ms=lambda: next(ticks))
    first, second = signer.headers("GET", PATH), signer.headers("GET", PATH)
    assert first["KALSHI-ACCESS-TIMESTAMP"] == "1000"
    assert second["KALSHI-ACCESS-TIMESTAMP"] == "2000"
    assert first["KALSHI-ACCESS-SIGNATURE"] != second["KALSHI-ACCESS-SIGNATURE"]


def test_an_old_pkcs1_rsa_key_is_read_too(rsa_key: rsa.RSAPrivateKey) -> None:
    pem = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    assert isinstance(load_private_key(pem), rsa.RSAPrivateKey)


def test_an_unreadable_key_is_refused_without_showing_it() -> None:
    with pytest.raises(AuthFailed) as caught:
        load_private_key("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----")
    assert caught.value.code == "bad_private_key"
    assert "c2VjcmV0" not in caught.value.message
    assert caught.value.__suppress_context__


def test_a_key_of_another_kind_is_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    pem = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(AuthFailed, match="RSA or Ed25519"):
        load_private_key(pem)


def test_a_key_does_not_show_its_secret(kalshi_key: KalshiKey) -> None:
    assert "PRIVATE KEY" not in repr(kalshi_key)
