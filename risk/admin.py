"""Back office: limits and halts. An operator resumes a halt here; halting is one command (`manage.py halt`) away."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from core.errors import DomainError
from risk.models import AccountLimits, HaltScope, HaltState, KillSwitchEvent, KillSwitchPart, TradingHalt
from risk.services import halt_resume, halt_set


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
