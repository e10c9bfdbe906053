"""Signs Kalshi requests: base64 of a signature over `timestamp_ms + METHOD + path`, path without host and query.

RSA keys sign RSA-PSS with SHA-256 and a salt of the digest's length; Ed25519 keys sign the text as it is. Both come
as PKCS#8 under the same PEM label, so the kind is found by parsing. The clock is the real one and is read for every
signature: the venue refuses a stamp that is about 15 s old. Source: docs.kalshi.com, API keys.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from venues.errors import AuthFailed
from venues.kalshi.constants import KalshiKey

KEY_HEADER = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER = "KALSHI-ACCESS-SIGNATURE"

_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)


def wall_clock_ms() -> int:
    """The machine's real UTC time: what the venue compares a signature with, also when game time is simulated."""
    return time.time_ns() // 1_000_000


class Signer:
    """Makes the three headers of a signed request. Raises AuthFailed when the key cannot be read."""

    def __init__(self, key: KalshiKey, *, clock_ms: Callable[[], int] = wall_clock_ms) -> None:
        self._key_id = key.key_id
        self._private_key = load_private_key(key.private_key_pem)
        self._clock_ms = clock_ms

    def headers(self, method: str, path: str) -> dict[str, str]:
        """Headers for one request, stamped now. `path` is the full path; a query string is cut off."""
        stamp = str(self._clock_ms())
        text = stamp + method.upper() + path.partition("?")[0]
        signature = base64.b64encode(self._sign(text.encode())).decode()
        return {KEY_HEADER: self._key_id, TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: signature}

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self._private_key, Ed25519PrivateKey):
            return self._private_key.sign(message)
        return self._private_key.sign(message, _PSS, hashes.SHA256())


def load_private_key(pem: str) -> RSAPrivateKey | Ed25519PrivateKey:
    """The key in `pem`, whichever of the two kinds it is. Raises AuthFailed and never shows the text."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise AuthFailed(
            "The Kalshi private key cannot be read: paste the whole unencrypted PEM, first and last line included.",
            code="bad_private_key",
        ) from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise AuthFailed("The Kalshi private key must be RSA or Ed25519.", code="bad_private_key")
    return key
