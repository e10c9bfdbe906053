"""The API of reconciliation: ask for a comparison, see what was found, and decide on it with a reason."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django_filters import rest_framework as filters  # type: ignore[import-untyped]
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.selectors import accounts_of
from core.api import ErrorSerializer
from core.errors import NotFound
from trading import access
from trading.api import OwnList, user_of
from trading.models import Finding, OrphanedOrder, ReconciliationRun
from trading.selectors import reconciliation as selectors
from trading.serializers import (
    DifferenceDismissSerializer,
    FindingSerializer,
    OrphanSerializer,
    ReconcileSerializer,
    ReconciliationSerializer,
    ResolveSerializer,
)
from trading.services.orphans import OrphanAction, orphan_resolve
from trading.services.reconciliation import finding_dismiss, reconciliation_ask

REFUSALS = {400: ErrorSerializer, 404: ErrorSerializer, 409: ErrorSerializer}


class RunFilter(filters.FilterSet):  # type: ignore[misc]
    class Meta:
        model = ReconciliationRun
        fields: ClassVar = ["outcome", "trigger"]


class OrphanFilter(filters.FilterSet):  # type: ignore[misc]
    class Meta:
        model = OrphanedOrder
        fields: ClassVar = ["state", "market_id"]


class FindingFilter(filters.FilterSet):  # type: ignore[misc]
    class Meta:
        model = Finding
        fields: ClassVar = ["state", "kind", "market_id"]


class ReconcileView(APIView):
    """Asks for a comparison of one's accounts with their venues; it is read in `/api/reconciliations`."""

    @extend_schema(
        request=ReconcileSerializer,
        responses={202: ReconciliationSerializer(many=True), 400: ErrorSerializer, 404: ErrorSerializer},
    )
    def post(self, request: Request) -> Response:
        asked = ReconcileSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user, wanted = user_of(request), asked.validated_data.get("account")
        accounts = [row for row in accounts_of(user, mode=settings.TRADING_MODE) if wanted in (None, row.uid)]
        if not accounts:
            raise NotFound
        runs = [reconciliation_ask(venue_account=row, actor=user.email) for row in accounts]
        return Response(ReconciliationSerializer(runs, many=True).data, status=202)


class ReconciliationListView(OwnList):
    """Newest first."""

    queryset = ReconciliationRun.objects.none()
    serializer_class = ReconciliationSerializer
    filterset_class = RunFilter
    selector = staticmethod(selectors.runs_for)


class OrphanListView(OwnList):
    """Orders at a venue that are ours and not in our books, newest first."""

    queryset = OrphanedOrder.objects.none()
    serializer_class = OrphanSerializer
    filterset_class = OrphanFilter
    selector = staticmethod(selectors.orphans_for)


class OrphanResolveView(APIView):
    """Adopt it, have the trader close it at the venue, or say that it is not ours."""

    @extend_schema(request=ResolveSerializer, responses={200: OrphanSerializer, **REFUSALS})
    def post(self, request: Request, uid: UUID) -> Response:
        asked = ResolveSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = user_of(request)
        orphan = access.get_orphan_for(user, uid)
        action, reason = OrphanAction(asked.validated_data["action"]), asked.validated_data["reason"]
        row = orphan_resolve(orphan=orphan, action=action, reason=reason, actor=user.email)
        return Response(OrphanSerializer(row).data)


class FindingListView(OwnList):
    """Differences between our books and a venue's, newest first."""

    queryset = Finding.objects.none()
    serializer_class = FindingSerializer
    filterset_class = FindingFilter
    selector = staticmethod(selectors.findings_for)


class FindingDismissView(APIView):
    """Say why a difference is well as it is; the same gap is not found again."""

    @extend_schema(request=DifferenceDismissSerializer, responses={200: FindingSerializer, **REFUSALS})
    def post(self, request: Request, uid: UUID) -> Response:
        asked = DifferenceDismissSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = user_of(request)
        finding = access.get_finding_for(user, uid)
        row = finding_dismiss(finding=finding, reason=asked.validated_data["reason"], actor=user.email)
        return Response(FindingSerializer(row).data)
