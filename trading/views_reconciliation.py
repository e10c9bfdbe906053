"""The page that says whether our books are the venues', and where a person decides on what is not."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from core import once
from core.errors import Invalid
from core.pages import page, slice_of
from trading import access
from trading.selectors.reconciliation import books_of, runs_for
from trading.services.orphans import OrphanAction, orphan_resolve
from trading.services.reconciliation import finding_dismiss, reconciliation_ask
from trading.views import person

RUNS_SHOWN = 12
DONE = {
    OrphanAction.ADOPT: "It is an order of yours now, with its fills.",
    OrphanAction.CLOSE: "The trader takes it off at the venue; it stays here until that is proven.",
    OrphanAction.FALSE_POSITIVE: "It is not ours: from now on it is only counted.",
}


@require_safe
@page
def reconciliation(request: HttpRequest) -> HttpResponse:
    user = person(request)
    runs = slice_of(runs_for(user).filter(venue_account__user=user), 1, size=RUNS_SHOWN).rows
    shown = {"books": books_of(user), "runs": runs, "key": once.new_key()}
    return render(request, "trading/reconciliation.html", shown)


@require_POST
@page
def ask(request: HttpRequest) -> HttpResponse:
    """A comparison of every account soon."""
    if once.is_first(request):
        for books in books_of(person(request)):
            reconciliation_ask(venue_account=books.account, actor=person(request).email)
        messages.success(request, "The accounts are being compared. Open this page again in a moment.")
    return redirect("reconciliation")


@require_POST
@page
def resolve(request: HttpRequest, uid: UUID) -> HttpResponse:
    orphan = access.get_orphan_for(person(request), uid)
    if (wanted := request.POST.get("action", "")) not in list(OrphanAction):
        raise Invalid("invalid", "Choose what is to become of the order.")
    action = OrphanAction(wanted)
    if once.is_first(request):
        reason = request.POST.get("reason", "")
        orphan_resolve(orphan=orphan, action=action, reason=reason, actor=person(request).email)
        messages.success(request, DONE[action])
    return redirect("reconciliation")


@require_POST
@page
def dismiss(request: HttpRequest, uid: UUID) -> HttpResponse:
    finding = access.get_finding_for(person(request), uid)
    if once.is_first(request):
        finding_dismiss(finding=finding, reason=request.POST.get("reason", ""), actor=person(request).email)
        messages.success(request, "Explained. The same gap is not found again.")
    return redirect("reconciliation")
