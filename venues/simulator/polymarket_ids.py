"""The ids of a Polymarket condition, derived as on chain, so that a client may recompute every one of them.

question id → condition id → collection id (a point on alt_bn128) → token id. Invariant: nothing here is drawn at
random; the same question gives the same ids for ever. Source: Gnosis conditional tokens `CTHelpers`; the oracles and
collaterals are those of Polygon mainnet (polymarket/FACTS §3.6).
"""

from __future__ import annotations

import msgspec
from eth_hash.auto import keccak

UMA_ADAPTER = "0x65070BE91477460D8A7AeEb94ef92fe056C2f2A7"
NEG_RISK_ADAPTER = "0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296"
USDC_E = "0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174"
WRAPPED_COLLATERAL = "0x3A3BD7bb9528E159577F7C2e685CC81A765002E2"

_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
_CURVE_B = 3
_BINARY_MODULE = 1
_NEG_RISK_MODULE = 2
_POSITION_ID_GAP = ((1 << 64) - 1) << 40


class MarketIds(msgspec.Struct, frozen=True):
    """All ids of one binary condition; index 0 is outcomes[0], which Courtside calls YES."""

    question_id: str
    condition_id: str
    token_ids: tuple[str, str]
    position_ids: tuple[str, str]
    neg_risk_market_id: str = ""


def binary_market_ids(question: str) -> MarketIds:
    """The ids of a stand-alone market (US moneylines); `question` is any text that names it uniquely."""
    return _market_ids(keccak(question.encode()), is_neg_risk=False)


def neg_risk_market_ids(event: str, index: int) -> MarketIds:
    """The ids of question `index` of a negative-risk group (soccer's three-way): the group's id with the index as
    its last byte."""
    question_id = keccak(event.encode())[:31] + bytes([index])
    return _market_ids(question_id, is_neg_risk=True)


def condition_id(oracle: str, question_id: bytes) -> bytes:
    return keccak(_address(oracle) + question_id + (2).to_bytes(32, "big"))


def token_id(collateral: str, condition: bytes, index_set: int) -> int:
    """The CTF position id; `index_set` 1 is outcomes[0], 2 is outcomes[1]."""
    return int.from_bytes(keccak(_address(collateral) + collection_id(condition, index_set)), "big")


def collection_id(condition: bytes, index_set: int) -> bytes:
    """Hash to a curve point and compress it: the x coordinate, with the parity of y in bit 254."""
    x = int.from_bytes(keccak(condition + index_set.to_bytes(32, "big")), "big")
    wants_odd = x >> 255 == 1
    x, y = _next_point(x)
    if (y % 2 == 1) != wants_odd:
        y = _FIELD - y
    return (x ^ (1 << 254) if y % 2 else x).to_bytes(32, "big")


def position_id(condition: bytes, index: int, *, is_neg_risk: bool) -> int:
    """The Protocol V2 id: module byte, low half of the condition id, 14 zero bytes, outcome index."""
    module = _NEG_RISK_MODULE if is_neg_risk else _BINARY_MODULE
    return int.from_bytes(bytes([module]) + condition[16:] + bytes(14) + bytes([index]), "big")


def is_position_id(token: int) -> bool:
    """True for a Protocol V2 position id, false for a CTF token id (chance of a mistake: 2^-64)."""
    return token & _POSITION_ID_GAP == 0


def _market_ids(question_id: bytes, *, is_neg_risk: bool) -> MarketIds:
    oracle = NEG_RISK_ADAPTER if is_neg_risk else UMA_ADAPTER
    collateral = WRAPPED_COLLATERAL if is_neg_risk else USDC_E
    condition = condition_id(oracle, question_id)
    return MarketIds(
        question_id="0x" + question_id.hex(),
        condition_id="0x" + condition.hex(),
        token_ids=(str(token_id(collateral, condition, 1)), str(token_id(collateral, condition, 2))),
        position_ids=(
            str(position_id(condition, 0, is_neg_risk=is_neg_risk)),
            str(position_id(condition, 1, is_neg_risk=is_neg_risk)),
        ),
        neg_risk_market_id="0x" + question_id[:31].hex() + "00" if is_neg_risk else "",
    )


def _next_point(x: int) -> tuple[int, int]:
    """The first curve point right of `x`: every second or so x has one, and a square root here is one power."""
    while True:
        x = (x + 1) % _FIELD
        square = (x * x * x + _CURVE_B) % _FIELD
        y = pow(square, (_FIELD + 1) // 4, _FIELD)
        if y * y % _FIELD == square:
            return x, y


def _address(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
