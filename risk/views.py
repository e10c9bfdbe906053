"""The risk page: stop everything and arm it again, each with a reason, and the limits of each account."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from core import once
from core.errors import Conflict
from core.pages import page
from risk.forms import HaltForm, LimitsForm, ReasonForm
from risk.models import OWN, HaltScope, HaltState
from risk.selectors_pages import account_risk, own_halt, risk_overview
from risk.selectors_receipts import get_stop_for
from risk.services import halt_resume, halt_set
from risk.services_limits import limits_set


def person(request: HttpRequest) -> User:
    return cast(User, request.user)


@require_safe
@page
def risk(request: HttpRequest) -> HttpResponse:
    return _shown(request)


@require_POST
@page
def halt(request: HttpRequest) -> HttpResponse:
    """HALTED from the next claim on: nothing opens until the person arms it again."""
    form, user = HaltForm(request.POST), person(request)
    if not form.is_valid():
        return _shown(request, halt_form=form, status=422)
    if once.is_first(request):
        halt_set(
            scope=HaltScope.USER,
            scope_key=str(user.uid),
            state=HaltState.HALTED,
            code=OWN,
            reason=form.cleaned_data["reason"],
            actor=user.email,
            flatten=form.cleaned_data["flatten"],
        )
        messages.warning(request, "Trading is halted. Nothing new is opened until you arm it again.")
    return redirect("risk")


@require_POST
@page
def resume(request: HttpRequest) -> HttpResponse:
    form, user = ReasonForm(request.POST), person(request)
    stopped = own_halt(user)
    if stopped is None:
        raise Conflict("conflict", "Trading is not halted by you.")
    if not form.is_valid():
        return _shown(request, resume_form=form, status=422)
    if once.is_first(request):
        halt_resume(halt=stopped, reason=form.cleaned_data["reason"], actor=user.email, by=user)
        messages.success(request, "Your halt is lifted.")
    return redirect("risk")


@require_safe
@page
def stop(request: HttpRequest, uid: UUID) -> HttpResponse:
    """The receipt of one emergency stop, as it is now."""
    return render(request, "risk/stop.html", {"receipt": get_stop_for(person(request), uid)})


@require_POST
@page
def limits(request: HttpRequest, uid: UUID) -> HttpResponse:
    account = account_risk(person(request), uid).account
    form = LimitsForm(request.POST, prefix=str(account.uid))
    if not form.is_valid():
        return _shown(request, wrong={str(account.uid): form}, status=422)
    if once.is_first(request):
        limits_set(venue_account=account, actor=person(request).email, **form.limits())
        messages.success(request, f"{account}: limits saved. They hold from the next order on.")
    return redirect("risk")


def _shown(
    request: HttpRequest,
    *,
    halt_form: HaltForm | None = None,
    resume_form: ReasonForm | None = None,
    wrong: dict[str, LimitsForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page with the form that was refused, if one was."""
    overview = risk_overview(person(request))
    forms = [
        (one.account, (wrong or {}).get(str(one.account.uid)) or LimitsForm.of(one.limits, prefix=str(one.account.uid)))
        for one in overview.accounts
    ]
    shown = {"overview": overview, "accounts": forms, "key": once.new_key()}
    shown |= {"halt_form": halt_form or HaltForm(), "resume_form": resume_form or ReasonForm()}
    return render(request, "risk/risk.html", shown, status=status)
