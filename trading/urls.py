"""Pages of the trader."""

from __future__ import annotations

from django.urls import path

from trading import views, views_reconciliation, views_settings

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("games/<uuid:uid>/", views.game, name="game"),
    path("games/<uuid:uid>/chart.json", views.game_chart, name="game-chart"),
    path("positions/", views.positions, name="positions"),
    path("orders/", views.orders, name="orders"),
    path("orders/<uuid:uid>/", views.order, name="order"),
    path("fills/", views.fills, name="fills"),
    path("decisions/", views.decisions, name="decisions"),
    path("reconciliation/", views_reconciliation.reconciliation, name="reconciliation"),
    path("reconciliation/ask/", views_reconciliation.ask, name="reconciliation-ask"),
    path("reconciliation/orders/<uuid:uid>/", views_reconciliation.resolve, name="reconciliation-orphan"),
    path("reconciliation/findings/<uuid:uid>/", views_reconciliation.dismiss, name="reconciliation-finding"),
    path("settings/sports/", views_settings.sports, name="settings-sports"),
    path("settings/sports/<slug:league>/", views_settings.sport, name="settings-sport"),
    path("settings/sports/<slug:league>/switch/", views_settings.sport_switch, name="settings-sport-switch"),
    path("trader/start/", views.bot_start, name="trader-start"),
    path("trader/stop/", views.bot_stop, name="trader-stop"),
]
