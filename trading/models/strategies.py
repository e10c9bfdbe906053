"""What a user wants of the dip strategy: one row per league, overridden per market.

The effective value of a setting is the market's override, else the league's, else the default below; a strategy reads
it as a typed value through `trading.selectors.config_for`. Shares and amounts are Decimals of few digits.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from core import clock
from core.models import PublicId, Stamped
from markets.models import Market

_ONE = Decimal(1)


def _share(default: str | None = None, **options: Any) -> models.DecimalField[Any, Any]:
    """A part of one: 0.15 is 15 %."""
    return _bounded(7, _ONE, default, options)


def _usd(default: str | None = None, **options: Any) -> models.DecimalField[Any, Any]:
    return _bounded(12, Decimal(10_000), default, options)


def _bounded(digits: int, most: Decimal, default: str | None, options: dict[str, Any]) -> models.DecimalField[Any, Any]:
    """From zero to `most`; without a default the column is one that may be null."""
    if default is not None:
        options = {**options, "default": Decimal(default)}
    bounds = [MinValueValidator(Decimal(0)), MaxValueValidator(most)]
    return models.DecimalField(max_digits=digits, decimal_places=6, validators=bounds, **options)


class SportConfig(PublicId, Stamped):
    """The strategy's settings for one league of one user."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sport_configs")
    league = models.CharField(max_length=24)
    is_enabled = models.BooleanField(default=False)
    auto_trade = models.BooleanField(default=False)
    entry_threshold_pct = _share("0.15")
    absolute_entry_price_usd = _usd("0.50")
    min_pregame_probability = _share("0")
    allowed_entry_segments = models.JSONField(default=list, blank=True, help_text="Empty: all but the last.")
    min_time_remaining_s = models.PositiveIntegerField(default=300)
    take_profit_pct = _share("0.20")
    stop_loss_pct = _share("0.10")
    exit_before_segment = models.BooleanField(default=True)
    max_positions_per_game = models.PositiveSmallIntegerField(default=1)
    default_position_size_usd = _usd("50")
    use_kelly_sizing = models.BooleanField(default=False)
    kelly_fraction = _share("0.25")
    min_entry_confidence_score = _share("0.60")
    allow_late_baseline = models.BooleanField(default=False)
    max_spread_usd = _usd("0.05")
    min_depth_usd = _usd("10")
    slippage_cap_usd = _usd("0.02")
    confirm_within_s = models.PositiveIntegerField(default=60, validators=[MinValueValidator(1)])
    keep_partial_pct = _share("0.80")
    loss_streak_step_pct = _share("0.10")
    loss_streak_floor_pct = _share("0.10")
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["league"]
        constraints = [
            models.UniqueConstraint(fields=["user", "league"], name="sportconfig_once"),
            models.CheckConstraint(
                condition=models.Q(
                    entry_threshold_pct__gte=0,
                    entry_threshold_pct__lte=1,
                    kelly_fraction__gte=0,
                    kelly_fraction__lte=1,
                    default_position_size_usd__gte=0,
                ),
                name="sportconfig_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.league} of {self.user}"


class MarketConfig(PublicId, Stamped):
    """What differs for one market; a null means: as the league says."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="market_configs")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="configs")
    is_observe_only = models.BooleanField(default=False)
    is_enabled = models.BooleanField(null=True, blank=True)
    auto_trade = models.BooleanField(null=True, blank=True)
    entry_threshold_pct = _share(null=True, blank=True)
    absolute_entry_price_usd = _usd(null=True, blank=True)
    min_pregame_probability = _share(null=True, blank=True)
    min_time_remaining_s = models.PositiveIntegerField(null=True, blank=True)
    take_profit_pct = _share(null=True, blank=True)
    stop_loss_pct = _share(null=True, blank=True)
    default_position_size_usd = _usd(null=True, blank=True)
    kelly_fraction = _share(null=True, blank=True)
    min_entry_confidence_score = _share(null=True, blank=True)
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["user", "market"], name="marketconfig_once")]

    def __str__(self) -> str:
        return f"{self.market} of {self.user}"
