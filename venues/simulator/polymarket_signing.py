"""What a Polymarket wallet signs, and who signed it: ClobAuth (L1), the request HMAC (L2) and orders of V2 and V3.

Every digest is built by hand from 32-byte words, so that the check shares no code with the client under test.
Invariant: `order_id` is the EIP-712 hash, the same for all signature types; only a good signature yields an address.
Source: polymarket/FACTS §2.1, §3; the vectors of `signing_vectors.json` reproduce.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import msgspec
from eth_hash.auto import keccak

CHAIN_ID = 137
SIDE_CODES = {"BUY": 0, "SELL": 1}
POLY_1271 = 3

_EXCHANGE_NAME = b"Polymarket CTF Exchange"
_CTF_EXCHANGE_V2 = "0xE111180000d2663C0091e4f400237545B87B996B"
_NEG_RISK_EXCHANGE_V2 = "0xe2222d279d744050d28e00520010520000310F59"
_EXCHANGE_V3 = "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"

_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_AUTH_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId)"
_AUTH_TYPE = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)"
_AUTH_MESSAGE = b"This message attests that I control the given wallet"
_ORDER_TYPE = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
    b"uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
_ENVELOPE_TYPE = (
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
    + _ORDER_TYPE
)
_EIP712_PREFIX = b"\x19\x01"
_ECDSA_BYTES = 65


class SignedOrder(msgspec.Struct, frozen=True, rename="camel"):
    """`order` of POST /order as it stands on the wire; `expiration` (unix seconds) is not part of what is signed."""

    salt: int
    maker: str
    signer: str
    token_id: str
    maker_amount: str
    taker_amount: str
    side: str
    signature_type: int
    timestamp: str
    metadata: str
    builder: str
    signature: str
    expiration: str = "0"


def exchange_domain(*, is_v3: bool, is_neg_risk: bool) -> bytes:
    """The domain separator an order must be signed for: V3 has one exchange, V2 one for negative risk as well."""
    if is_v3:
        return _domain(b"3", _EXCHANGE_V3)
    return _domain(b"2", _NEG_RISK_EXCHANGE_V2 if is_neg_risk else _CTF_EXCHANGE_V2)


def order_id(order: SignedOrder, domain: bytes) -> str:
    """The venue's id of an order. Raises ValueError when a field does not fit its EIP-712 type."""
    return "0x" + keccak(_EIP712_PREFIX + domain + _order_struct(order)).hex()


def order_signer(order: SignedOrder, domain: bytes) -> str | None:
    """The lower-case address of the key that signed, None for a broken or foreign signature (other domain, V1)."""
    signature = _unhex(order.signature)
    if signature is None:
        return None
    if order.signature_type != POLY_1271:
        return _recover(domain, _order_struct(order), signature)
    return _envelope_signer(order, domain, signature)


def clob_auth_signer(*, address: str, timestamp: str, nonce: int, signature: str) -> str | None:
    """The lower-case address that signed an L1 header set, None for a broken signature."""
    raw = _unhex(signature)
    if raw is None or _unhex(address) is None:
        return None
    domain = keccak(_words(keccak(_AUTH_DOMAIN_TYPE), keccak(b"ClobAuthDomain"), keccak(b"1"), CHAIN_ID))
    body = (keccak(_AUTH_TYPE), _address(address), keccak(timestamp.encode()), nonce, keccak(_AUTH_MESSAGE))
    return _recover(domain, keccak(_words(*body)), raw)


def request_hmac(secret: str, *, timestamp: str, method: str, path: str, body: bytes) -> str:
    """The L2 signature: urlsafe base64 with padding of HMAC-SHA256 over timestamp, method, path and exact body."""
    message = f"{timestamp}{method}{path}".encode() + body
    digest = hmac.new(base64.urlsafe_b64decode(secret), message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()


def _envelope_signer(order: SignedOrder, domain: bytes, signature: bytes) -> str | None:
    """A deposit wallet's signature (ERC-7739): ECDSA ‖ domain ‖ contents hash ‖ type string ‖ its length."""
    contents = _order_struct(order)
    tail = domain + contents + _ORDER_TYPE + len(_ORDER_TYPE).to_bytes(2, "big")
    if signature[_ECDSA_BYTES:] != tail:
        return None
    wallet = (keccak(b"DepositWallet"), keccak(b"1"), CHAIN_ID, _address(order.signer), 0)
    return _recover(domain, keccak(_words(keccak(_ENVELOPE_TYPE), contents, *wallet)), signature[:_ECDSA_BYTES])


def _order_struct(order: SignedOrder) -> bytes:
    fields: tuple[int | bytes, ...] = (
        order.salt,
        _address(order.maker),
        _address(order.signer),
        int(order.token_id),
        int(order.maker_amount),
        int(order.taker_amount),
        SIDE_CODES[order.side],
        order.signature_type,
        int(order.timestamp),
        _bytes32(order.metadata),
        _bytes32(order.builder),
    )
    return keccak(_words(keccak(_ORDER_TYPE), *fields))


def _domain(version: bytes, contract: str) -> bytes:
    fields = (keccak(_EXCHANGE_NAME), keccak(version), CHAIN_ID, _address(contract))
    return keccak(_words(keccak(_DOMAIN_TYPE), *fields))


def _words(*values: int | bytes) -> bytes:
    """ABI words: integers to 32 bytes, hashes as they are. Raises ValueError on an integer out of range."""
    return b"".join(value if isinstance(value, bytes) else _word(value) for value in values)


def _word(value: int) -> bytes:
    if not 0 <= value < 1 << 256:
        raise ValueError("integer does not fit uint256")
    return value.to_bytes(32, "big")


def _address(text: str) -> int:
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) != 20:
        raise ValueError("not an address")
    return int.from_bytes(raw, "big")


def _bytes32(text: str) -> bytes:
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) != 32:
        raise ValueError("not 32 bytes")
    return raw


def _unhex(text: str) -> bytes | None:
    try:
        return binascii.unhexlify(text.removeprefix("0x"))
    except (binascii.Error, ValueError):
        return None


def _recover(domain: bytes, struct_hash: bytes, signature: bytes) -> str | None:
    # Imported late: eth-account brings some 25 MB, and a process that only lists markets never needs it.
    from eth_account import Account
    from eth_account.messages import SignableMessage
    from eth_keys.exceptions import BadSignature

    if len(signature) != _ECDSA_BYTES:
        return None
    message = SignableMessage(b"\x01", domain, struct_hash)
    try:
        return str(Account.recover_message(message, signature=signature)).lower()
    except (BadSignature, ValueError):
        return None
