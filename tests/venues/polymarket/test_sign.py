"""Every recorded signing vector reproduces; what we derive equals what eth-account derives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from venues.polymarket import sign
from venues.polymarket.eip712 import StructType, digest, domain_separator

SAMPLES = "venues/polymarket/samples"
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


@pytest.fixture(scope="module")
def vectors(shared: Path) -> Any:
    return json.loads((shared / SAMPLES / "signing/signing_vectors.json").read_text())


def order_of(fields: dict[str, Any]) -> sign.OrderStruct:
    return sign.OrderStruct(
        salt=int(fields["salt"]),
        maker=fields["maker"],
        signer=fields["signer"],
        token_id=int(fields["tokenId"]),
        maker_amount=int(fields["makerAmount"]),
        taker_amount=int(fields["takerAmount"]),
        side=fields["side"],
        signature_type=fields["signatureType"],
        timestamp_ms=int(fields["timestamp"]),
        metadata=fields["metadata"],
        builder=fields["builder"],
    )


def test_every_v2_and_v3_order_vector_reproduces(vectors: Any) -> None:
    checked = 0
    for vector in vectors["vectors"]:
        if vector["domainVersion"] == "1":
            continue
        exchange = sign.Exchange(vector["domainVersion"], vector["verifyingContract"], vector["chainId"])
        order = order_of(vector["order"])
        assert exchange.separator.hex() == vector["appDomainSeparator"][2:]
        assert order.struct_hash().hex() == vector.get("structHash", vector.get("contentsHash"))[2:]
        assert sign.order_hash(order, exchange) == vector["order_id"], vector["name"]
        assert sign.sign_order(order, exchange, vectors["key"]) == vector["signature"], vector["name"]
        if "envelopeDigest" in vector:
            assert sign.envelope_digest(order, exchange).hex() == vector["envelopeDigest"][2:]
        checked += 1
    assert checked == 10


def test_the_published_v1_vector_reproduces_with_the_same_encoder(vectors: Any) -> None:
    (vector,) = [vector for vector in vectors["vectors"] if vector["domainVersion"] == "1"]
    values = {name: _number(value) for name, value in vector["order"].items()}
    separator = domain_separator(
        name="Polymarket CTF Exchange", version="1", chain_id=80002, contract=vector["verifyingContract"]
    )
    order_digest = digest(separator, StructType(vectors["order_type_string_v1"]).hash(values))
    assert "0x" + order_digest.hex() == vector["order_id"]
    assert "0x" + sign.sign_digest(order_digest, vectors["key"]).hex() == vector["signature"]


def _number(value: str | int) -> str | int:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def test_type_hashes_and_address_are_the_recorded_ones(vectors: Any) -> None:
    assert vectors["order_type_string_v2v3"] == sign.ORDER_TYPE
    assert "0x" + StructType(sign.ORDER_TYPE).type_hash.hex() == vectors["typehash_v2v3"]
    assert "0x" + StructType(vectors["order_type_string_v1"]).type_hash.hex() == vectors["typehash_v1"]
    assert sign.address_of(vectors["key"]) == vectors["address"]


def test_every_clob_auth_vector_reproduces(vectors: Any) -> None:
    for vector in vectors["clob_auth"]:
        headers = sign.clob_auth_headers(
            vectors["key"],
            timestamp_s=int(vector["timestamp"]),
            nonce=vector["nonce"],
            chain_id=vector["chainId"],
        )
        assert headers["POLY_SIGNATURE"] == vector["signature"]
        assert headers["POLY_ADDRESS"] == vectors["address"]


def test_every_hmac_vector_reproduces(vectors: Any) -> None:
    for vector in vectors["l2_hmac"]:
        signature = sign.hmac_signature(
            vector["secret"],
            timestamp_s=int(vector["timestamp"]),
            method=vector["method"],
            path=vector["path"],
            body=vector["body"].encode() if vector["body"] else None,
        )
        assert signature == vector["signature"]


def test_the_query_is_not_part_of_a_private_request_signature() -> None:
    secret = "A" * 43 + "="
    with_query = sign.hmac_signature(secret, timestamp_s=1, method="GET", path="/data/orders?market=0x1", body=None)
    assert with_query == sign.hmac_signature(secret, timestamp_s=1, method="GET", path="/data/orders", body=None)


@pytest.mark.parametrize(
    ("version", "neg_risk", "domain", "contract_start"),
    [
        ("v1", False, "2", "0xE111"),
        ("v1", True, "2", "0xe2222d27"),
        ("v2", False, "3", "0xe3333"),
        ("v2", True, "3", "0xe3333"),
    ],
)
def test_the_market_version_and_neg_risk_choose_the_exchange(
    version: str, neg_risk: bool, domain: str, contract_start: str
) -> None:
    exchange = sign.exchange_for(version=version, neg_risk=neg_risk)
    assert exchange.domain_version == domain
    assert exchange.contract.startswith(contract_start)


@given(st.text(min_size=1, max_size=64))
def test_a_salt_fits_a_json_number_and_follows_from_the_client_id(client_order_id: str) -> None:
    assert 0 <= sign.salt_of(client_order_id) < 2**53
    assert sign.salt_of(client_order_id) == sign.salt_of(client_order_id)


@given(
    salt=st.integers(0, 2**53 - 1),
    token=st.integers(0, 2**256 - 1),
    maker_amount=st.integers(1, 10**15),
    taker_amount=st.integers(1, 10**15),
    side=st.sampled_from([0, 1]),
    timestamp=st.integers(0, 2**43),
)
def test_hash_and_signature_equal_those_of_eth_account(
    salt: int, token: int, maker_amount: int, taker_amount: int, side: int, timestamp: int
) -> None:
    address = sign.address_of(KEY)
    order = sign.OrderStruct(
        salt=salt,
        maker=address,
        signer=address,
        token_id=token,
        maker_amount=maker_amount,
        taker_amount=taker_amount,
        side=side,
        signature_type=0,
        timestamp_ms=timestamp,
    )
    exchange = sign.exchange_for(version="v1", neg_risk=False)
    signed = Account.sign_message(encode_typed_data(full_message=_typed(order, exchange)), KEY)
    assert sign.order_hash(order, exchange) == "0x" + signed.message_hash.hex()
    assert sign.sign_order(order, exchange, KEY) == "0x" + signed.signature.hex()


def _typed(order: sign.OrderStruct, exchange: sign.Exchange) -> dict[str, Any]:
    fields = sign.ORDER_TYPE[len("Order(") : -1].split(",")
    domain = ["string name", "string version", "uint256 chainId", "address verifyingContract"]
    return {
        "primaryType": "Order",
        "types": {"EIP712Domain": _members(domain), "Order": _members(fields)},
        "domain": {
            "name": "Polymarket CTF Exchange",
            "version": exchange.domain_version,
            "chainId": exchange.chain_id,
            "verifyingContract": exchange.contract,
        },
        "message": {
            "salt": order.salt,
            "maker": order.maker,
            "signer": order.signer,
            "tokenId": order.token_id,
            "makerAmount": order.maker_amount,
            "takerAmount": order.taker_amount,
            "side": order.side,
            "signatureType": order.signature_type,
            "timestamp": order.timestamp_ms,
            "metadata": bytes.fromhex(order.metadata[2:]),
            "builder": bytes.fromhex(order.builder[2:]),
        },
    }


def _members(fields: list[str]) -> list[dict[str, str]]:
    return [{"type": kind, "name": name} for kind, name in (field.split(" ") for field in fields)]


def test_a_wallet_never_prints_its_secrets() -> None:
    wallet = sign.PolymarketWallet(
        private_key=KEY, signature_type=0, funder="0x1", api_key="k", secret="hidden-secret", passphrase="hidden-phrase"
    )
    assert "hidden" not in repr(wallet) and KEY[4:20] not in repr(wallet) and "hidden" not in str(wallet)
