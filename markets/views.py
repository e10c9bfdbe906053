"""The list of games."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core.pages import live_page, page
from markets.selectors_pages import GamesPage


@require_safe
@page
def games(request: HttpRequest) -> HttpResponse:
    return live_page(request, "markets/games.html", GamesPage(request.user, request.GET))
