"""WebSocket addresses of the trader's pages: `/ws` before the address of the page."""

from __future__ import annotations

from django.urls import path

from trading import consumers

websocket_urlpatterns = [
    path("ws/", consumers.DashboardConsumer.as_asgi()),
    path("ws/games/<uuid:uid>/", consumers.GameConsumer.as_asgi()),
    path("ws/positions/", consumers.PositionsConsumer.as_asgi()),
    path("ws/orders/", consumers.OrdersConsumer.as_asgi()),
    path("ws/orders/<uuid:uid>/", consumers.OrderConsumer.as_asgi()),
    path("ws/fills/", consumers.FillsConsumer.as_asgi()),
    path("ws/decisions/", consumers.DecisionsConsumer.as_asgi()),
]
