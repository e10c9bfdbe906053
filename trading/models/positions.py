"""Fills, what they did to positions and cash, and settlements. Exact integers: µcontracts and µUSD.

Invariant: cash and positions change only by inserting a row (Fill, FillVoid, Settlement, CashEntry). `Position` and
`AccountLedger` are folds of those rows kept for speed; `trading.services.refold` proves that they are equal.
"""

from __future__ import annotations

from enum import StrEnum

from django.db import models

from accounts.models import VenueAccount
from core import clock
from core.models import AppendOnly, PublicId, Stamped, choices_of, only
from markets.models import Market
from trading.models.orders import Order
from venues.types import Outcome, SettleState, Side


class Fill(PublicId, Stamped):
    """One execution as the venue reported it. Only `settle_state` ever changes, and `order` with what follows from it
    (`slippage_u`), by compare-and-set."""

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="fills")
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="fills")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="fills")
    trade_id = models.CharField(max_length=128)
    leg = models.CharField(max_length=128, blank=True)
    venue_order_id = models.CharField(max_length=128, blank=True)
    client_order_id = models.CharField(max_length=80, blank=True)
    side = models.CharField(max_length=4, choices=choices_of(Side))
    outcome = models.CharField(max_length=3, choices=choices_of(Outcome))
    price_u = models.BigIntegerField()
    qty_u = models.BigIntegerField()
    usd_u = models.BigIntegerField(help_text="price × quantity, rounded down to a µUSD.")
    fee_u = models.BigIntegerField(help_text="As the venue reported it; a rebate is negative.")
    slippage_u = models.BigIntegerField(
        null=True, blank=True, help_text="µUSD against the decision price; + is worse. Null: no decision of ours."
    )
    is_taker = models.BooleanField()
    settle_state = models.CharField(max_length=10, choices=choices_of(SettleState))
    venue_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            only("side", Side),
            only("outcome", Outcome),
            only("settle_state", SettleState),
            models.CheckConstraint(condition=models.Q(qty_u__gt=0, price_u__gte=0, usd_u__gte=0), name="fill_amounts"),
            models.UniqueConstraint(fields=["venue_account", "trade_id", "leg"], name="fill_once"),
        ]
        indexes = [models.Index(fields=["venue_account", "market", "id"], name="fill_by_market")]

    def __str__(self) -> str:
        return f"{self.side} {self.outcome} {self.trade_id}"

    @property
    def is_pending_settlement(self) -> bool:
        """Matched, and the venue may still take it back."""
        return self.settle_state == SettleState.PENDING


class FillVoid(AppendOnly):
    """The venue took a fill back (Polymarket FAILED). The fill stays visible; both net to nothing."""

    fill = models.OneToOneField(Fill, on_delete=models.PROTECT, related_name="void")
    reason = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"void of {self.fill}"


class Position(PublicId, Stamped):
    """One stay in one outcome of a market, from the first contract bought to the last one gone.

    `paid_u` and `fees_u` are what the contracts still held cost; `realized_u` is what those gone earned, after every
    fee; `returned_u` the cash they brought. The numbers of a `trading.domain.positions.Leg`, kept.
    """

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="positions")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="positions")
    outcome = models.CharField(max_length=3, choices=choices_of(Outcome))
    sequence = models.PositiveIntegerField(help_text="1 for the first stay in this outcome of this market.")
    strategy = models.CharField(max_length=48, blank=True)
    entry_decision_id = models.CharField(max_length=64, blank=True)
    qty_u = models.BigIntegerField(default=0)
    paid_u = models.BigIntegerField(default=0)
    fees_u = models.BigIntegerField(default=0)
    realized_u = models.BigIntegerField(default=0)
    bought_u = models.BigIntegerField(default=0)
    bought_paid_u = models.BigIntegerField(default=0)
    returned_u = models.BigIntegerField(default=0)
    is_open = models.BooleanField(default=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            only("outcome", Outcome),
            models.CheckConstraint(condition=models.Q(qty_u__gte=0, paid_u__gte=0), name="position_amounts"),
            models.UniqueConstraint(
                fields=["venue_account", "market", "outcome", "sequence"], name="position_sequence_once"
            ),
            models.UniqueConstraint(
                fields=["venue_account", "market", "outcome"],
                condition=models.Q(is_open=True),
                name="position_one_open",
            ),
        ]
        indexes = [
            models.Index(
                fields=["venue_account", "-closed_at", "-id"],
                condition=models.Q(is_open=False),
                name="position_by_end",
            )
        ]

    def __str__(self) -> str:
        return f"{self.outcome} of {self.market}"

    @property
    def cost_u(self) -> int:
        """The most the contracts held can still lose, µUSD."""
        return self.paid_u + self.fees_u

    @property
    def entry_price_u(self) -> int:
        """Average price paid over the whole stay, without fees, rounded down."""
        return self.bought_paid_u * 1_000_000 // self.bought_u if self.bought_u else 0


class Settlement(PublicId, AppendOnly):
    """The venue paid a settled market, once per account and market. `payout_u` is what it credited at first; what it
    paid later of the same settlement are further SETTLEMENT cash entries."""

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="settlements")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="settlements")
    value_u = models.BigIntegerField()
    yes_qty_u = models.BigIntegerField()
    no_qty_u = models.BigIntegerField()
    payout_u = models.BigIntegerField()
    venue_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(value_u__gte=0, value_u__lte=1_000_000), name="settlement_value"),
            models.UniqueConstraint(fields=["venue_account", "market"], name="settlement_once"),
        ]

    def __str__(self) -> str:
        return f"settlement of {self.market}"


class CashKind(StrEnum):
    """TRADE is price × quantity, with the dollar a netting venue pays at once for a YES and a NO that meet."""

    OPENING = "opening"
    TRADE = "trade"
    FEE = "fee"
    SETTLEMENT = "settlement"
    VOID = "void"
    EXTERNAL = "external"


class CashEntry(AppendOnly):
    """One change of an account's cash, signed. The balance is the sum."""

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="cash_entries")
    kind = models.CharField(max_length=12, choices=choices_of(CashKind))
    amount_u = models.BigIntegerField()
    ref = models.CharField(max_length=180, help_text="What it stands for; unique per account and kind.")
    market = models.ForeignKey(Market, null=True, blank=True, on_delete=models.PROTECT)
    fill = models.ForeignKey(Fill, null=True, blank=True, on_delete=models.PROTECT, related_name="cash_entries")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "cash entries"
        constraints = [
            only("kind", CashKind),
            models.UniqueConstraint(fields=["venue_account", "kind", "ref"], name="cashentry_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_u} µUSD"


class AccountLedger(models.Model):
    """Cash and reservations of an account, folded. The row every claim of the account updates, so claims queue here."""

    venue_account = models.OneToOneField(VenueAccount, on_delete=models.PROTECT, related_name="ledger")
    cash_u = models.BigIntegerField(default=0)
    reserved_u = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(reserved_u__gte=0), name="ledger_reserved_positive")]

    def __str__(self) -> str:
        return f"ledger of {self.venue_account}"


class EquityMark(models.Model):
    """The highest worth of an account and its worth at the start of the (venue's) day, as last noted.

    Both move with deposits and withdrawals: they measure trading, not transfers. `deposits_u`: all of them so far.
    """

    venue_account = models.OneToOneField(VenueAccount, on_delete=models.PROTECT, related_name="equity_mark")
    peak_u = models.BigIntegerField()
    equity_u = models.BigIntegerField()
    deposits_u = models.BigIntegerField()
    day = models.DateField()
    day_start_u = models.BigIntegerField()
    noted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"equity of {self.venue_account}: {self.equity_u} µUSD"


class PnlDay(models.Model):
    """What an account earned for good on one UTC day, after fees; the sum over days is the sum over positions."""

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="pnl_days")
    day = models.DateField()
    realized_u = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["venue_account", "day"], name="pnlday_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.realized_u} µUSD"
