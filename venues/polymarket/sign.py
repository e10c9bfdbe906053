"""Signatures: orders (exchange V2 and V3, signature types 0 to 3), key requests (L1) and private requests (L2).

The order id is the EIP-712 hash of the order, so it is known before the send; with a salt derived from the client order
id the same intent always gives the same hash, and a second post of it is refused as "Duplicated" instead of doubled.
Vectors: `../shared/venues/polymarket/samples/signing`. Verified against py-clob-client-v2 1.2.1 and polymarket-client
0.14.0. The elliptic-curve library is imported where the first signature is made.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import IntEnum

import msgspec

from venues.errors import AuthFailed
from venues.polymarket.constants import (
    CHAIN_ID,
    CTF_EXCHANGE_V2,
    EXCHANGE_V3,
    NEG_RISK_EXCHANGE_V2,
    ZERO_BYTES32,
)
from venues.polymarket.eip712 import StructType, Value, digest, domain_separator, keccak

ORDER_TYPE = (
    "Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
    "uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
_ENVELOPE_TYPE = (
    "TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
)
_CLOB_AUTH_TYPE = "ClobAuth(address address,string timestamp,uint256 nonce,string message)"
_CLOB_AUTH_MESSAGE = "This message attests that I control the given wallet"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_SALT_BITS = 53
"""The salt travels as a JSON number, which keeps 53 bits."""


class SignatureType(IntEnum):
    """Who holds the funds: the key itself, a proxy, a Safe, or a deposit wallet that checks signatures (ERC-1271)."""

    EOA = 0
    POLY_PROXY = 1
    GNOSIS_SAFE = 2
    POLY_1271 = 3


class PolymarketWallet(msgspec.Struct, frozen=True, kw_only=True):
    """A signer and its API key. `funder` holds the money (the key's own address for type 0). Never printed."""

    private_key: str
    signature_type: int
    funder: str
    api_key: str = ""
    secret: str = ""
    passphrase: str = ""

    def __repr__(self) -> str:
        return f"PolymarketWallet(funder={self.funder!r}, signature_type={self.signature_type}, …)"

    @property
    def address(self) -> str:
        """The signer's checksummed address, which is also POLY_ADDRESS."""
        return address_of(self.private_key)

    def check(self) -> None:
        """Raises AuthFailed, with a sentence that says which part is wrong, before anything is signed with it."""
        try:
            address = self.address
        except ValueError:
            raise AuthFailed("The private key is not 32 bytes in hex.", code="bad_key") from None
        if self.signature_type not in list(SignatureType):
            raise AuthFailed("The signature type must be 0, 1, 2 or 3.", code="bad_key")
        if _ADDRESS.fullmatch(self.funder) is None:
            raise AuthFailed("The funder is not an address (0x and 40 hex digits).", code="bad_key")
        if self.signature_type == SignatureType.EOA and self.funder.lower() != address.lower():
            raise AuthFailed("With signature type 0 the funder must be the key's own address.", code="bad_key")
        if self.api_key and not _is_base64(self.secret):
            raise AuthFailed("The API secret is not base64.", code="bad_key")

    @property
    def order_signer(self) -> str:
        """The `signer` field of an order: the deposit wallet itself for type 3, else the key's address."""
        return self.funder if self.signature_type == SignatureType.POLY_1271 else self.address


class Exchange(msgspec.Struct, frozen=True):
    """The contract an order is for: EIP-712 domain version and address."""

    domain_version: str
    contract: str
    chain_id: int = CHAIN_ID

    @property
    def separator(self) -> bytes:
        return domain_separator(
            name="Polymarket CTF Exchange",
            version=self.domain_version,
            chain_id=self.chain_id,
            contract=self.contract,
        )


_EXCHANGES = {
    ("v1", False): Exchange("2", CTF_EXCHANGE_V2),
    ("v1", True): Exchange("2", NEG_RISK_EXCHANGE_V2),
    ("v2", False): Exchange("3", EXCHANGE_V3),
    ("v2", True): Exchange("3", EXCHANGE_V3),
}


def exchange_for(*, version: str, neg_risk: bool) -> Exchange:
    """The contract of a market: its `version` and negRisk flag decide, nothing else. Raises KeyError if unknown."""
    return _EXCHANGES[version, neg_risk]


class OrderStruct(msgspec.Struct, frozen=True, kw_only=True):
    """The signed part of an order. Amounts are millionths of pUSD and of contracts; `side` is 0 buy, 1 sell."""

    salt: int
    maker: str
    signer: str
    token_id: int
    maker_amount: int
    taker_amount: int
    side: int
    signature_type: int
    timestamp_ms: int
    metadata: str = ZERO_BYTES32
    builder: str = ZERO_BYTES32

    def struct_hash(self) -> bytes:
        return _struct(ORDER_TYPE).hash(
            {
                "salt": self.salt,
                "maker": self.maker,
                "signer": self.signer,
                "tokenId": self.token_id,
                "makerAmount": self.maker_amount,
                "takerAmount": self.taker_amount,
                "side": self.side,
                "signatureType": self.signature_type,
                "timestamp": self.timestamp_ms,
                "metadata": self.metadata,
                "builder": self.builder,
            }
        )


def salt_of(client_order_id: str) -> int:
    """53 bits that follow from our id alone."""
    return int.from_bytes(hashlib.sha256(client_order_id.encode()).digest()[:8]) >> (64 - _SALT_BITS)


def order_hash(order: OrderStruct, exchange: Exchange) -> str:
    """The order's id at the venue, for every signature type."""
    return "0x" + digest(exchange.separator, order.struct_hash()).hex()


def sign_order(order: OrderStruct, exchange: Exchange, private_key: str) -> str:
    """The `signature` field: 65 bytes, or the ERC-1271 envelope for a deposit wallet."""
    if order.signature_type != SignatureType.POLY_1271:
        return "0x" + sign_digest(digest(exchange.separator, order.struct_hash()), private_key).hex()
    return "0x" + _envelope(order, exchange, private_key).hex()


def envelope_digest(order: OrderStruct, exchange: Exchange) -> bytes:
    """What a deposit wallet's key signs: the order wrapped in ERC-7739's TypedDataSign."""
    wrapped = _struct(_ENVELOPE_TYPE + ORDER_TYPE).hash(
        {
            "contents": order.struct_hash(),
            "name": "DepositWallet",
            "version": "1",
            "chainId": exchange.chain_id,
            "verifyingContract": order.signer,
            "salt": ZERO_BYTES32,
        }
    )
    return digest(exchange.separator, wrapped)


def _envelope(order: OrderStruct, exchange: Exchange, private_key: str) -> bytes:
    inner = sign_digest(envelope_digest(order, exchange), private_key)
    described = ORDER_TYPE.encode()
    return inner + exchange.separator + order.struct_hash() + described + len(described).to_bytes(2)


def clob_auth_headers(
    private_key: str, *, timestamp_s: int, nonce: int = 0, chain_id: int = CHAIN_ID
) -> dict[str, str]:
    """L1 headers: proves the wallet, to create or derive an API key."""
    address = address_of(private_key)
    values: dict[str, Value] = {
        "address": address,
        "timestamp": str(timestamp_s),
        "nonce": nonce,
        "message": _CLOB_AUTH_MESSAGE,
    }
    separator = domain_separator(name="ClobAuthDomain", version="1", chain_id=chain_id, contract=None)
    signature = sign_digest(digest(separator, _struct(_CLOB_AUTH_TYPE).hash(values)), private_key)
    return {
        "POLY_ADDRESS": address,
        "POLY_SIGNATURE": "0x" + signature.hex(),
        "POLY_TIMESTAMP": str(timestamp_s),
        "POLY_NONCE": str(nonce),
    }


def hmac_signature(secret: str, *, timestamp_s: int, method: str, path: str, body: bytes | None) -> str:
    """L2: urlsafe base64 with padding over time, method, path without its query, and the very bytes that are sent."""
    message = f"{timestamp_s}{method}{path.partition('?')[0]}".encode() + (body or b"")
    mac = hmac.new(base64.urlsafe_b64decode(secret), message, hashlib.sha256)
    return base64.urlsafe_b64encode(mac.digest()).decode()


def l2_headers(
    wallet: PolymarketWallet, *, timestamp_s: int, method: str, path: str, body: bytes | None = None
) -> Mapping[str, str]:
    """Headers of a private request. POLY_ADDRESS is the signer, never the funder."""
    signature = hmac_signature(wallet.secret, timestamp_s=timestamp_s, method=method, path=path, body=body)
    return {
        "POLY_ADDRESS": wallet.address,
        "POLY_API_KEY": wallet.api_key,
        "POLY_PASSPHRASE": wallet.passphrase,
        "POLY_TIMESTAMP": str(timestamp_s),
        "POLY_SIGNATURE": signature,
    }


@functools.lru_cache(maxsize=64)
def address_of(private_key: str) -> str:
    """The checksummed address (EIP-55) of a secp256k1 key in hex. Raises ValueError for anything else."""
    lower = keccak(_public_key(bytes.fromhex(private_key.removeprefix("0x"))))[12:].hex()
    marks = keccak(lower.encode()).hex()
    return "0x" + "".join(char.upper() if mark >= "8" else char for char, mark in zip(lower, marks, strict=False))


def sign_digest(message_digest: bytes, private_key: str) -> bytes:
    """Deterministic (RFC 6979) recoverable signature r ‖ s ‖ v, v in 27, 28.

    coincurve is compiled and much the quicker; eth-account, where it is missing (Python 3.14), gives the same bytes.
    """
    key = bytes.fromhex(private_key.removeprefix("0x"))
    try:
        from coincurve import PrivateKey
    except ImportError:
        from eth_account import Account

        return bytes(Account.unsafe_sign_hash(message_digest, key).signature)
    signature = PrivateKey(key).sign_recoverable(message_digest, hasher=None)
    return signature[:64] + bytes([27 + signature[64]])


def _is_base64(text: str) -> bool:
    try:
        base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        return False
    return bool(text)


def _public_key(key: bytes) -> bytes:
    """The 64 bytes of the uncompressed public key."""
    try:
        from coincurve import PrivateKey
    except ImportError:
        from eth_keys.datatypes import PrivateKey as PlainKey

        return bytes(PlainKey(key).public_key.to_bytes())
    return PrivateKey(key).public_key.format(compressed=False)[1:]


@functools.cache
def _struct(text: str) -> StructType:
    return StructType(text)
