"""Games, the markets listed on them, and the thinned price history that charts show.

`Market.terms` is the whole `venues.types.VenueMarket` as JSON; the columns beside it are what queries need.
"""

from __future__ import annotations

import msgspec
from django.db import models

from core.models import PublicId, Stamped, choices_of, only
from venues.shapes import ready
from venues.types import GameStatus, MarketKind, MarketState, Outcome, Venue, VenueMarket


class Game(PublicId, Stamped):
    """A real-world fixture, as one source tells it; `state` is the whole last `GameState` as JSON."""

    game_id = models.CharField(max_length=80, unique=True)
    league = models.CharField(max_length=24, db_index=True)
    sport = models.CharField(max_length=24)
    status = models.CharField(max_length=16, choices=choices_of(GameStatus))
    home_name = models.CharField(max_length=120)
    home_code = models.CharField(max_length=24)
    away_name = models.CharField(max_length=120)
    away_code = models.CharField(max_length=24)
    home_score = models.IntegerField(default=0)
    away_score = models.IntegerField(default=0)
    starts_at = models.DateTimeField(db_index=True)
    segment = models.CharField(max_length=24, blank=True)
    clock_text = models.CharField(max_length=80, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    state = models.JSONField(default=dict)
    source_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [only("status", GameStatus)]
        indexes = [models.Index(fields=["status", "starts_at"], name="game_by_status")]

    def __str__(self) -> str:
        return f"{self.away_name} at {self.home_name}"

    @property
    def is_live(self) -> bool:
        return GameStatus(self.status).is_live


class Market(PublicId, Stamped):
    """One proposition at one venue. `yes_is_home`: YES means the home team wins; None where it is neither team."""

    market_id = models.CharField(max_length=160, unique=True)
    venue = models.CharField(max_length=16, choices=choices_of(Venue))
    event_id = models.CharField(max_length=160, blank=True, db_index=True)
    kind = models.CharField(max_length=16, choices=choices_of(MarketKind))
    league = models.CharField(max_length=24, db_index=True)
    title = models.CharField(max_length=300)
    yes_label = models.CharField(max_length=160)
    no_label = models.CharField(max_length=160)
    state = models.CharField(max_length=16, choices=choices_of(MarketState))
    result = models.CharField(max_length=3, choices=choices_of(Outcome), blank=True)
    settlement_value_u = models.BigIntegerField(null=True, blank=True)
    game = models.ForeignKey(Game, null=True, blank=True, on_delete=models.PROTECT, related_name="markets")
    yes_is_home = models.BooleanField(null=True, blank=True)
    match_note = models.CharField(max_length=300, blank=True)
    baseline_mid_u2 = models.BigIntegerField(null=True, blank=True, help_text="Twice the mid of YES before the start.")
    baseline_strength_u = models.BigIntegerField(null=True, blank=True)
    baseline_is_late = models.BooleanField(default=False, help_text="Seen only after the start.")
    game_starts_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    terms = models.JSONField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            only("venue", Venue),
            only("kind", MarketKind),
            only("state", MarketState),
            models.CheckConstraint(condition=models.Q(result__in=["", "yes", "no"]), name="market_result_known"),
            models.CheckConstraint(
                condition=models.Q(settlement_value_u__isnull=True)
                | models.Q(settlement_value_u__gte=0, settlement_value_u__lte=1_000_000),
                name="market_value_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.yes_label}"

    @property
    def venue_market(self) -> VenueMarket:
        """The terms as the adapters and the trader know them."""
        return msgspec.convert(self.terms, ready(VenueMarket))


class PricePoint(models.Model):
    """Best bid and ask of YES and our fair value at one moment; at most one per five seconds and market."""

    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="price_points")
    at = models.DateTimeField()
    bid_u = models.BigIntegerField(null=True)
    ask_u = models.BigIntegerField(null=True)
    fair_u = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["market", "at"], name="pricepoint_once")]

    def __str__(self) -> str:
        return f"{self.market_id} {self.at:%H:%M:%S}"
