"""Back office: everything the trader keeps, to read. What may change, changes through pages, the API and services.

One thing is done here: an operator voids an order whose answer was lost for good, and says how it is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.forms import ActionForm

from core.admin import ReadOnlyAdmin
from core.errors import DomainError
from trading.models import (
    AccountLedger,
    CashEntry,
    Decision,
    EquityMark,
    Fill,
    FillVoid,
    Finding,
    MarketConfig,
    Order,
    OrderEvent,
    OrphanedOrder,
    PnlDay,
    Position,
    ReconciliationRun,
    Settlement,
    SportConfig,
    TraderLease,
    TraderState,
    VenueFence,
)
from trading.services.orders import order_void
from trading.services.orphans import OrphanAction, orphan_resolve
from trading.services.reconciliation import finding_dismiss


class ReasonActionForm(ActionForm):  # type: ignore[misc]
    reason = forms.CharField(max_length=300, required=False, help_text="How it is known; needed for every action.")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = [
        "claimed_at",
        "client_order_id",
        "market",
        "side",
        "outcome",
        "price_u",
        "qty_u",
        "filled_u",
        "status",
        "reason_code",
    ]
    list_filter = ["status", "side", "outcome", "is_external", "strategy"]
    search_fields = ["client_order_id", "venue_order_id", "decision_id", "market__market_id", "uid"]
    list_select_related = ["market"]
    action_form = ReasonActionForm
    actions = ["void"]

    @admin.action(description="Void with a reason: the venue never took it", permissions=["void"])
    def void(self, request: HttpRequest, chosen: QuerySet[Order]) -> None:
        for order in chosen:
            try:
                order_void(order=order, reason=request.POST.get("reason", "").strip(), actor=str(request.user))
                messages.success(request, f"{order.client_order_id} is void.")
            except DomainError as refusal:
                messages.error(request, f"{order.client_order_id}: {refusal.message}")

    def has_void_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


@admin.register(VenueFence)
class VenueFenceAdmin(ReadOnlyAdmin):
    list_display = ["opened_at", "venue_account", "epoch", "state", "token", "closed_at"]
    list_filter = ["state"]
    search_fields = ["token", "venue_account__uid"]
    list_select_related = ["venue_account"]
    ordering = ["-id"]


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "order", "kind", "from_status", "to_status"]
    list_filter = ["kind", "to_status"]
    search_fields = ["order__client_order_id"]
    list_select_related = ["order"]
    ordering = ["-id"]


@admin.register(Fill)
class FillAdmin(ReadOnlyAdmin):
    list_display = [
        "venue_at",
        "trade_id",
        "leg",
        "market",
        "side",
        "outcome",
        "price_u",
        "qty_u",
        "fee_u",
        "settle_state",
    ]
    list_filter = ["side", "outcome", "settle_state", "is_taker"]
    search_fields = ["trade_id", "venue_order_id", "client_order_id", "market__market_id", "uid"]
    list_select_related = ["market"]


@admin.register(FillVoid)
class FillVoidAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "fill", "reason"]
    list_select_related = ["fill"]


@admin.register(Position)
class PositionAdmin(ReadOnlyAdmin):
    list_display = [
        "opened_at",
        "venue_account",
        "market",
        "outcome",
        "qty_u",
        "paid_u",
        "fees_u",
        "realized_u",
        "is_open",
    ]
    list_filter = ["is_open", "outcome", "strategy"]
    search_fields = ["market__market_id", "venue_account__account_key", "uid"]
    list_select_related = ["venue_account", "market"]


@admin.register(Settlement)
class SettlementAdmin(ReadOnlyAdmin):
    list_display = ["venue_at", "venue_account", "market", "value_u", "yes_qty_u", "no_qty_u", "payout_u"]
    search_fields = ["market__market_id", "uid"]
    list_select_related = ["venue_account", "market"]


@admin.register(CashEntry)
class CashEntryAdmin(ReadOnlyAdmin):
    list_display = ["at", "venue_account", "kind", "amount_u", "ref", "market"]
    list_filter = ["kind"]
    search_fields = ["ref", "venue_account__account_key"]
    list_select_related = ["venue_account", "market"]
    ordering = ["-id"]


@admin.register(AccountLedger)
class AccountLedgerAdmin(ReadOnlyAdmin):
    list_display = ["venue_account", "cash_u", "reserved_u", "updated_at"]
    list_select_related = ["venue_account"]


@admin.register(EquityMark)
class EquityMarkAdmin(ReadOnlyAdmin):
    list_display = ["venue_account", "peak_u", "equity_u", "day", "day_start_u", "noted_at"]
    list_select_related = ["venue_account"]


@admin.register(PnlDay)
class PnlDayAdmin(ReadOnlyAdmin):
    list_display = ["day", "venue_account", "realized_u"]
    list_select_related = ["venue_account"]


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ["decided_at", "user", "market", "outcome", "verdict", "reason", "confidence_u", "price_u", "qty_u"]
    list_filter = ["verdict", "reason", "strategy"]
    search_fields = ["decision_id", "market__market_id", "user__email", "uid"]
    list_select_related = ["user", "market"]


@admin.register(SportConfig)
class SportConfigAdmin(ReadOnlyAdmin):
    list_display = ["user", "league", "is_enabled", "auto_trade", "default_position_size_usd", "version", "updated_at"]
    list_filter = ["is_enabled", "auto_trade", "league"]
    search_fields = ["user__email", "league"]
    list_select_related = ["user"]


@admin.register(MarketConfig)
class MarketConfigAdmin(ReadOnlyAdmin):
    list_display = ["user", "market", "is_enabled", "is_observe_only", "version", "updated_at"]
    list_select_related = ["user", "market"]


@admin.register(TraderState)
class TraderStateAdmin(ReadOnlyAdmin):
    list_display = ["user", "desired", "status", "heartbeat_at", "started_at", "detail"]
    list_filter = ["desired", "status"]
    list_select_related = ["user"]


@admin.register(TraderLease)
class TraderLeaseAdmin(ReadOnlyAdmin):
    list_display = ["venue_account", "holder", "epoch", "expires_at"]
    list_select_related = ["venue_account"]


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "venue_account", "trigger", "outcome", "differences", "orphans", "ended_at", "detail"]
    list_filter = ["outcome", "trigger"]
    list_select_related = ["venue_account"]


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "venue_account", "kind", "text", "state", "times_seen", "seen_at", "resolved_at"]
    list_filter = ["state", "kind"]
    search_fields = ["text", "market_id", "uid"]
    list_select_related = ["venue_account"]
    action_form = ReasonActionForm
    actions = ["dismiss"]

    @admin.action(description="Explain with a reason: it is well as it is", permissions=["resolve"])
    def dismiss(self, request: HttpRequest, chosen: QuerySet[Finding]) -> None:
        for row in chosen:
            with _told(request, str(row)):
                finding_dismiss(finding=row, reason=_reason(request), actor=str(request.user))

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


@admin.register(OrphanedOrder)
class OrphanedOrderAdmin(ReadOnlyAdmin):
    list_display = [
        "created_at",
        "venue_account",
        "client_order_id",
        "market_id",
        "side",
        "outcome",
        "price_u",
        "qty_u",
        "filled_u",
        "venue_state",
        "state",
        "found_at_start",
        "reason",
    ]
    list_filter = ["state", "venue_state", "found_at_start"]
    search_fields = ["client_order_id", "venue_order_id", "market_id", "uid"]
    list_select_related = ["venue_account__user"]
    action_form = ReasonActionForm
    actions = ["adopt", "close_at_venue", "mark_false_positive"]

    @admin.action(description="Adopt with a reason: it becomes an order of ours", permissions=["resolve"])
    def adopt(self, request: HttpRequest, chosen: QuerySet[OrphanedOrder]) -> None:
        _resolve(request, chosen, OrphanAction.ADOPT)

    @admin.action(description="Close at the venue with a reason: the trader takes it off", permissions=["resolve"])
    def close_at_venue(self, request: HttpRequest, chosen: QuerySet[OrphanedOrder]) -> None:
        _resolve(request, chosen, OrphanAction.CLOSE)

    @admin.action(description="False positive with a reason: it is not ours", permissions=["resolve"])
    def mark_false_positive(self, request: HttpRequest, chosen: QuerySet[OrphanedOrder]) -> None:
        _resolve(request, chosen, OrphanAction.FALSE_POSITIVE)

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


def _resolve(request: HttpRequest, chosen: QuerySet[OrphanedOrder], action: OrphanAction) -> None:
    for row in chosen:
        with _told(request, str(row)):
            orphan_resolve(orphan=row, action=action, reason=_reason(request), actor=str(request.user))


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()


@contextmanager
def _told(request: HttpRequest, what: str) -> Iterator[None]:
    """Says on the page what became of one row."""
    try:
        yield
    except DomainError as refusal:
        messages.error(request, f"{what}: {refusal.message}")
    else:
        messages.success(request, f"{what}: done.")
