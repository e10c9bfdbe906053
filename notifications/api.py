"""/api/alerts of the signed-in user."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications import selectors, services
from notifications.models import Alert


class AlertSerializer(serializers.ModelSerializer[Alert]):
    class Meta:
        model = Alert
        fields: ClassVar = [
            "uid",
            "level",
            "code",
            "title",
            "body",
            "subject_type",
            "subject_uid",
            "extra",
            "created_at",
            "seen_at",
        ]


class AlertListView(generics.ListAPIView[Alert]):
    """Newest first."""

    queryset = Alert.objects.none()
    serializer_class = AlertSerializer
    filter_backends = []

    def get_queryset(self) -> QuerySet[Alert]:
        return selectors.alerts_of(self.request.user)


class AlertSeenView(APIView):
    """Marks one alert as seen."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, uid: UUID | str) -> Response:
        alert = selectors.get_alert_for(request.user, uid)
        services.alert_mark_seen(alert=alert, actor=request.user.get_username())
        return Response(status=204)
