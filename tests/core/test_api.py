"""The API's envelope, its health and its document."""

from __future__ import annotations

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from core.errors import CODES, DomainError

pytestmark = pytest.mark.django_db


def test_health_needs_no_login_and_names_its_subsystems(client: Client):
    answer = client.get("/api/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert {part["name"] for part in answer.json()["subsystems"]} >= {"database", "trader"}


def test_a_stranger_gets_the_envelope_and_a_challenge(client: Client):
    answer = client.get("/api/orders")
    assert answer.status_code == 401
    assert set(answer.json()) == {"code", "message", "extra"}
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_the_document_is_valid_and_has_every_promised_address(client: Client):
    schema = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(schema)
    promised = {
        "/api/auth/register", "/api/auth/login", "/api/auth/refresh", "/api/auth/logout", "/api/auth/me",
        "/api/bot/status", "/api/bot/start", "/api/bot/stop", "/api/games", "/api/orders", "/api/positions",
        "/api/fills", "/api/decisions", "/api/alerts", "/api/settings/sports", "/api/health",
    }  # fmt: skip
    assert promised <= set(schema["paths"])


def test_an_error_without_a_documented_code_cannot_be_raised():
    with pytest.raises(KeyError):
        DomainError("made_up")
    assert all(text.endswith(".") for text in CODES.values())


def test_every_answer_carries_the_headers_of_a_careful_site(client: Client):
    answer = client.get("/api/health")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "same-origin"
