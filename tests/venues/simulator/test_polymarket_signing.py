"""The simulator's signature checks against the published and cross-checked vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from venues.simulator.polymarket_signing import (
    SignedOrder,
    clob_auth_signer,
    exchange_domain,
    order_id,
    order_signer,
    request_hmac,
)

VECTORS = "venues/polymarket/samples/signing/signing_vectors.json"
NEG_RISK_EXCHANGE = "0xe2222d279d744050d28e00520010520000310F59"


@pytest.fixture
def vectors(shared: Path) -> dict[str, Any]:
    return dict(json.loads((shared / VECTORS).read_bytes()))


def our_chain(vectors: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in vectors["vectors"] if each["chainId"] == 137]


def signed_order(vector: dict[str, Any]) -> SignedOrder:
    order = vector["order"]
    wire = order | {"salt": int(order["salt"]), "side": ("BUY", "SELL")[order["side"]]}
    return msgspec.convert(wire | {"signature": vector["signature"]}, SignedOrder)


def domain_of(vector: dict[str, Any]) -> bytes:
    is_neg_risk = vector["verifyingContract"] == NEG_RISK_EXCHANGE
    return exchange_domain(is_v3=vector["domainVersion"] == "3", is_neg_risk=is_neg_risk)


def test_order_ids_and_signers_of_every_vector_reproduce(vectors: dict[str, Any]) -> None:
    for vector in our_chain(vectors):
        order, domain = signed_order(vector), domain_of(vector)
        assert order_id(order, domain) == vector["order_id"], vector["name"]
        assert order_signer(order, domain) == vectors["address"].lower(), vector["name"]


def test_an_order_signed_for_another_exchange_has_another_signer(vectors: dict[str, Any]) -> None:
    vector = our_chain(vectors)[0]
    foreign = exchange_domain(is_v3=False, is_neg_risk=True)
    assert order_signer(signed_order(vector), foreign) != vectors["address"].lower()


def test_a_deposit_wallet_envelope_for_another_exchange_is_refused(vectors: dict[str, Any]) -> None:
    vector = next(each for each in our_chain(vectors) if "1271" in each["name"])
    assert order_signer(signed_order(vector), exchange_domain(is_v3=False, is_neg_risk=True)) is None


@pytest.mark.parametrize("signature", ["", "0x", "0xzz", "0x" + "00" * 65, "0x1234"])
def test_a_broken_signature_has_no_signer(vectors: dict[str, Any], signature: str) -> None:
    vector = our_chain(vectors)[0]
    order = msgspec.structs.replace(signed_order(vector), signature=signature)
    assert order_signer(order, domain_of(vector)) is None


def test_a_login_signature_names_its_wallet(vectors: dict[str, Any]) -> None:
    login = next(each for each in vectors["clob_auth"] if each["chainId"] == 137)
    fields = {"timestamp": login["timestamp"], "signature": login["signature"], "address": vectors["address"]}
    assert clob_auth_signer(nonce=login["nonce"], **fields) == vectors["address"].lower()
    assert clob_auth_signer(nonce=login["nonce"] + 1, **fields) != vectors["address"].lower()


def test_request_signatures_reproduce(vectors: dict[str, Any]) -> None:
    for each in vectors["l2_hmac"]:
        body = (each["body"] or "").encode()
        made = request_hmac(
            each["secret"], timestamp=each["timestamp"], method=each["method"], path=each["path"], body=body
        )
        assert made == each["signature"]
