"""No secret reaches a log, whatever its name or shape, however deep it lies."""

from __future__ import annotations

import json
import logging

import structlog

from core.logs import redact

CANARY_PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEcanary\n-----END RSA PRIVATE KEY-----"
CANARY_ETH = "0x" + "4f" * 32
CANARY_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"


def redacted(**event: object) -> str:
    return json.dumps(redact(None, "info", dict(event)), default=str)


def test_values_under_a_secrets_name_are_masked_at_any_depth():
    line = redacted(
        password="hunter22", api_key="k-1", headers={"Authorization": "Bearer abc", "KALSHI-ACCESS-SIGNATURE": "sig"},
        items=[{"refresh_token": "r-1"}], session_key="s-1", passphrase="p-1", private_key=b"raw",
    )  # fmt: skip
    for secret in ("hunter22", "k-1", "abc", "sig", "r-1", "s-1", "p-1", "raw"):
        assert f'"{secret}"' not in line


def test_text_in_the_shape_of_a_key_or_token_is_masked_under_any_name():
    line = redacted(event=f"sent {CANARY_PEM} and {CANARY_JWT}", note=CANARY_ETH, why="Authorization: Bearer xyz123")
    for secret in ("MIIEcanary", "canary", CANARY_ETH[4:], CANARY_JWT, "xyz123"):
        assert secret not in line


def test_what_is_no_secret_stays():
    line = redacted(event="order_acknowledged", order="cs1-abc", price_u=420_000, tokens_left=3, is_secret=False)
    assert "order_acknowledged" in line and "cs1-abc" in line and "420000" in line


def test_records_of_libraries_take_the_same_road(capsys):
    logging.getLogger("some.library").error("failed with Bearer canary-token")
    structlog.get_logger("ours").error("call_failed", password="canary-password")
    err = capsys.readouterr().err
    assert "canary-token" not in err and "canary-password" not in err


def test_an_exception_is_logged_without_the_secret_it_carries(capsys):
    try:
        raise ValueError(f"bad key {CANARY_PEM}")
    except ValueError:
        structlog.get_logger("ours").exception("call_failed")
    assert "MIIEcanary" not in capsys.readouterr().err


def test_a_market_named_by_a_hash_keeps_its_name():
    condition = "polymarket:0x" + "ab" * 32
    assert condition in redacted(event="order_decided", market=condition)
