"""Pages of alerts."""

from __future__ import annotations

from django.urls import path

from notifications import views

urlpatterns = [
    path("alerts/", views.alerts, name="alerts"),
    path("alerts/seen/", views.alerts_seen, name="alerts-seen"),
]
