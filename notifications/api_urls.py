"""Addresses of the alerts API."""

from __future__ import annotations

from django.urls import path

from notifications import api

urlpatterns = [
    path("alerts", api.AlertListView.as_view(), name="api-alerts"),
    path("alerts/<uuid:uid>/seen", api.AlertSeenView.as_view(), name="api-alert-seen"),
]
