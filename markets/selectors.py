"""Read models of games and markets for pages, the API and the engine's start."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from django.db.models import Prefetch, QuerySet

from core.errors import NotFound
from markets.models import Game, Market, PricePoint
from venues.shapes import ready
from venues.types import GameState, GameStatus

LIVE = (GameStatus.IN_PROGRESS, GameStatus.BREAK)


def games_listed(*, league: str = "", status: str = "") -> QuerySet[Game]:
    """Games with their moneyline markets, newest start first."""
    games = Game.objects.order_by("-starts_at", "-id").prefetch_related(
        Prefetch("markets", queryset=Market.objects.order_by("venue", "id"))
    )
    if league:
        games = games.filter(league=league)
    if status == "live":
        return games.filter(status__in=LIVE)
    return games.filter(status=status) if status else games


def game_by_uid(uid: UUID | str) -> Game:
    """Raises NotFound."""
    game = games_listed().filter(uid=uid).first()
    if game is None:
        raise NotFound
    return game


def games_to_match(*, around: datetime, within: timedelta = timedelta(days=2)) -> list[GameState]:
    """The states of games near a moment, as `markets.matching` takes them."""
    rows = Game.objects.filter(starts_at__range=(around - within, around + within))
    return [msgspec.convert(row.state, ready(GameState)) for row in rows]


def price_history(market: Market, *, since: datetime | None = None, at_most: int = 2_000) -> list[PricePoint]:
    """The newest points of a market, oldest first."""
    points = PricePoint.objects.filter(market=market)
    if since is not None:
        points = points.filter(at__gte=since)
    return list(reversed(points.order_by("-at")[:at_most]))
