"""The limits of an account and the halts that stop trading.

Invariant: a halt is a row that every claim reads inside its own transaction, so it holds for the next order at once.
"""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models

from accounts.models import VenueAccount
from core import clock
from core.models import PublicId, choices_of, only

OWN = "owner"
"""The cause of a halt that a person set on their own page: the only one they may lift there."""


class HaltState(StrEnum):
    """ACTIVE trades; REDUCING only reduces; PAUSED ends by itself with its cause; HALTED waits for a person."""

    ACTIVE = "active"
    REDUCING = "reducing"
    PAUSED = "paused"
    HALTED = "halted"


class HaltScope(StrEnum):
    GLOBAL = "global"
    VENUE = "venue"
    USER = "user"
    ACCOUNT = "account"
    STRATEGY = "strategy"
    GAME = "game"
    MARKET = "market"


class AccountLimits(models.Model):
    """Hard limits of one venue account, in µUSD, counts and millionths. A zero allows nothing."""

    venue_account = models.OneToOneField(VenueAccount, on_delete=models.CASCADE, related_name="limits")
    max_order_usd_u = models.BigIntegerField(default=100_000_000)
    max_position_usd_u = models.BigIntegerField(default=300_000_000)
    max_exposure_usd_u = models.BigIntegerField(default=1_000_000_000)
    max_daily_loss_usd_u = models.BigIntegerField(default=500_000_000)
    max_open_orders = models.PositiveIntegerField(default=20)
    max_losses_in_a_row = models.PositiveIntegerField(default=10)
    losses_counted_from = models.DateTimeField(
        null=True, blank=True, help_text="A person looked: earlier losses count no more."
    )
    max_balance_share_u = models.BigIntegerField(default=50_000, help_text="Part of the cash one order may cost.")
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "account limits"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    max_order_usd_u__gte=0,
                    max_position_usd_u__gte=0,
                    max_exposure_usd_u__gte=0,
                    max_daily_loss_usd_u__gte=0,
                    max_balance_share_u__gte=0,
                    max_balance_share_u__lte=1_000_000,
                ),
                name="accountlimits_in_range",
            )
        ]

    def __str__(self) -> str:
        return f"limits of {self.venue_account}"


class TradingHalt(PublicId):
    """One cause that stops one scope; a scope without a row is ACTIVE. `epoch` grows with every change.

    Invariant: causes stand side by side, one row per `code`, and the strictest holds. Whoever lifts one cause leaves
    the others: the guard cannot lift a person's halt, nor a person an operator's.
    """

    scope = models.CharField(max_length=16, choices=choices_of(HaltScope))
    scope_key = models.CharField(max_length=160, blank=True, help_text="Empty for global; else an id or a uid.")
    state = models.CharField(max_length=16, choices=choices_of(HaltState), default=HaltState.ACTIVE)
    epoch = models.PositiveBigIntegerField(default=0)
    code = models.CharField(max_length=48, blank=True, help_text="The cause: whose halt it is.")
    reason = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=120, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["scope", "scope_key", "code"]
        constraints = [
            only("scope", HaltScope),
            only("state", HaltState),
            models.UniqueConstraint(fields=["scope", "scope_key", "code"], name="tradinghalt_one_per_cause"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.scope_key}: {self.state}"
