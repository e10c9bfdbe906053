"""/api/health: is it up, and which part is not well."""

from __future__ import annotations

from django.urls import path

from core.health import HealthView

urlpatterns = [path("health", HealthView.as_view(), name="health")]
