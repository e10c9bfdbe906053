"""The limits of an account and the halts that stop trading.

Invariant: a halt is a row that every claim reads inside its own transaction, so it holds for the next order at once.
"""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models

from accounts.models import VenueAccount
from core import clock
from core.models import PublicId, Stamped, choices_of, only
from risk.limits import NAMES

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


class LimitColumns(models.Model):
    """Every limit of `risk.limits.NAMES` as a column; null: this level says nothing."""

    max_order_usd_u = models.BigIntegerField(null=True, blank=True)
    max_order_qty_u = models.BigIntegerField(null=True, blank=True)
    max_position_usd_u = models.BigIntegerField(null=True, blank=True)
    max_game_usd_u = models.BigIntegerField(null=True, blank=True)
    max_group_usd_u = models.BigIntegerField(null=True, blank=True)
    max_exposure_usd_u = models.BigIntegerField(null=True, blank=True)
    max_exposure_share_u = models.BigIntegerField(null=True, blank=True)
    max_balance_share_u = models.BigIntegerField(null=True, blank=True)
    cash_buffer_usd_u = models.BigIntegerField(null=True, blank=True)
    cash_buffer_share_u = models.BigIntegerField(null=True, blank=True)
    max_daily_loss_usd_u = models.BigIntegerField(null=True, blank=True)
    max_daily_loss_share_u = models.BigIntegerField(null=True, blank=True)
    max_drawdown_share_u = models.BigIntegerField(null=True, blank=True)
    max_losses_in_a_row = models.PositiveIntegerField(null=True, blank=True)
    max_open_orders = models.PositiveIntegerField(null=True, blank=True)
    max_unknown_market = models.PositiveIntegerField(null=True, blank=True)
    max_unknown_account = models.PositiveIntegerField(null=True, blank=True)
    max_entries_10min = models.PositiveIntegerField(null=True, blank=True)
    max_entries_day = models.PositiveIntegerField(null=True, blank=True)
    max_messages_per_fill = models.PositiveIntegerField(null=True, blank=True)
    max_rejects_share_u = models.BigIntegerField(null=True, blank=True)
    duplicate_window_ms = models.PositiveIntegerField(null=True, blank=True)
    max_orders_per_s = models.PositiveIntegerField(null=True, blank=True)
    collar_price_u = models.BigIntegerField(null=True, blank=True)
    fair_band_price_u = models.BigIntegerField(null=True, blank=True)
    max_move_price_u = models.BigIntegerField(null=True, blank=True)
    max_depth_share_u = models.BigIntegerField(null=True, blank=True)
    max_edge_price_u = models.BigIntegerField(null=True, blank=True)
    min_edge_price_u = models.BigIntegerField(null=True, blank=True)
    max_book_age_ms = models.PositiveIntegerField(null=True, blank=True)
    max_book_age_pregame_ms = models.PositiveIntegerField(null=True, blank=True)
    max_score_age_ms = models.PositiveIntegerField(null=True, blank=True)
    max_skew_ms = models.PositiveIntegerField(null=True, blank=True)
    close_guard_ms = models.PositiveIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        abstract = True

    def said(self) -> dict[str, int | None]:
        """What this level says, by the names of `risk.limits`."""
        return {name: getattr(self, name) for name in NAMES}


class AccountLimits(LimitColumns):
    """Hard limits of one venue account, in µUSD, counts and millionths. A zero allows nothing; a null is the default
    of `risk.limits.ACCOUNT_DEFAULTS`."""

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


class LimitLevel(StrEnum):
    VENUE = "venue"
    STRATEGY = "strategy"


class LevelLimits(PublicId, LimitColumns):
    """What a venue, or a strategy, allows every account; a null leaves it to the other levels."""

    level = models.CharField(max_length=16, choices=choices_of(LimitLevel))
    key = models.CharField(max_length=48, help_text="The venue's or the strategy's name.")

    class Meta:
        ordering = ["level", "key"]
        verbose_name_plural = "level limits"
        constraints = [
            only("level", LimitLevel),
            models.UniqueConstraint(fields=["level", "key"], name="levellimits_once"),
        ]

    def __str__(self) -> str:
        return f"limits of {self.level} {self.key}"


class RaiseState(StrEnum):
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


class LimitRaise(PublicId, Stamped):
    """Limits that one person wants higher and another one has to confirm. `values` by name, as in `risk.limits`."""

    limits = models.ForeignKey(LevelLimits, null=True, blank=True, on_delete=models.PROTECT, related_name="raises")
    account = models.ForeignKey(VenueAccount, null=True, blank=True, on_delete=models.PROTECT, related_name="raises")
    values = models.JSONField()
    reason = models.CharField(max_length=300)
    asked_by = models.CharField(max_length=120)
    answered_by = models.CharField(max_length=120, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=choices_of(RaiseState), default=RaiseState.WAITING)

    class Meta:
        ordering = ["-id"]
        constraints = [
            only("state", RaiseState),
            models.CheckConstraint(
                condition=models.Q(limits__isnull=True) ^ models.Q(account__isnull=True), name="limitraise_of_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state}: {self.limits or self.account}"


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
    flatten = models.BooleanField(default=False, help_text="Sell what is held too, within the slippage cap.")
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


class KillSwitchEvent(PublicId):
    """One emergency stop from its trigger to the day a person armed again: the head of its receipt.

    Invariant: written in the transaction of the halt that it tells of; one per epoch of a halt. What each venue account
    came to is a `KillSwitchPart`.
    """

    halt = models.ForeignKey(TradingHalt, on_delete=models.PROTECT, related_name="events")
    halt_epoch = models.PositiveBigIntegerField()
    scope = models.CharField(max_length=16, choices=choices_of(HaltScope))
    scope_key = models.CharField(max_length=160, blank=True)
    state = models.CharField(max_length=16, choices=choices_of(HaltState))
    code = models.CharField(max_length=48, help_text="What triggered it.")
    actor = models.CharField(max_length=120)
    reason = models.CharField(max_length=300)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    flatten = models.BooleanField(default=False)
    started_at = models.DateTimeField(default=clock.now)
    rearm_asked_by = models.CharField(max_length=120, blank=True)
    rearm_asked_at = models.DateTimeField(null=True, blank=True)
    rearmed_by = models.CharField(max_length=120, blank=True)
    rearmed_at = models.DateTimeField(null=True, blank=True)
    resolution = models.TextField(blank=True, help_text="Why it was safe to trade again, and what was found.")
    never_heard = models.ManyToManyField(
        VenueAccount,
        blank=True,
        related_name="+",
        help_text="Accounts that it concerned and that nobody had come to when it ended.",
    )

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            only("scope", HaltScope),
            only("state", HaltState),
            models.UniqueConstraint(fields=["halt", "halt_epoch"], name="killswitchevent_one_per_epoch"),
        ]

    def __str__(self) -> str:
        return f"stop of {self.scope} {self.scope_key} ({self.code})".replace("  ", " ")


class KillSwitchPart(PublicId):
    """What the stop came to at one venue account: open before, gone when and by whose proof, what is left and why.

    `first_cancel_at` is the send of the first cancel; `proven_gone_at` the end of the venue's own list that showed
    nothing of ours in scope any more. Quantities in counts, money in µUSD.
    """

    event = models.ForeignKey(KillSwitchEvent, on_delete=models.PROTECT, related_name="parts")
    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="stops")
    noticed_at = models.DateTimeField(default=clock.now)
    orders_open = models.PositiveIntegerField(default=0)
    orders = models.JSONField(default=list, help_text="Our orders that worked when it began.")
    first_cancel_at = models.DateTimeField(null=True, blank=True)
    cancels_sent = models.PositiveIntegerField(default=0)
    proven_gone_at = models.DateTimeField(null=True, blank=True)
    proven_by = models.CharField(max_length=16, blank=True, help_text="trader or guard")
    stuck = models.JSONField(default=list, help_text="What cannot be canceled or sold now, why, and until when.")
    left_alone = models.PositiveIntegerField(default=0, help_text="Orders at the venue that are not ours.")
    positions_open = models.PositiveIntegerField(default=0)
    positions_closed = models.PositiveIntegerField(default=0)
    flat_at = models.DateTimeField(null=True, blank=True)
    realized_before_u = models.BigIntegerField(default=0)
    pnl_u = models.BigIntegerField(default=0, help_text="Realized since the stop began, after fees.")

    class Meta:
        ordering = ["event", "venue_account"]
        constraints = [
            models.UniqueConstraint(fields=["event", "venue_account"], name="killswitchpart_one_per_account")
        ]

    def __str__(self) -> str:
        return f"{self.event} at {self.venue_account}"
