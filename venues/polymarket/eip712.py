"""EIP-712 hashing of flat structs: domain separator, struct hash, digest. Own encoding, one keccak per struct.

https://eips.ethereum.org/EIPS/eip-712. Only the atomic types this venue signs are known (uintN, address, bytes32) plus
string; a struct is described by its type text, so the text that is hashed and the encoding cannot drift apart.
The hash library is imported on first use: processes that never sign do not pay for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

Value = int | str | bytes


def keccak(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it (not SHA3-256)."""
    return _hasher()(data)


class StructType:
    """A struct described by its EIP-712 text `Name(type field,…)` plus, for nested ones, the texts it refers to."""

    __slots__ = ("_fields", "text", "type_hash")

    def __init__(self, text: str) -> None:
        self.text = text
        self.type_hash = keccak(text.encode())
        inner = text[text.index("(") + 1 : text.index(")")]
        self._fields = tuple((kind, name) for kind, name in (part.split(" ") for part in inner.split(",")))

    def hash(self, values: Mapping[str, Value]) -> bytes:
        """`hashStruct`: keccak of the type hash and one word per field. A nested struct is given as its hash."""
        words = [_word(kind, values[name]) for kind, name in self._fields]
        return keccak(self.type_hash + b"".join(words))


def digest(domain_separator: bytes, struct_hash: bytes) -> bytes:
    """What is signed, and for an order also its id."""
    return keccak(b"\x19\x01" + domain_separator + struct_hash)


@functools.cache
def domain_separator(*, name: str, version: str, chain_id: int, contract: str | None) -> bytes:
    """`contract=None` for a domain without a verifying contract (ClobAuth)."""
    tail = ",address verifyingContract" if contract is not None else ""
    kind = StructType(f"EIP712Domain(string name,string version,uint256 chainId{tail})")
    values: dict[str, Value] = {"name": name, "version": version, "chainId": chain_id}
    if contract is not None:
        values["verifyingContract"] = contract
    return kind.hash(values)


def _word(kind: str, value: Value) -> bytes:
    """32 bytes of one field. A struct-typed field takes the nested struct's hash."""
    if isinstance(value, int):
        return value.to_bytes(32)
    if kind == "string":
        return keccak(value.encode() if isinstance(value, str) else value)
    raw = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else value
    if len(raw) != (20 if kind == "address" else 32):
        raise ValueError(f"{kind} has {len(raw)} bytes")
    return raw.rjust(32, b"\0")


@functools.cache
def _hasher() -> Callable[[bytes], bytes]:
    from Crypto.Hash import keccak as implementation

    return lambda data: implementation.new(digest_bits=256, data=data).digest()
