"""Pages of the strategy's settings: the leagues at a glance, and one league's form with its optimistic version."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from core import once
from core.errors import Conflict, Invalid
from core.pages import page
from trading.forms import SportConfigForm, SportSwitchForm
from trading.selectors.settings_pages import sport_setting, sport_settings
from trading.services.configs import sport_config_set
from trading.views import person


@require_safe
@page
def sports(request: HttpRequest) -> HttpResponse:
    chosen = sport_settings(person(request))
    return render(request, "trading/settings_sports.html", {"sports": chosen, "key": once.new_key()})


@page
def sport(request: HttpRequest, league: str) -> HttpResponse:
    """The form of one league. Saving over somebody else's change is refused, and both are shown."""
    setting = sport_setting(person(request), league)
    form = SportConfigForm(request.POST or None, instance=setting.config, league=league)
    status = 200
    if request.method == "POST":
        if form.is_valid() and _is_saved(request, form, league):
            messages.success(request, f"{setting.name}: settings saved. The trader takes them over within seconds.")
            return redirect("settings-sport", league=league)
        status = 409 if form.is_outdated else 422
    shown = {"setting": setting, "form": form, "key": once.new_key()}
    return render(request, "trading/settings_sport.html", shown, status=status)


@require_POST
@page
def sport_switch(request: HttpRequest, league: str) -> HttpResponse:
    """On or off, from the list."""
    form = SportSwitchForm(request.POST)
    if form.is_valid() and once.is_first(request):
        user, on = person(request), form.cleaned_data["is_enabled"]
        sport_config_set(user=user, league=league, changes={"is_enabled": on}, actor=user.email)
        messages.success(request, f"{league.upper()}: the strategy is {'on' if on else 'off'}.")
    return redirect("settings-sports")


def _is_saved(request: HttpRequest, form: SportConfigForm, league: str) -> bool:
    """Through the service; what it refuses is told in the form."""
    if not once.is_first(request):
        return True
    user, version = person(request), form.cleaned_data["version"]
    try:
        sport_config_set(user=user, league=league, changes=form.changes(), actor=user.email, version=version)
    except Conflict as problem:
        form.outdated(problem.message)
    except Invalid as problem:
        form.refused(problem.extra.get("fields", {}), problem.message)
    return not form.errors
