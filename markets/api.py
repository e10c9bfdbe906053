"""/api/games: games with their markets. Shared by all users; nothing in it belongs to anyone."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers

from core.api import AmountField
from markets import selectors
from markets.models import Game, Market


class MarketSerializer(serializers.ModelSerializer[Market]):
    settlement_value = AmountField(source="settlement_value_u", allow_null=True)

    class Meta:
        model = Market
        fields: ClassVar = [
            "uid",
            "market_id",
            "venue",
            "kind",
            "title",
            "yes_label",
            "no_label",
            "yes_is_home",
            "state",
            "result",
            "settlement_value",
            "closes_at",
        ]


class GameSerializer(serializers.ModelSerializer[Game]):
    markets = MarketSerializer(many=True)
    is_live = serializers.BooleanField()

    class Meta:
        model = Game
        fields: ClassVar = [
            "uid",
            "game_id",
            "league",
            "sport",
            "status",
            "is_live",
            "home_name",
            "home_code",
            "away_name",
            "away_code",
            "home_score",
            "away_score",
            "starts_at",
            "segment",
            "clock_text",
            "detail",
            "updated_at",
            "markets",
        ]


@extend_schema(parameters=[OpenApiParameter("league", str), OpenApiParameter("status", str)])
class GameListView(generics.ListAPIView[Game]):
    """Newest start first; `?league=nba`, `?status=live` or a status of the game."""

    serializer_class = GameSerializer
    filter_backends = []
    queryset = Game.objects.none()

    def get_queryset(self) -> QuerySet[Game]:
        asked = self.request.query_params
        return selectors.games_listed(league=asked.get("league", ""), status=asked.get("status", ""))


class GameDetailView(generics.RetrieveAPIView[Game]):
    """One game by its uid."""

    serializer_class = GameSerializer
    queryset = Game.objects.none()

    def get_object(self) -> Game:
        return selectors.game_by_uid(self.kwargs["uid"])
