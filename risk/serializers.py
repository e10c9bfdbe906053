"""What the API tells of halts and of the receipts of stops, and what it takes."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from accounts.models import VenueAccount
from core.money import plain_text
from risk.models import HaltScope, KillSwitchPart, TradingHalt


class HaltSerializer(serializers.ModelSerializer[TradingHalt]):
    class Meta:
        model = TradingHalt
        fields: ClassVar = ["uid", "scope", "scope_key", "state", "code", "flatten", "reason", "actor", "changed_at"]


class HaltWishSerializer(serializers.Serializer[Any]):
    """Without a scope: all trading of the signed-in user."""

    scope = serializers.ChoiceField(choices=[scope.value for scope in HaltScope], default=HaltScope.USER.value)
    key = serializers.CharField(default="", allow_blank=True, max_length=160)
    reason = serializers.CharField(max_length=200)
    flatten = serializers.BooleanField(default=False)


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=200)


class StopPartSerializer(serializers.ModelSerializer[KillSwitchPart]):
    account = serializers.CharField(source="venue_account.uid")
    venue = serializers.CharField(source="venue_account.venue")
    pnl_usd = serializers.SerializerMethodField()

    class Meta:
        model = KillSwitchPart
        fields: ClassVar = [
            "account",
            "venue",
            "orders_open",
            "orders",
            "cancels_sent",
            "first_cancel_at",
            "proven_gone_at",
            "proven_by",
            "stuck",
            "left_alone",
            "positions_open",
            "positions_closed",
            "flat_at",
            "pnl_usd",
        ]

    def get_pnl_usd(self, part: KillSwitchPart) -> str:
        return plain_text(part.pnl_u)


class UnheardSerializer(serializers.ModelSerializer[VenueAccount]):
    """An account that a stop concerns, or concerned when it ended, and that nobody has come to."""

    account = serializers.UUIDField(source="uid")
    name = serializers.CharField(source="__str__")

    class Meta:
        model = VenueAccount
        fields: ClassVar = ["account", "name", "venue"]


class ReceiptSerializer(serializers.Serializer[Any]):
    """The receipt of one stop: `sentence` for people, the rest for machines."""

    uid = serializers.UUIDField(source="event.uid")
    halt = serializers.UUIDField(source="event.halt.uid")
    scope = serializers.CharField(source="event.scope")
    scope_key = serializers.CharField(source="event.scope_key")
    code = serializers.CharField(source="event.code")
    actor = serializers.CharField(source="event.actor")
    reason = serializers.CharField(source="event.reason")
    flatten = serializers.BooleanField(source="event.flatten")
    started_at = serializers.DateTimeField(source="event.started_at")
    rearmed_at = serializers.DateTimeField(source="event.rearmed_at", allow_null=True)
    rearmed_by = serializers.CharField(source="event.rearmed_by")
    resolution = serializers.CharField(source="event.resolution")
    is_proven = serializers.BooleanField()
    is_over = serializers.BooleanField()
    sentence = serializers.CharField()
    parts = StopPartSerializer(many=True)
    unheard = UnheardSerializer(many=True)
