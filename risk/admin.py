"""Back office: limits and halts. An operator resumes a halt here; halting is one command (`manage.py halt`) away."""

from __future__ import annotations

from typing import cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from core.admin import ReadOnlyAdmin
from core.errors import DomainError
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
from risk.services import halt_resume, halt_set
from risk.services_limits import limit_raise_answer


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
    actions = ["halt_again", "resume"]

    @admin.action(description="Halt the chosen scopes", permissions=["halt"])
    def halt_again(self, request: HttpRequest, chosen: QuerySet[TradingHalt]) -> None:
        for row in chosen:
            halt_set(
                scope=HaltScope(row.scope), scope_key=row.scope_key, state=HaltState.HALTED, code="manual",
                reason="halted in the back office", actor=str(request.user),
            )  # fmt: skip
        messages.success(request, "The chosen scopes are halted.")

    @admin.action(description="Lift the chosen halts", permissions=["halt"])
    def resume(self, request: HttpRequest, chosen: QuerySet[TradingHalt]) -> None:
        for row in chosen:
            try:
                halt_resume(halt=row, reason="resumed in the back office", actor=str(request.user))
                messages.success(request, f"Lifted: {row.scope} {row.scope_key} ({row.code}).")
            except DomainError as refusal:
                messages.error(request, f"{row.scope} {row.scope_key} ({row.code}): {refusal.message}")

    def has_halt_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


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
