"""The API's envelope: one shape for every error, one for every page of a list, one field type for amounts.

Invariant: every error answer is `{"code", "message", "extra"}` with a code of `core.errors.CODES`.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core.errors import CODES, DomainError
from core.money import plain_text


class Pages(PageNumberPagination):
    """`{"count", "next", "previous", "results"}`, newest first; `?page=` and `?page_size=` up to 200."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class AmountField(serializers.IntegerField):
    """Millionths in the database, a decimal string in the API: 425_000 → "0.425"."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"read_only": True, **options})

    def to_representation(self, value: Any) -> Any:
        return plain_text(int(value))


class ErrorSerializer(serializers.Serializer[Any]):
    """For the schema only."""

    code = serializers.CharField()
    message = serializers.CharField()
    extra = serializers.DictField()


def error_body(code: str, message: str = "", extra: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"code": code, "message": message or CODES[code], "extra": extra or {}}


def exception_handler(problem: Exception, _context: dict[str, Any]) -> Response | None:
    """Renders what services and DRF raise. Anything else is a bug: None lets Django answer 500 and log it."""
    set_rollback()
    if isinstance(problem, DomainError):
        return Response(error_body(problem.code, problem.message, problem.extra), status=problem.status)
    if isinstance(problem, Http404):
        return Response(error_body("not_found"), status=404)
    if isinstance(problem, PermissionDenied):
        return Response(error_body("not_allowed"), status=403)
    if isinstance(problem, exceptions.APIException):
        return _from_drf(problem)
    return None


def _from_drf(problem: exceptions.APIException) -> Response:
    headers = {}
    extra: dict[str, Any] = {}
    if (wait_s := getattr(problem, "wait", None)) is not None:
        extra["retry_after_s"] = int(wait_s) + 1
        headers["Retry-After"] = str(int(wait_s) + 1)
    if isinstance(problem, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        if challenge := getattr(problem, "auth_header", ""):
            headers["WWW-Authenticate"] = challenge
        return Response(error_body("bad_token", str(problem.detail)), status=problem.status_code, headers=headers)
    if isinstance(problem, exceptions.ValidationError):
        return Response(error_body("invalid", extra={"fields": problem.detail}), status=400)
    return Response(error_body(_code_of(problem), str(problem.detail), extra), problem.status_code, headers=headers)


def _code_of(problem: exceptions.APIException) -> str:
    by_status = {403: "not_allowed", 404: "not_found", 429: "throttled"}
    return by_status.get(problem.status_code, "invalid")
