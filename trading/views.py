"""Pages of the trader: dashboard, a game, positions, orders, fills, decisions; and the two buttons of the trader."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from core import once
from core.pages import live_page, page
from markets.selectors import game_by_uid
from trading.selectors import pages
from trading.selectors.chart import chart_of
from trading.selectors.game_page import GamePage
from trading.selectors.status import bot_status
from trading.services.trader import trader_start, trader_stop


def person(request: HttpRequest) -> User:
    """The signed-in user; `page` has let nobody else in."""
    return cast(User, request.user)


@require_safe
@page
def dashboard(request: HttpRequest) -> HttpResponse:
    shown = pages.DashboardPage(person(request), request.GET)
    return live_page(request, "trading/dashboard.html", shown, bot=bot_status(person(request)), key=once.new_key())


@require_safe
@page
def game(request: HttpRequest, uid: UUID) -> HttpResponse:
    return live_page(request, "trading/game.html", GamePage(person(request), request.GET, uid=uid))


@require_safe
@page
def game_chart(request: HttpRequest, uid: UUID) -> HttpResponse:
    """What the game's chart starts with; its newest points come over the socket."""
    return JsonResponse(chart_of(person(request), game_by_uid(uid)))


@require_safe
@page
def positions(request: HttpRequest) -> HttpResponse:
    return live_page(request, "trading/positions.html", pages.PositionsPage(person(request), request.GET))


@require_safe
@page
def orders(request: HttpRequest) -> HttpResponse:
    return live_page(request, "trading/orders.html", pages.OrdersPage(person(request), request.GET))


@require_safe
@page
def order(request: HttpRequest, uid: UUID) -> HttpResponse:
    return live_page(request, "trading/order.html", pages.OrderPage(person(request), request.GET, uid=uid))


@require_safe
@page
def fills(request: HttpRequest) -> HttpResponse:
    return live_page(request, "trading/fills.html", pages.FillsPage(person(request), request.GET))


@require_safe
@page
def decisions(request: HttpRequest) -> HttpResponse:
    return live_page(request, "trading/decisions.html", pages.DecisionsPage(person(request), request.GET))


@require_POST
@page
def bot_start(request: HttpRequest) -> HttpResponse:
    """Ask the trader to run; it answers by its heartbeat within seconds."""
    if once.is_first(request):
        trader_start(user=person(request), actor=person(request).email)
        messages.success(request, "The trader was asked to start. It answers within seconds.")
    return redirect("dashboard")


@require_POST
@page
def bot_stop(request: HttpRequest) -> HttpResponse:
    """Ask the trader to take its orders off and stop; positions stay."""
    if once.is_first(request):
        trader_stop(user=person(request), actor=person(request).email)
        messages.success(request, "The trader was asked to stop. Its orders come off; positions stay as they are.")
    return redirect("dashboard")
