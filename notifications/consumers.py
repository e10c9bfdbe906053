"""The socket of the alerts page."""

from __future__ import annotations

from core.consumers import PageConsumer
from notifications.selectors_pages import AlertsPage


class AlertsConsumer(PageConsumer):
    page = AlertsPage
