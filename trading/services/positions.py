"""Positions kept in step with fills: load the stays of a market, fold, store what changed, book the day's result.

Called inside the transaction that books the fill or the settlement, after the ledger's lock.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Sum

from accounts.models import VenueAccount
from markets.models import Market
from trading.domain.positions import Leg
from trading.models import CashEntry, CashKind, Fill, PnlDay, Position, Settlement
from trading.selectors.venue_rules import nets_yes_and_no
from trading.services.stays import FillFact, MarketStays, SettlementFact, Stay, fold
from venues.types import Outcome, SettleState, Side


def stays_kept(account: VenueAccount, market: Market) -> MarketStays:
    """What `Position` says of this market. Rows that voids have emptied are free to be used again."""
    rows = Position.objects.filter(venue_account=account, market=market, bought_u__gt=0).order_by("opened_at", "id")
    return MarketStays(nets=nets_yes_and_no(account.venue), stays=[_stay_of(row) for row in rows])


def stays_refolded(account: VenueAccount, market: Market) -> MarketStays:
    """What the rows of fills, voids and settlement say of this market."""
    fills = Fill.objects.filter(venue_account=account, market=market).exclude(settle_state=SettleState.FAILED)
    settlement = Settlement.objects.filter(venue_account=account, market=market).first()
    return fold(
        nets=nets_yes_and_no(account.venue),
        fills=[fill_fact(fill) for fill in fills.select_related("order").order_by("id")],
        settlement=settlement_fact(settlement, payout_u=settled_paid_u(account, market)) if settlement else None,
    )


def settled_paid_u(account: VenueAccount, market: Market) -> int:
    """All that the market's settlement has paid so far, in however many parts, µUSD."""
    entries = CashEntry.objects.filter(venue_account=account, market=market, kind=CashKind.SETTLEMENT)
    return int(entries.aggregate(u=Sum("amount_u", default=0))["u"])


def positions_store(account: VenueAccount, market: Market, stays: MarketStays, *, at: datetime) -> None:
    """Write stays that differ from their rows, and the change of the result on the day of `at` (UTC)."""
    kept = {(row.outcome, row.sequence): row for row in _rows(account, market)}
    before_u = sum(row.realized_u for row in kept.values())
    wanted = {(str(stay.outcome), stay.sequence): stay for stay in stays.stays}
    for key in kept.keys() - wanted.keys():
        wanted[key] = _emptied(kept[key])
    # Closed rows first: the database allows one open row per outcome at a time.
    for key, stay in sorted(wanted.items(), key=lambda item: item[1].closed_at is None):
        _store(kept.get(key) or Position(venue_account=account, market=market), stay)
    day_book(account, at=at, change_u=stays.realized_u - before_u)


def day_book(account: VenueAccount, *, at: datetime, change_u: int) -> None:
    if change_u:
        PnlDay.objects.bulk_create([PnlDay(venue_account=account, day=at.date())], ignore_conflicts=True)
        rows = PnlDay.objects.filter(venue_account=account, day=at.date())
        rows.update(realized_u=F("realized_u") + change_u)


def fill_fact(fill: Fill) -> FillFact:
    return FillFact(
        side=Side(fill.side),
        outcome=Outcome(fill.outcome),
        price_u=fill.price_u,
        qty_u=fill.qty_u,
        fee_u=fill.fee_u,
        at=fill.venue_at,
        decision_id=fill.order.decision_id if fill.order else "",
        strategy=fill.order.strategy if fill.order else "",
    )


def settlement_fact(row: Settlement, *, payout_u: int) -> SettlementFact:
    return SettlementFact(value_u=row.value_u, payout_u=payout_u, at=row.venue_at)


def _rows(account: VenueAccount, market: Market) -> list[Position]:
    return list(Position.objects.filter(venue_account=account, market=market))


def _stay_of(row: Position) -> Stay:
    leg = Leg(row.qty_u, row.paid_u, row.fees_u, row.realized_u) if row.is_open else Leg()
    return Stay(
        outcome=Outcome(row.outcome),
        sequence=row.sequence,
        opened_at=row.opened_at,
        leg=leg,
        bought_u=row.bought_u,
        bought_paid_u=row.bought_paid_u,
        returned_u=row.returned_u,
        realized_u=row.realized_u,
        closed_at=row.closed_at,
        entry_decision_id=row.entry_decision_id,
        strategy=row.strategy,
    )


def _emptied(row: Position) -> Stay:
    """A stay that voids have undone: its row remains, with nothing in it."""
    closed_at = row.closed_at or row.opened_at
    return Stay(Outcome(row.outcome), row.sequence, row.opened_at, closed_at=closed_at, strategy=row.strategy)


def _store(row: Position, stay: Stay) -> None:
    values = {
        "outcome": str(stay.outcome),
        "sequence": stay.sequence,
        "strategy": stay.strategy,
        "entry_decision_id": stay.entry_decision_id,
        "qty_u": stay.leg.qty_u,
        "paid_u": stay.leg.paid_u,
        "fees_u": stay.leg.fees_u,
        "realized_u": stay.realized_u,
        "bought_u": stay.bought_u,
        "bought_paid_u": stay.bought_paid_u,
        "returned_u": stay.returned_u,
        "is_open": stay.closed_at is None,
        "opened_at": stay.opened_at,
        "closed_at": stay.closed_at,
    }
    if row.pk is not None and all(getattr(row, name) == value for name, value in values.items()):
        return
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
