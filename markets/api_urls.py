"""Addresses of the games API."""

from __future__ import annotations

from django.urls import path

from markets import api

urlpatterns = [
    path("games", api.GameListView.as_view(), name="api-games"),
    path("games/<uuid:uid>", api.GameDetailView.as_view(), name="api-game"),
]
