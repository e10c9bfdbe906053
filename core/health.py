"""What is up. Each app adds a probe for its part in its `AppConfig.ready`; a probe says how its part is in a word.

200 as long as the web part and its database work: a trader that is stopped is a fact to show, not an outage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError, connection
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Reading(NamedTuple):
    """`is_well` False marks the part; the answer turns 503 only when a vital part is not well."""

    is_well: bool
    detail: str = ""
    is_vital: bool = False


_probes: dict[str, Callable[[], Reading]] = {}


def register_probe(name: str, probe: Callable[[], Reading]) -> None:
    _probes[name] = probe


def read_all() -> dict[str, Reading]:
    """Every part's reading. Without a database the other probes have nothing to read."""
    database = _read_database()
    if not database.is_well:
        return {"database": database}
    return {"database": database, **{name: probe() for name, probe in _probes.items()}}


def _read_database() -> Reading:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as problem:
        return Reading(False, type(problem).__name__, is_vital=True)
    return Reading(True, connection.vendor, is_vital=True)


class SubsystemSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    is_well = serializers.BooleanField()
    detail = serializers.CharField()


class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["ok", "degraded", "down"])
    mode = serializers.CharField()
    subsystems = SubsystemSerializer(many=True)


class HealthView(APIView):
    """For load balancers and people; needs no login and shows nothing about users."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []
    throttle_classes: list[Any] = []

    @extend_schema(responses={200: HealthSerializer, 503: HealthSerializer})
    def get(self, _request: Request) -> Response:
        readings = read_all()
        is_down = any(reading.is_vital and not reading.is_well for reading in readings.values())
        is_ok = all(reading.is_well for reading in readings.values())
        parts = [{"name": name, "is_well": r.is_well, "detail": r.detail} for name, r in readings.items()]
        body = {"status": "down" if is_down else "ok" if is_ok else "degraded", "mode": settings.TRADING_MODE}
        return Response({**body, "subsystems": parts}, status=503 if is_down else 200)
