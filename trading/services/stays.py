"""Stays: how fills and a settlement of one account in one market become positions. Pure; the arithmetic is
`trading.domain.positions`, this keeps what a page and the day's result need on top of it.

A stay is one time in one outcome, from flat to flat. Invariant: folding all fills of a market in venue order and then
its settlement gives the same stays as booking them one by one as they came (`cached == refold`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from trading.domain.positions import Holding, Leg, fold_fill, fold_settlement
from venues.types import Outcome, Side


@dataclass(slots=True)
class Stay:
    """Numbers as in `trading.models.Position`."""

    outcome: Outcome
    sequence: int
    opened_at: datetime
    leg: Leg = field(default_factory=Leg)
    bought_u: int = 0
    bought_paid_u: int = 0
    returned_u: int = 0
    realized_u: int = 0
    closed_at: datetime | None = None
    entry_decision_id: str = ""
    strategy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillFact:
    """One execution, as booked."""

    side: Side
    outcome: Outcome
    price_u: int
    qty_u: int
    fee_u: int
    at: datetime
    decision_id: str = ""
    strategy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementFact:
    value_u: int
    payout_u: int
    at: datetime


@dataclass(slots=True)
class MarketStays:
    """The stays of one account in one market. `nets`: the venue nets YES against NO at once."""

    nets: bool
    stays: list[Stay] = field(default_factory=list)

    @property
    def holding(self) -> Holding:
        legs = {stay.outcome: stay.leg for stay in self.stays if stay.closed_at is None}
        return Holding(legs.get(Outcome.YES, Leg()), legs.get(Outcome.NO, Leg()))

    @property
    def realized_u(self) -> int:
        return sum(stay.realized_u for stay in self.stays)

    def take_fill(self, fill: FillFact) -> int:
        """Fold one execution in. Returns the cash it moved, µUSD, fee included."""
        before = self.holding
        after = fold_fill(
            before,
            side=fill.side,
            outcome=fill.outcome,
            price_u=fill.price_u,
            qty_u=fill.qty_u,
            fee_u=fill.fee_u,
            nets=self.nets,
        )
        for outcome in Outcome:
            self._move(outcome, before.leg(outcome), after.leg(outcome), after.banked_u, fill)
        return (after.realized_u - before.realized_u) - (after.cost_u - before.cost_u)

    def settle(self, fact: SettlementFact) -> None:
        """Close what is open at what the venue paid; a difference to quantity × value lands on the last leg."""
        left_u = fact.payout_u
        open_stays = [stay for stay in self.stays if stay.closed_at is None]
        for stay in sorted(open_stays, key=lambda stay: stay.outcome is Outcome.NO):
            is_last = stay is max(open_stays, key=lambda one: one.outcome is Outcome.NO)
            alone = Holding(stay.leg, Leg()) if stay.outcome is Outcome.YES else Holding(Leg(), stay.leg)
            after = fold_settlement(alone, value_u=fact.value_u, payout_u=left_u if is_last else None)
            paid_u = after.realized_u - alone.realized_u + stay.leg.cost_u
            left_u -= paid_u
            _close(stay, realized_u=after.realized_u, returned_u=paid_u, at=fact.at)

    def _move(self, outcome: Outcome, before: Leg, after: Leg, banked_u: int, fill: FillFact) -> None:
        if after.qty_u > before.qty_u:
            stay = self._open_stay(outcome) or self._new_stay(outcome, fill)
            stay.bought_u += after.qty_u - before.qty_u
            stay.bought_paid_u += after.paid_u - before.paid_u
            stay.leg, stay.realized_u = after, after.realized_u
        elif after.qty_u < before.qty_u:
            stay = self._open_stay(outcome) or self._new_stay(outcome, fill)
            realized_u = after.realized_u if after.qty_u else banked_u
            returned_u = realized_u - before.realized_u + before.cost_u - after.cost_u
            if after.qty_u:
                stay.leg, stay.realized_u = after, realized_u
                stay.returned_u += returned_u
            else:
                _close(stay, realized_u=realized_u, returned_u=returned_u, at=fill.at)

    def _open_stay(self, outcome: Outcome) -> Stay | None:
        return next((stay for stay in self.stays if stay.outcome is outcome and stay.closed_at is None), None)

    def _new_stay(self, outcome: Outcome, fill: FillFact) -> Stay:
        sequence = 1 + max((stay.sequence for stay in self.stays if stay.outcome is outcome), default=0)
        stay = Stay(outcome, sequence, fill.at, entry_decision_id=fill.decision_id, strategy=fill.strategy)
        self.stays.append(stay)
        return stay


def _close(stay: Stay, *, realized_u: int, returned_u: int, at: datetime) -> None:
    stay.leg, stay.realized_u, stay.closed_at = Leg(), realized_u, at
    stay.returned_u += returned_u


def fold(*, nets: bool, fills: Iterable[FillFact], settlement: SettlementFact | None) -> MarketStays:
    """All stays from nothing. Fills in the venue's order; buys before sells of one moment, so nothing is oversold."""
    market = MarketStays(nets=nets)
    for fill in sorted(fills, key=lambda fill: (fill.at, fill.side is Side.SELL)):
        market.take_fill(fill)
    if settlement is not None:
        market.settle(settlement)
    return market
