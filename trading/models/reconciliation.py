"""What comparing our books with a venue's found: a row per comparison, per difference, per order nobody here knows.

Story: a run reads an account at its venue and compares. A difference that two healthy reads agree on is a `Finding`;
an order of ours that our books do not have is an `OrphanedOrder`. Invariant: the same difference of an account is one
open row, however often it is found, and nothing here is ever settled by guessing: a row ends by evidence or by a person
who says why.
"""

from __future__ import annotations

from enum import StrEnum

from django.db import models

from accounts.models import VenueAccount
from core import clock
from core.models import PublicId, Stamped, choices_of, only
from trading.domain.reconciling import DifferenceKind
from trading.models.orders import Order
from trading.models.positions import CashEntry
from venues.types import OrderState, Outcome, Side


class RunTrigger(StrEnum):
    """START and SHUTDOWN of a trader, PERIODIC and RECONNECT while it runs; the rest without one."""

    START = "start"
    PERIODIC = "periodic"
    RECONNECT = "reconnect"
    SHUTDOWN = "shutdown"
    BEAT = "beat"
    API = "api"
    CLI = "cli"


class RunOutcome(StrEnum):
    """ASKED: nobody has begun it yet. FAILED: the venue could not be read whole, so nothing is known."""

    ASKED = "asked"
    CLEAN = "clean"
    DIFFERENCES = "differences"
    FAILED = "failed"


class FindingState(StrEnum):
    """RESOLVED: gone by itself or by evidence. BOOKED: became a cash entry of its own. DISMISSED: a person said why."""

    OPEN = "open"
    RESOLVED = "resolved"
    BOOKED = "booked"
    DISMISSED = "dismissed"


class OrphanState(StrEnum):
    """CLOSING: a person wants it off, the trader cancels it and proves it. OPEN and CLOSING wait; the rest are ends."""

    OPEN = "open"
    CLOSING = "closing"
    ADOPTED = "adopted"
    CLOSED = "closed"
    FALSE_POSITIVE = "false_positive"


UNRESOLVED = (OrphanState.OPEN, OrphanState.CLOSING)


class ReconciliationRun(PublicId, Stamped):
    """One comparison of an account with its venue. `evidence`: what was read, counted, and what was tolerated."""

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="reconciliations")
    trigger = models.CharField(max_length=10, choices=choices_of(RunTrigger))
    outcome = models.CharField(max_length=12, choices=choices_of(RunOutcome), default=RunOutcome.ASKED)
    asked_by = models.CharField(max_length=120, blank=True)
    began_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    differences = models.PositiveIntegerField(default=0)
    orphans = models.PositiveIntegerField(default=0)
    detail = models.CharField(max_length=300, blank=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        constraints = [only("trigger", RunTrigger), only("outcome", RunOutcome)]
        indexes = [models.Index(fields=["venue_account", "-ended_at"], name="reconciliation_latest")]

    def __str__(self) -> str:
        return f"{self.trigger}: {self.outcome}"


class Finding(PublicId, Stamped):
    """One difference between our books and the venue's. `ours_u` and `theirs_u`: µUSD or µcontracts, by its kind."""

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="findings")
    kind = models.CharField(max_length=16, choices=choices_of(DifferenceKind))
    key = models.CharField(max_length=220, help_text="The same for the same difference.")
    state = models.CharField(max_length=10, choices=choices_of(FindingState), default=FindingState.OPEN)
    market_id = models.CharField(max_length=160, blank=True)
    ours_u = models.BigIntegerField(default=0)
    theirs_u = models.BigIntegerField(default=0)
    text = models.CharField(max_length=300)
    evidence = models.JSONField(default=dict)
    times_seen = models.PositiveIntegerField(default=1)
    run = models.ForeignKey(
        ReconciliationRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="findings"
    )
    cash_entry = models.ForeignKey(CashEntry, null=True, blank=True, on_delete=models.PROTECT, related_name="findings")
    seen_at = models.DateTimeField(default=clock.now)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            only("kind", DifferenceKind),
            only("state", FindingState),
            models.UniqueConstraint(
                fields=["venue_account", "key"], condition=models.Q(state="open"), name="finding_one_open"
            ),
        ]
        indexes = [models.Index(fields=["venue_account", "state"], name="finding_by_state")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


class OrphanedOrder(PublicId, Stamped):
    """An order at the venue that carries our mark and that our books do not have.

    Its fills are booked like all fills; what is missing is the order they belong to, and who looks after the rest.
    """

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="orphans")
    market_id = models.CharField(max_length=160)
    venue_order_id = models.CharField(max_length=128)
    client_order_id = models.CharField(max_length=80, blank=True)
    side = models.CharField(max_length=4, choices=choices_of(Side), blank=True)
    outcome = models.CharField(max_length=3, choices=choices_of(Outcome), blank=True)
    price_u = models.BigIntegerField(default=0)
    qty_u = models.BigIntegerField(default=0)
    filled_u = models.BigIntegerField(default=0)
    remaining_u = models.BigIntegerField(default=0)
    venue_state = models.CharField(max_length=10, choices=choices_of(OrderState))
    state = models.CharField(max_length=16, choices=choices_of(OrphanState), default=OrphanState.OPEN)
    found_at_start = models.BooleanField(default=False)
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="orphans")
    evidence = models.JSONField(default=dict)
    venue_at = models.DateTimeField()
    seen_at = models.DateTimeField(default=clock.now)
    reason = models.CharField(max_length=300, blank=True)
    resolved_by = models.CharField(max_length=120, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(side__in=["", "buy", "sell"]), name="orphan_side_known"),
            models.CheckConstraint(condition=models.Q(outcome__in=["", "yes", "no"]), name="orphan_outcome_known"),
            only("venue_state", OrderState),
            only("state", OrphanState),
            models.UniqueConstraint(fields=["venue_account", "venue_order_id"], name="orphan_once"),
        ]
        indexes = [models.Index(fields=["venue_account", "state"], name="orphan_by_state")]

    def __str__(self) -> str:
        return f"{self.client_order_id or self.venue_order_id} at {self.market_id}"

    @property
    def is_unresolved(self) -> bool:
        return self.state in UNRESOLVED

    @property
    def is_at_venue(self) -> bool:
        """It may still fill, as far as the venue last told."""
        return self.venue_state in (OrderState.RESTING, OrderState.DELAYED)
