"""Addresses of the trader's API."""

from __future__ import annotations

from django.urls import path

from trading import api

urlpatterns = [
    path("bot/status", api.BotStatusView.as_view(), name="api-bot-status"),
    path("bot/start", api.BotStartView.as_view(), name="api-bot-start"),
    path("bot/stop", api.BotStopView.as_view(), name="api-bot-stop"),
    path("orders", api.OrderListView.as_view(), name="api-orders"),
    path("orders/<uuid:uid>", api.OrderDetailView.as_view(), name="api-order"),
    path("positions", api.PositionListView.as_view(), name="api-positions"),
    path("fills", api.FillListView.as_view(), name="api-fills"),
    path("decisions", api.DecisionListView.as_view(), name="api-decisions"),
    path("settings/sports", api.SportConfigListView.as_view(), name="api-sports"),
    path("settings/sports/<slug:league>", api.SportConfigView.as_view(), name="api-sport"),
]
