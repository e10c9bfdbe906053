"""Back office: limits and halts. An operator halts any scope here, sells what is held there, and lifts halts."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from unfold.decorators import action as unfold_action
from unfold.forms import ActionForm

from accounts.models import User
from core.admin import ReadOnlyAdmin
from core.errors import DomainError
from risk.forms import ScopeHaltForm
from risk.models import (
    AccountLimits,
    HaltScope,
    HaltState,
    KillSwitchEvent,
    KillSwitchPart,
    LevelLimits,
    LimitRaise,
    TradingHalt,
)
from risk.services import halt_rearm_ask, halt_resume, halt_set
from risk.services_limits import limit_raise_answer


class ReasonActionForm(ActionForm):  # type: ignore[misc]
    reason = forms.CharField(max_length=200, required=False, help_text="Needed to lift a halt.")


@admin.register(AccountLimits)
class AccountLimitsAdmin(ReadOnlyAdmin):
    list_display = [
        "venue_account",
        "max_order_usd_u",
        "max_position_usd_u",
        "max_exposure_usd_u",
        "max_daily_loss_usd_u",
        "max_open_orders",
        "updated_at",
    ]
    list_select_related = ["venue_account"]


@admin.register(LevelLimits)
class LevelLimitsAdmin(ReadOnlyAdmin):
    list_display = ["level", "key", "max_order_usd_u", "max_exposure_usd_u", "max_daily_loss_usd_u", "updated_at"]
    list_filter = ["level"]


@admin.register(LimitRaise)
class LimitRaiseAdmin(ReadOnlyAdmin):
    """What waits for a second person; whoever asked cannot confirm."""

    list_display = ["account", "limits", "values", "reason", "asked_by", "state", "answered_by", "created_at"]
    list_filter = ["state"]
    list_select_related = ["account", "limits"]
    actions = ["confirm", "refuse"]

    @admin.action(description="Confirm the chosen raises", permissions=["answer"])
    def confirm(self, request: HttpRequest, chosen: QuerySet[LimitRaise]) -> None:
        self._answer(request, chosen, is_confirmed=True)

    @admin.action(description="Refuse the chosen raises", permissions=["answer"])
    def refuse(self, request: HttpRequest, chosen: QuerySet[LimitRaise]) -> None:
        self._answer(request, chosen, is_confirmed=False)

    def _answer(self, request: HttpRequest, chosen: QuerySet[LimitRaise], *, is_confirmed: bool) -> None:
        for row in chosen:
            try:
                limit_raise_answer(
                    asked=row, by=cast(User, request.user), is_confirmed=is_confirmed, reason="in the back office"
                )
                messages.success(request, f"Answered: {row.reason}.")
            except DomainError as refusal:
                messages.error(request, f"{row.reason}: {refusal.message}")

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


@admin.register(TradingHalt)
class TradingHaltAdmin(ReadOnlyAdmin):
    list_display = ["scope", "scope_key", "state", "code", "reason", "actor", "epoch", "changed_at"]
    list_filter = ["state", "scope"]
    action_form = ReasonActionForm
    actions = ["halt_again", "ask", "resume"]
    actions_list = ["halt_scope"]

    @unfold_action(description="Halt a scope", url_path="halt", permissions=["halt"], icon="front_hand")  # type: ignore[untyped-decorator]
    def halt_scope(self, request: HttpRequest) -> HttpResponse:
        form = ScopeHaltForm(request.POST or None)
        if form.is_valid() and _is_halted(request, form):
            return redirect("admin:risk_tradinghalt_changelist")
        shown = {"opts": self.model._meta, "title": "Halt a scope", "form": form}
        return render(request, "risk/halt_scope.html", {**self.admin_site.each_context(request), **shown})

    @admin.action(description="Halt the chosen scopes, with a reason", permissions=["halt"])
    def halt_again(self, request: HttpRequest, chosen: QuerySet[TradingHalt]) -> None:
        reason = _reason(request) or "halted in the back office"
        for row in chosen:
            halt_set(
                scope=HaltScope(row.scope), scope_key=row.scope_key, state=HaltState.HALTED, code="manual",
                reason=reason, actor=str(request.user),
            )  # fmt: skip
        messages.success(request, "The chosen scopes are halted.")

    @admin.action(description="Ask to lift a halt of everything, with a reason", permissions=["halt"])
    def ask(self, request: HttpRequest, chosen: QuerySet[TradingHalt]) -> None:
        _each(request, chosen, halt_rearm_ask, "Asked; another person has to confirm")

    @admin.action(description="Lift the chosen halts, with a reason", permissions=["halt"])
    def resume(self, request: HttpRequest, chosen: QuerySet[TradingHalt]) -> None:
        _each(request, chosen, halt_resume, "Lifted")

    def has_halt_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


def _is_halted(request: HttpRequest, form: ScopeHaltForm) -> bool:
    """Halt what the operator typed; False, with the reason on the form, where that is refused."""
    asked = form.cleaned_data
    try:
        halt = halt_set(
            scope=HaltScope(asked["scope"]), scope_key=asked["key"], state=HaltState.HALTED, code="manual",
            reason=asked["reason"], actor=str(request.user), flatten=asked["flatten"],
        )  # fmt: skip
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return False
    messages.success(request, f"Halted: {halt.scope} {halt.scope_key}. Its receipt is among the stops.")
    return True


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()


def _each(request: HttpRequest, chosen: QuerySet[TradingHalt], service: Callable[..., TradingHalt], done: str) -> None:
    """Do it to every chosen halt and tell what came of each."""
    for row in chosen:
        name = f"{row.scope} {row.scope_key} ({row.code})"
        try:
            service(halt=row, reason=_reason(request), actor=str(request.user))
            messages.success(request, f"{done}: {name}.")
        except DomainError as refusal:
            messages.error(request, f"{name}: {refusal.message}")


@admin.register(KillSwitchEvent)
class KillSwitchEventAdmin(ReadOnlyAdmin):
    """Every emergency stop, the newest first; what it came to at each account is beside it."""

    list_display = ["scope", "scope_key", "state", "code", "actor", "started_at", "rearmed_at", "rearmed_by"]
    list_filter = ["state", "scope", "code"]
    search_fields = ["reason", "scope_key", "actor"]


@admin.register(KillSwitchPart)
class KillSwitchPartAdmin(ReadOnlyAdmin):
    list_display = ["event", "venue_account", "orders_open", "first_cancel_at", "proven_gone_at", "proven_by", "pnl_u"]
    list_select_related = ["event", "venue_account"]
