"""The API of halts: stop, arm again, and the receipts of stops.

A person stops their own trading and arms it again; an operator (superuser) stops and arms any scope.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from core.errors import NotFound
from risk.access import get_halt_for, may_set
from risk.models import OWN, HaltScope, HaltState, KillSwitchEvent
from risk.selectors_pages import halts_for
from risk.selectors_receipts import get_stop_for, newest_stop, receipt_of, stops_for
from risk.serializers import HaltSerializer, HaltWishSerializer, ReasonSerializer, ReceiptSerializer
from risk.services import halt_resume, halt_set


def person(request: Request) -> User:
    """The signed-in user as a row (a token gives a lazy one)."""
    return User.objects.get(pk=request.user.pk or 0)


class HaltListView(APIView):
    """What stops the user's trading now; `POST` stops: 201 with the receipt, which fills within a second or two."""

    @extend_schema(responses=HaltSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(HaltSerializer(halts_for(person(request)), many=True).data)

    @extend_schema(request=HaltWishSerializer, responses={201: ReceiptSerializer})
    def post(self, request: Request) -> Response:
        asked, user = HaltWishSerializer(data=request.data), person(request)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        scope, key = may_set(user, HaltScope(wish["scope"]), wish["key"])
        halt = halt_set(
            scope=scope,
            scope_key=key,
            state=HaltState.HALTED,
            code=OWN if scope == HaltScope.USER and key == str(user.uid) else "manual",
            reason=wish["reason"],
            actor=user.email,
            flatten=wish["flatten"],
        )
        return Response(ReceiptSerializer(receipt_of(_newest(halt.pk), reader=user)).data, status=201)


class HaltResumeView(APIView):
    """Arms again what the user may arm. 409 `not_clean`: the books are not proven; 403 `second_person`."""

    @extend_schema(request=ReasonSerializer, responses=HaltSerializer)
    def post(self, request: Request, uid: UUID) -> Response:
        asked, user = ReasonSerializer(data=request.data), person(request)
        asked.is_valid(raise_exception=True)
        halt = get_halt_for(user, uid)
        by = None if user.is_superuser else user
        done = halt_resume(halt=halt, reason=asked.validated_data["reason"], actor=user.email, by=by)
        return Response(HaltSerializer(done).data)


class StopListView(generics.ListAPIView[Any]):
    """Receipts of stops, newest first."""

    queryset = KillSwitchEvent.objects.none()
    serializer_class = ReceiptSerializer
    filter_backends: list[Any] = []

    def get_queryset(self) -> QuerySet[KillSwitchEvent]:
        return stops_for(person(self.request))

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        if getattr(self, "swagger_fake_view", False):  # the schema is made without a person
            return ReceiptSerializer(*args, **kwargs)
        user = person(self.request)
        receipts = [receipt_of(event, reader=user) for event in (args[0] if args else ())]
        return ReceiptSerializer(receipts, **kwargs)


class StopDetailView(APIView):
    """One receipt; ask again until `is_over`."""

    @extend_schema(responses=ReceiptSerializer)
    def get(self, request: Request, uid: UUID) -> Response:
        return Response(ReceiptSerializer(get_stop_for(person(request), uid)).data)


def _newest(halt_pk: int) -> KillSwitchEvent:
    event = newest_stop(halt_pk)
    if event is None:
        raise NotFound
    return event
