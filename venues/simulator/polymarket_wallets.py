"""Wallets and API keys of the simulated Polymarket: who may sign in (L1), and whose request this is (L2).

Everything is derived: a wallet from the world's seed and a number, its API credentials from the server's secret, the
signer and the nonce. So the same seed gives the same keys after a restart and nothing secret needs to be stored.
Invariant: `sign_in` and `authenticate` succeed only with a signature that verifies. Source: polymarket/FACTS §2.1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping

import msgspec
from eth_hash.auto import keccak

from venues.simulator.polymarket_addresses import EOA, funder_address
from venues.simulator.polymarket_signing import clob_auth_signer, request_hmac

CLOCK_TOLERANCE_S = 60
"""How far POLY_TIMESTAMP may be from the server's clock. Polymarket's own tolerance is not known (FACTS §13)."""


class Credentials(msgspec.Struct, frozen=True):
    api_key: str
    secret: str
    passphrase: str


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """`address` signs; `funder` holds the money and is the account: the same address for an EOA wallet."""

    address: str
    funder: str
    signature_type: int

    @property
    def account_id(self) -> str:
        return self.funder.lower()


class ApiKey(msgspec.Struct, frozen=True):
    credentials: Credentials
    wallet: Wallet


class AuthError(Exception):
    """A request whose headers do not prove who sent it: HTTP 401 with this text."""


class Keyring:
    """All wallets and API keys. `wall_s` is the real clock: header freshness is never virtual."""

    def __init__(self, *, server_secret: bytes, wall_s: Callable[[], float]) -> None:
        self._secret = server_secret
        self._wall_s = wall_s
        self._wallets: dict[str, Wallet] = {}
        self._keys: dict[str, ApiKey] = {}

    def register(self, wallet: Wallet) -> Credentials:
        """Make a wallet known and give it the credentials of nonce 0. Registering twice changes nothing."""
        self._wallets[wallet.address.lower()] = wallet
        return self._activate(wallet, 0).credentials

    def wallet_of(self, address: str) -> Wallet:
        """The wallet this key signs for; a key never seen before is a plain EOA wallet with an empty account."""
        known = self._wallets.get(address.lower())
        return known or Wallet(address=address, funder=address, signature_type=EOA)

    def is_deployed(self, funder: str) -> bool:
        """Whether a wallet contract lies at this address: every known one of types 1 to 3 counts as deployed."""
        wallets = (each for each in self._wallets.values() if each.signature_type != EOA)
        return any(each.account_id == funder.lower() for each in wallets)

    def sign_in(self, headers: Mapping[str, str]) -> tuple[Wallet, int]:
        """The wallet and nonce of an L1 header set. Raises AuthError."""
        address, nonce = headers.get("poly_address", ""), headers.get("poly_nonce", "0")
        timestamp = self._fresh(headers.get("poly_timestamp", ""), "Invalid L1 Request headers")
        try:
            signer = clob_auth_signer(
                address=address, timestamp=timestamp, nonce=int(nonce), signature=headers.get("poly_signature", "")
            )
        except ValueError as problem:
            raise AuthError("Invalid L1 Request headers") from problem
        if signer is None or signer != address.lower():
            raise AuthError("Invalid L1 Request headers")
        return self.wallet_of(address), int(nonce)

    def create(self, wallet: Wallet, nonce: int) -> Credentials | None:
        """New credentials, None where the nonce has some already."""
        if self._credentials(wallet, nonce).api_key in self._keys:
            return None
        return self._activate(wallet, nonce).credentials

    def derive(self, wallet: Wallet, nonce: int) -> Credentials | None:
        """The credentials made earlier for this nonce, None where there are none."""
        held = self._keys.get(self._credentials(wallet, nonce).api_key)
        return held.credentials if held else None

    def revoke(self, key: ApiKey) -> None:
        self._keys.pop(key.credentials.api_key, None)

    def keys_of(self, wallet: Wallet) -> list[str]:
        return [each for each, key in self._keys.items() if key.wallet.address.lower() == wallet.address.lower()]

    def owner_of(self, account_id: str) -> str:
        """The API key id that venue frames name as the owner of this account's orders; empty for the house."""
        return next((each for each, key in self._keys.items() if key.wallet.account_id == account_id), "")

    def authenticate(self, headers: Mapping[str, str], *, method: str, path: str, body: bytes) -> ApiKey:
        """The key of an L2 header set over this very request (`path` without query). Raises AuthError."""
        refusal = "Unauthorized/Invalid api key"
        timestamp = self._fresh(headers.get("poly_timestamp", ""), refusal)
        key = self._keys.get(headers.get("poly_api_key", ""))
        if key is None or headers.get("poly_address", "").lower() != key.wallet.address.lower():
            raise AuthError(refusal)
        expected = request_hmac(key.credentials.secret, timestamp=timestamp, method=method, path=path, body=body)
        is_signed = hmac.compare_digest(expected.encode(), headers.get("poly_signature", "").encode())
        if not is_signed or not self._has_passphrase(key, headers.get("poly_passphrase", "")):
            raise AuthError(refusal)
        return key

    def find(self, *, api_key: str, secret: str, passphrase: str) -> ApiKey | None:
        """The key of a user-channel login, which shows the secrets themselves."""
        key = self._keys.get(api_key)
        if key is None or not self._has_passphrase(key, passphrase):
            return None
        return key if hmac.compare_digest(_decoded(secret), _decoded(key.credentials.secret)) else None

    def _fresh(self, timestamp: str, refusal: str) -> str:
        if not timestamp.isdecimal() or abs(int(timestamp) - self._wall_s()) > CLOCK_TOLERANCE_S:
            raise AuthError(refusal)
        return timestamp

    def _has_passphrase(self, key: ApiKey, passphrase: str) -> bool:
        return hmac.compare_digest(key.credentials.passphrase.encode(), passphrase.encode())

    def _activate(self, wallet: Wallet, nonce: int) -> ApiKey:
        credentials = self._credentials(wallet, nonce)
        return self._keys.setdefault(credentials.api_key, ApiKey(credentials, wallet))

    def _credentials(self, wallet: Wallet, nonce: int) -> Credentials:
        seed = hmac.new(self._secret, f"{wallet.address.lower()}|{nonce}".encode(), hashlib.sha512).digest()
        return Credentials(
            api_key=str(uuid.UUID(bytes=seed[:16], version=4)),
            secret=base64.urlsafe_b64encode(hashlib.sha256(seed + b"secret").digest()).decode(),
            passphrase=hashlib.sha256(seed + b"passphrase").hexdigest(),
        )


def derived_private_key(seed: bytes, number: int) -> str:
    """The private key of wallet `number` of a world: play money only, anyone with the seed can re-derive it."""
    return "0x" + keccak(seed + b"courtside wallet" + number.to_bytes(8, "big")).hex()


def wallet_from_key(private_key: str, signature_type: int) -> Wallet:
    """The wallet of a key. Types 1 to 3 keep their money at the contract address that Polymarket's factory gives them.

    Raises ValueError for a signature type outside 0..3.
    """
    from eth_account import Account

    address = str(Account.from_key(private_key).address)
    funder = funder_address(address, signature_type)
    return Wallet(address=address, funder=funder, signature_type=signature_type)


def _decoded(secret: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(secret)
    except (binascii.Error, ValueError):
        return b""
