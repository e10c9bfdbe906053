"""Pages of risk."""

from __future__ import annotations

from django.urls import path

from risk import views

urlpatterns = [
    path("risk/", views.risk, name="risk"),
    path("risk/halt/", views.halt, name="risk-halt"),
    path("risk/resume/", views.resume, name="risk-resume"),
    path("risk/stops/<uuid:uid>/", views.stop, name="risk-stop"),
    path("risk/limits/<uuid:uid>/", views.limits, name="risk-limits"),
]
