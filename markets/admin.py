"""Back office: games, markets and the thinned price history."""

from __future__ import annotations

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from markets.models import Game, Market, PricePoint


@admin.register(Game)
class GameAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "league", "status", "home_score", "away_score", "segment", "starts_at", "updated_at"]
    list_filter = ["status", "league"]
    search_fields = ["home_name", "away_name", "game_id", "uid"]


@admin.register(Market)
class MarketAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "venue", "kind", "league", "state", "result", "game", "yes_is_home", "updated_at"]
    list_filter = ["venue", "state", "kind", "league"]
    search_fields = ["market_id", "title", "yes_label", "uid"]
    list_select_related = ["game"]


@admin.register(PricePoint)
class PricePointAdmin(ReadOnlyAdmin):
    list_display = ["market", "at", "bid_u", "ask_u", "fair_u"]
    list_select_related = ["market"]
    ordering = ["-id"]
