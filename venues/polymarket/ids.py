"""Condition, token and position ids, derived offline exactly as the contracts derive them.

Used to check what Gamma says before money depends on it: a market whose token ids do not follow from its condition id
is not traded. Conditional Tokens: https://github.com/gnosis/conditional-tokens-contracts (CTHelpers.sol).
"""

from __future__ import annotations

import functools

from venues.polymarket.constants import NEG_RISK_ADAPTER, UMA_ADAPTER, USDC_E, WRAPPED_COLLATERAL
from venues.polymarket.eip712 import keccak

_CURVE_P = 21888242871839275222246405745257275088696311157297823662689037894645226208583
_CURVE_B = 3
_ODD_Y_BIT = 1 << 254
_POSITION_ZEROS = ((1 << 64) - 1) << 40


def condition_id(question_id: str, *, neg_risk: bool, oracle: str | None = None) -> str:
    """keccak(oracle ‖ question ‖ 2). The oracle is UMA's or the negRisk adapter unless told (`resolvedBy`)."""
    adapter = oracle or (NEG_RISK_ADAPTER if neg_risk else UMA_ADAPTER)
    return "0x" + keccak(_raw(adapter) + _raw(question_id) + (2).to_bytes(32)).hex()


def token_ids(condition: str, *, neg_risk: bool) -> tuple[str, str]:
    """The CTF tokens of outcomes[0] and outcomes[1], as the venue's decimal texts."""
    collateral = _raw(WRAPPED_COLLATERAL if neg_risk else USDC_E)
    first, second = (keccak(collateral + _collection_id(_raw(condition), index_set)) for index_set in (1, 2))
    return str(int.from_bytes(first)), str(int.from_bytes(second))


def binary_position_ids(condition: str) -> tuple[str, str]:
    """Protocol-V2 ids of a binary market: 01 ‖ the condition id's last 16 bytes ‖ 14 zero bytes ‖ outcome."""
    base = int.from_bytes(b"\x01" + _raw(condition)[16:32] + bytes(15))
    return str(base), str(base + 1)


def is_position_id(asset_id: str) -> bool:
    """Whether an asset id has the shape of a Protocol-V2 position id (a CTF token id has it by chance once in 2^64)."""
    return int(asset_id) & _POSITION_ZEROS == 0


@functools.lru_cache(maxsize=4096)
def _collection_id(condition: bytes, index_set: int) -> bytes:
    """A point of alt_bn128 found by counting up from a hash; its top bit, the wanted y parity, goes into bit 254."""
    start = int.from_bytes(keccak(condition + index_set.to_bytes(32)))
    wants_odd_y = start >> 255 == 1
    x = start % _CURVE_P
    while True:
        x = (x + 1) % _CURVE_P
        y_squared = (pow(x, 3, _CURVE_P) + _CURVE_B) % _CURVE_P
        y = pow(y_squared, (_CURVE_P + 1) // 4, _CURVE_P)
        if y * y % _CURVE_P == y_squared:
            break
    return (x | _ODD_Y_BIT if wants_odd_y else x).to_bytes(32)


def _raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
