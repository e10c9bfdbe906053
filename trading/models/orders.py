"""Decisions, the orders they led to, and the evidence each order collected.

An `Order` is the write-ahead row: it is committed before a byte is sent and exists for ever. CLAIMED without evidence
after its send is the unknown state; it needs no transition of its own, so a crash cannot skip it.
Invariants the database holds: one live order per decision; a client order id is used once; a venue order belongs to
one row.
"""

from __future__ import annotations

from django.db import models

from accounts.models import User, VenueAccount
from core.models import AppendOnly, PublicId, Stamped, choices_of, only
from markets.models import Game, Market
from trading.domain.commands import Verdict
from trading.domain.lifecycle import Confirmation, OrderStatus, confirmation
from venues.types import Outcome, Side, TimeInForce


class Decision(PublicId, AppendOnly):
    """Why the program did something, or why it did not, with the numbers of that moment (prices are of `outcome`).

    `detail` holds the gates in order, the confidence with its factors and the steps of the sizing.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="decisions")
    decision_id = models.CharField(max_length=64, db_index=True)
    strategy = models.CharField(max_length=48)
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="decisions")
    game = models.ForeignKey(Game, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=3, choices=choices_of(Outcome))
    verdict = models.CharField(max_length=8, choices=choices_of(Verdict))
    reason = models.CharField(max_length=64, help_text="The gate that blocked it, or the rule that made it act.")
    note = models.CharField(max_length=300, blank=True)
    bid_u = models.BigIntegerField(null=True, blank=True)
    ask_u = models.BigIntegerField(null=True, blank=True)
    mid_u = models.BigIntegerField(null=True, blank=True)
    baseline_u = models.BigIntegerField(null=True, blank=True)
    fair_u = models.BigIntegerField(null=True, blank=True)
    price_u = models.BigIntegerField(null=True, blank=True)
    qty_u = models.BigIntegerField(null=True, blank=True)
    confidence_u = models.BigIntegerField(null=True, blank=True, help_text="Millionths of one.")
    detail = models.JSONField(default=dict)
    decided_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-id"]
        constraints = [only("outcome", Outcome), only("verdict", Verdict)]
        indexes = [models.Index(fields=["user", "market", "-id"], name="decision_by_market")]

    def __str__(self) -> str:
        return f"{self.verdict}: {self.reason}"


class Order(PublicId, Stamped):
    """One instruction to a venue. Changed only by `trading.services`, each time by compare-and-set on `status`."""

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="orders")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="orders", db_index=False)
    strategy = models.CharField(max_length=48, blank=True)
    purpose = models.CharField(max_length=24, blank=True)
    cause = models.CharField(max_length=160, blank=True, help_text="Why the session wanted it.")
    decision_id = models.CharField(max_length=64, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    client_order_id = models.CharField(max_length=80, unique=True)
    venue_order_id = models.CharField(max_length=128, blank=True)
    lease_epoch = models.PositiveBigIntegerField(default=0)
    fence_token = models.CharField(max_length=400, blank=True)
    side = models.CharField(max_length=4, choices=choices_of(Side))
    outcome = models.CharField(max_length=3, choices=choices_of(Outcome))
    price_u = models.BigIntegerField()
    decision_price_u = models.BigIntegerField(
        null=True, blank=True, help_text="What could be had when it was decided: the ask to buy, the bid to sell."
    )
    qty_u = models.BigIntegerField()
    time_in_force = models.CharField(max_length=3, choices=choices_of(TimeInForce))
    expires_at = models.DateTimeField(null=True, blank=True)
    post_only = models.BooleanField(default=False)
    reduce_only = models.BooleanField(default=False)
    is_external = models.BooleanField(default=False, help_text="Seen at the venue, not sent by this system.")
    status = models.CharField(max_length=10, choices=choices_of(OrderStatus), default=OrderStatus.CLAIMED)
    reason_code = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    filled_u = models.BigIntegerField(default=0)
    filled_usd_u = models.BigIntegerField(default=0)
    fee_u = models.BigIntegerField(default=0)
    slippage_u = models.BigIntegerField(default=0, help_text="Of its fills against the decision price; + is worse.")
    venue_filled_u = models.BigIntegerField(default=0, help_text="What the venue says is filled; never books a fill.")
    voided_u = models.BigIntegerField(default=0, help_text="Of that, what was booked here and taken back since.")
    max_cost_u = models.BigIntegerField(default=0, help_text="The most the whole order can cost, fee included.")
    reserved_u = models.BigIntegerField(default=0, help_text="What it holds of the account's cash now.")
    body_sha256 = models.CharField(max_length=64, blank=True)
    claimed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    unknown_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=80, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            only("status", OrderStatus),
            only("side", Side),
            only("outcome", Outcome),
            only("time_in_force", TimeInForce),
            models.CheckConstraint(condition=models.Q(price_u__gt=0, price_u__lt=1_000_000), name="order_price_range"),
            models.CheckConstraint(
                condition=models.Q(qty_u__gt=0, filled_u__gte=0, voided_u__gte=0, reserved_u__gte=0, max_cost_u__gte=0),
                name="order_amounts_positive",
            ),
            models.UniqueConstraint(
                fields=["venue_account", "decision_id", "attempt"],
                condition=~models.Q(decision_id=""),
                name="order_attempt_once",
            ),
            models.UniqueConstraint(
                fields=["venue_account", "decision_id"],
                condition=~models.Q(decision_id="") & ~models.Q(status__in=["denied", "void"]),
                name="order_one_live_per_decision",
            ),
            models.UniqueConstraint(
                fields=["venue_account", "venue_order_id"],
                condition=~models.Q(venue_order_id=""),
                name="order_venue_id_once",
            ),
        ]
        # Each holds a part of `trading.selectors.claim_sql` ready, whose conditions repeat these word for word.
        indexes = [
            models.Index(
                fields=["venue_account"],
                condition=models.Q(status__in=["claimed", "open"])
                | models.Q(reserved_u__gt=0)
                | models.Q(venue_filled_u__gt=models.F("filled_u") + models.F("voided_u") + 10_000),  # more than dust
                name="order_alive",
            ),
            models.Index(
                fields=["venue_account", "-id"],
                condition=models.Q(sent_at__isnull=False) & ~models.Q(status__in=["claimed", "open"]),
                name="order_ended",
            ),
            models.Index(fields=["venue_account", "-claimed_at"], name="order_lately"),
            models.Index(fields=["market", "-claimed_at"], name="order_in_market"),
            models.Index(
                fields=["venue_account", "-cancel_requested_at"],
                condition=models.Q(cancel_requested_at__isnull=False),
                name="order_cancels",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.outcome} {self.client_order_id}"

    @property
    def is_working(self) -> bool:
        """It may still fill: claimed (in flight or unknown) or open."""
        return self.status in (OrderStatus.CLAIMED, OrderStatus.OPEN)

    @property
    def confirmation(self) -> Confirmation:
        return confirmation(
            OrderStatus(self.status), filled_u=self.filled_u, qty_u=self.qty_u, cancel_reason=self.cancel_reason
        )

    @property
    def unseen_u(self) -> int:
        """µcontracts that the venue says are filled and of which no fill was ever told."""
        return max(0, self.venue_filled_u - self.filled_u - self.voided_u)

    @property
    def is_filled_whole(self) -> bool:
        """All of it was executed; what was taken back since was executed all the same."""
        return self.filled_u + self.voided_u >= self.qty_u

    @property
    def is_unknown(self) -> bool:
        return self.status == OrderStatus.CLAIMED and self.unknown_at is not None


class OrderEvent(AppendOnly):
    """One piece of evidence: what was seen, from where, and the status it led to."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=32)
    from_status = models.CharField(max_length=10, choices=choices_of(OrderStatus))
    to_status = models.CharField(max_length=10, choices=choices_of(OrderStatus))
    payload = models.JSONField(default=dict)
    raw_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [only("from_status", OrderStatus), only("to_status", OrderStatus)]

    def __str__(self) -> str:
        return f"{self.kind}: {self.from_status} → {self.to_status}"
