"""Addresses of the API of halts."""

from __future__ import annotations

from django.urls import path

from risk import api

urlpatterns = [
    path("halts", api.HaltListView.as_view(), name="api-halts"),
    path("halts/<uuid:uid>/resume", api.HaltResumeView.as_view(), name="api-halt-resume"),
    path("stops", api.StopListView.as_view(), name="api-stops"),
    path("stops/<uuid:uid>", api.StopDetailView.as_view(), name="api-stop"),
]
