"""Where a key's money lies: the contract wallets that Polymarket's factories on Polygon deploy for a signer (CREATE2).

An address is keccak(0xff ‖ factory ‖ salt ‖ keccak(init code))[12:]; the official SDK derives it the same way and takes
any other address for somebody else's wallet. Source: Polymarket/py-sdk 0.14.0, `PRODUCTION.wallet_derivation`;
factories also in polymarket/FACTS §3.7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eth_hash.auto import keccak

EOA, POLY_PROXY, GNOSIS_SAFE, POLY_1271 = range(4)

_PROXY_FACTORY = "aB45c5A4B0c941a2F231C04C3f49182e1A254052"
_PROXY_IMPLEMENTATION = "44e999d5c2F66Ef0861317f9A4805AC2e90aEB4f"
_SAFE_FACTORY = "aacFeEa03eb1561C4e67d661e40682Bd20E3541b"
_SAFE_INIT_CODE_HASH = "2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf"
_DEPOSIT_FACTORY = "00000000000Fb5C9ADea0298D729A0CB3823Cc07"
_DEPOSIT_BEACON = "7A18EDfe055488A3128f01F563e5B479D92ffc3a"

_PROXY_HEAD = "3d3d606380380380913d393d73"
_PROXY_MIDDLE = "5af4602a57600080fd5b602d8060366000396000f3363d3d373d3d3d363d73"
_PROXY_TAIL = "5af43d82803e903d91602b57fd5bf352e831dd"

# An ERC-1967 beacon proxy; the first ten bytes carry the length of the constructor's arguments.
_BEACON_HEAD = 0x6100523D8160233D3973
_BEACON_BODY = (
    "60195155f3363d3d373d3d363d602036600436635c60da"
    "1b60e01b36527fa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6c"
    "b3582b35133d50545afa5036515af43d6000803e604d573d6000fd5b3d6000f3"
)


def funder_address(signer: str, signature_type: int) -> str:
    """The checksummed address that holds the money of this signer's wallet: the signer itself for type 0.

    Raises ValueError for a signature type outside 0..3.
    """
    from eth_utils.address import to_checksum_address

    if signature_type == EOA:
        return signer
    derive = _DERIVATIONS.get(signature_type)
    if derive is None:
        raise ValueError(f"signature_type {signature_type} is not one of 0, 1, 2, 3")
    return str(to_checksum_address(derive(bytes.fromhex(signer.removeprefix("0x")))))


def _proxy(signer: bytes) -> bytes:
    code = _PROXY_HEAD + _PROXY_FACTORY + _PROXY_MIDDLE + _PROXY_IMPLEMENTATION + _PROXY_TAIL
    init_code = bytes.fromhex(code) + (32).to_bytes(32, "big") + bytes(32)
    return _create2(_PROXY_FACTORY, salt=keccak(signer), init_code_hash=keccak(init_code))


def _safe(signer: bytes) -> bytes:
    return _create2(
        _SAFE_FACTORY, salt=keccak(signer.rjust(32, b"\0")), init_code_hash=bytes.fromhex(_SAFE_INIT_CODE_HASH)
    )


def _deposit_wallet(signer: bytes) -> bytes:
    arguments = bytes.fromhex(_DEPOSIT_FACTORY).rjust(32, b"\0") + signer.rjust(32, b"\0")
    head = (_BEACON_HEAD + (len(arguments) << 56)).to_bytes(10, "big")
    init_code = head + bytes.fromhex(_DEPOSIT_BEACON + _BEACON_BODY) + arguments
    return _create2(_DEPOSIT_FACTORY, salt=keccak(arguments), init_code_hash=keccak(init_code))


def _create2(factory: str, *, salt: bytes, init_code_hash: bytes) -> bytes:
    return keccak(b"\xff" + bytes.fromhex(factory) + salt + init_code_hash)[12:]


_DERIVATIONS: Mapping[int, Callable[[bytes], bytes]] = {
    POLY_PROXY: _proxy,
    GNOSIS_SAFE: _safe,
    POLY_1271: _deposit_wallet,
}
