"""What the API says of the trader. Amounts are decimal strings, in USD or contracts."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from core.api import AmountField
from core.models import choices_of
from trading.domain.lifecycle import Confirmation
from trading.models import Decision, Fill, Finding, Order, OrphanedOrder, Position, ReconciliationRun, SportConfig


class OrderSerializer(serializers.ModelSerializer[Order]):
    account = serializers.UUIDField(source="venue_account.uid")
    venue = serializers.CharField(source="venue_account.venue")
    market_id = serializers.CharField(source="market.market_id")
    price = AmountField(source="price_u")
    quantity = AmountField(source="qty_u")
    filled = AmountField(source="filled_u")
    fee = AmountField(source="fee_u")
    reserved = AmountField(source="reserved_u")
    decision_price = AmountField(source="decision_price_u", allow_null=True)
    slippage = AmountField(source="slippage_u")
    is_unknown = serializers.BooleanField()
    confirmation = serializers.ChoiceField(choices=choices_of(Confirmation))

    class Meta:
        model = Order
        fields: ClassVar = [
            "uid",
            "account",
            "venue",
            "market_id",
            "strategy",
            "purpose",
            "cause",
            "side",
            "outcome",
            "price",
            "quantity",
            "filled",
            "fee",
            "reserved",
            "decision_price",
            "slippage",
            "time_in_force",
            "reduce_only",
            "status",
            "confirmation",
            "is_unknown",
            "is_external",
            "reason_code",
            "reason",
            "cancel_reason",
            "client_order_id",
            "venue_order_id",
            "claimed_at",
            "closed_at",
        ]


class FillSerializer(serializers.ModelSerializer[Fill]):
    account = serializers.UUIDField(source="venue_account.uid")
    venue = serializers.CharField(source="venue_account.venue")
    market_id = serializers.CharField(source="market.market_id")
    order = serializers.UUIDField(source="order.uid", allow_null=True, default=None)
    price = AmountField(source="price_u")
    quantity = AmountField(source="qty_u")
    value = AmountField(source="usd_u")
    fee = AmountField(source="fee_u")
    slippage = AmountField(source="slippage_u", allow_null=True)
    is_pending_settlement = serializers.BooleanField()

    class Meta:
        model = Fill
        fields: ClassVar = [
            "uid",
            "account",
            "venue",
            "market_id",
            "order",
            "trade_id",
            "side",
            "outcome",
            "price",
            "quantity",
            "value",
            "fee",
            "slippage",
            "is_taker",
            "settle_state",
            "is_pending_settlement",
            "venue_at",
        ]


class PositionSerializer(serializers.ModelSerializer[Position]):
    account = serializers.UUIDField(source="venue_account.uid")
    venue = serializers.CharField(source="venue_account.venue")
    market_id = serializers.CharField(source="market.market_id")
    title = serializers.CharField(source="market.title")
    quantity = AmountField(source="qty_u")
    cost = AmountField(source="cost_u")
    entry_price = AmountField(source="entry_price_u")
    realized = AmountField(source="realized_u")

    class Meta:
        model = Position
        fields: ClassVar = [
            "uid",
            "account",
            "venue",
            "market_id",
            "title",
            "outcome",
            "quantity",
            "cost",
            "entry_price",
            "realized",
            "is_open",
            "strategy",
            "opened_at",
            "closed_at",
        ]


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    market_id = serializers.CharField(source="market.market_id")
    price = AmountField(source="price_u", allow_null=True)
    quantity = AmountField(source="qty_u", allow_null=True)
    mid = AmountField(source="mid_u", allow_null=True)
    baseline = AmountField(source="baseline_u", allow_null=True)
    fair = AmountField(source="fair_u", allow_null=True)
    confidence = AmountField(source="confidence_u", allow_null=True)

    class Meta:
        model = Decision
        fields: ClassVar = [
            "uid",
            "decision_id",
            "strategy",
            "market_id",
            "outcome",
            "verdict",
            "reason",
            "note",
            "price",
            "quantity",
            "mid",
            "baseline",
            "fair",
            "confidence",
            "detail",
            "decided_at",
        ]


class SportConfigSerializer(serializers.ModelSerializer[SportConfig]):
    """Every setting is optional in a change; `version` guards against overwriting somebody else's."""

    class Meta:
        model = SportConfig
        fields: ClassVar = [
            "league",
            "is_enabled",
            "auto_trade",
            "entry_threshold_pct",
            "absolute_entry_price_usd",
            "min_pregame_probability",
            "allowed_entry_segments",
            "min_time_remaining_s",
            "take_profit_pct",
            "stop_loss_pct",
            "exit_before_segment",
            "max_positions_per_game",
            "default_position_size_usd",
            "use_kelly_sizing",
            "kelly_fraction",
            "min_entry_confidence_score",
            "allow_late_baseline",
            "max_spread_usd",
            "min_depth_usd",
            "slippage_cap_usd",
            "confirm_within_s",
            "keep_partial_pct",
            "loss_streak_step_pct",
            "loss_streak_floor_pct",
            "version",
            "updated_at",
        ]
        read_only_fields: ClassVar = ["league", "updated_at"]


class BotStatusSerializer(serializers.Serializer[Any]):
    mode = serializers.CharField()
    desired = serializers.CharField()
    status = serializers.CharField()
    is_stale = serializers.BooleanField()
    detail = serializers.CharField()
    trading_state = serializers.CharField()
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    cash = AmountField(source="cash_u")
    reserved = AmountField(source="reserved_u")
    open_positions = serializers.IntegerField()
    pending_orders = serializers.IntegerField(source="pending.orders")
    unknown_orders = serializers.IntegerField(source="pending.unknown")
    fills_pending_settlement = serializers.IntegerField(source="pending.fills")
    realized_today = AmountField(source="realized_today_u")
    stats = serializers.DictField()


class ReconciliationSerializer(serializers.ModelSerializer[ReconciliationRun]):
    account = serializers.UUIDField(source="venue_account.uid")
    venue = serializers.CharField(source="venue_account.venue")

    class Meta:
        model = ReconciliationRun
        fields: ClassVar = [
            "uid",
            "account",
            "venue",
            "trigger",
            "outcome",
            "differences",
            "orphans",
            "detail",
            "created_at",
            "began_at",
            "ended_at",
        ]


class ReconcileSerializer(serializers.Serializer[Any]):
    account = serializers.UUIDField(required=False, help_text="One account; without it, all of them.")


class DifferenceDismissSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)


class ResolveSerializer(DifferenceDismissSerializer):
    action = serializers.ChoiceField(choices=["adopt", "close", "false_positive"])


class OrphanSerializer(serializers.ModelSerializer[OrphanedOrder]):
    account = serializers.UUIDField(source="venue_account.uid")
    venue = serializers.CharField(source="venue_account.venue")
    side = serializers.CharField()
    outcome = serializers.CharField()
    price = AmountField(source="price_u")
    quantity = AmountField(source="qty_u")
    filled = AmountField(source="filled_u")
    order = serializers.UUIDField(source="order.uid", allow_null=True, default=None)

    class Meta:
        model = OrphanedOrder
        fields: ClassVar = [
            "uid",
            "account",
            "venue",
            "market_id",
            "client_order_id",
            "venue_order_id",
            "side",
            "outcome",
            "price",
            "quantity",
            "filled",
            "venue_state",
            "state",
            "found_at_start",
            "order",
            "reason",
            "resolved_by",
            "created_at",
            "seen_at",
            "resolved_at",
        ]


class FindingSerializer(serializers.ModelSerializer[Finding]):
    account = serializers.UUIDField(source="venue_account.uid")
    venue = serializers.CharField(source="venue_account.venue")
    ours = AmountField(source="ours_u")
    theirs = AmountField(source="theirs_u")

    class Meta:
        model = Finding
        fields: ClassVar = [
            "uid",
            "account",
            "venue",
            "kind",
            "state",
            "market_id",
            "ours",
            "theirs",
            "text",
            "times_seen",
            "reason",
            "resolved_by",
            "created_at",
            "seen_at",
            "resolved_at",
        ]
