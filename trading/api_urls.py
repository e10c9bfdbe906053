"""Addresses of the trader's API."""

from __future__ import annotations

from django.urls import path

from trading import api, api_reconciliation

urlpatterns = [
    path("bot/status", api.BotStatusView.as_view(), name="api-bot-status"),
    path("bot/start", api.BotStartView.as_view(), name="api-bot-start"),
    path("bot/stop", api.BotStopView.as_view(), name="api-bot-stop"),
    path("orders", api.OrderListView.as_view(), name="api-orders"),
    path("orders/<uuid:uid>", api.OrderDetailView.as_view(), name="api-order"),
    path("positions", api.PositionListView.as_view(), name="api-positions"),
    path("fills", api.FillListView.as_view(), name="api-fills"),
    path("decisions", api.DecisionListView.as_view(), name="api-decisions"),
    path("reconcile", api_reconciliation.ReconcileView.as_view(), name="api-reconcile"),
    path("reconciliations", api_reconciliation.ReconciliationListView.as_view(), name="api-reconciliations"),
    path("orphans", api_reconciliation.OrphanListView.as_view(), name="api-orphans"),
    path("orphans/<uuid:uid>/resolve", api_reconciliation.OrphanResolveView.as_view(), name="api-orphan-resolve"),
    path("findings", api_reconciliation.FindingListView.as_view(), name="api-findings"),
    path("findings/<uuid:uid>/dismiss", api_reconciliation.FindingDismissView.as_view(), name="api-finding-dismiss"),
    path("settings/sports", api.SportConfigListView.as_view(), name="api-sports"),
    path("settings/sports/<slug:league>", api.SportConfigView.as_view(), name="api-sport"),
]
