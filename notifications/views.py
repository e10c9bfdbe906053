"""The alerts page, and the button that marks one as seen."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from core.pages import live_page, page
from notifications import selectors, services
from notifications.selectors_pages import AlertsPage


@require_safe
@page
def alerts(request: HttpRequest) -> HttpResponse:
    return live_page(request, "notifications/alerts.html", AlertsPage(request.user, request.GET))


@require_POST
@page
def alerts_seen(request: HttpRequest) -> HttpResponse:
    """Marks all of the user's alerts as seen; doing it twice is the same."""
    for alert in selectors.alerts_of(request.user).filter(seen_at__isnull=True):
        services.alert_mark_seen(alert=alert, actor=request.user.get_username())
    return redirect("alerts")
