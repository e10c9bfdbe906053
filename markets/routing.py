"""WebSocket addresses of the games pages."""

from __future__ import annotations

from django.urls import path

from markets.consumers import GamesConsumer

websocket_urlpatterns = [path("ws/games/", GamesConsumer.as_asgi())]
