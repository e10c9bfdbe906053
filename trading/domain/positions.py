"""Positions and their profit, folded from fills and settlements, in exact integers.

Story: a holding is what one account owns in one market, a YES leg and a NO leg. Every fill closes what it offsets and
opens the rest; a settlement closes both legs. Selling an outcome beyond what is held is buying the other outcome at
1 − price, and where the venue nets, buying one outcome first closes the other.

Invariants: realized + still invested = cash that moved, to the µUSD, for any order of fills; a mirrored fill (YES at p
for NO at 1 − p, the other side) gives the mirrored holding. Rounding points: the worth of a fill is floored to the
µUSD; the cost of a partly closed leg is shared out with the floor on the closed part, so nothing is lost.
"""

from __future__ import annotations

import msgspec

from venues.types import MICRO, Outcome, Side


class Leg(msgspec.Struct, frozen=True):
    """Contracts of one outcome: `paid_u` and `fees_u` are what the open quantity cost, `realized_u` the profit net of
    all fees since the leg was last empty."""

    qty_u: int = 0
    paid_u: int = 0
    fees_u: int = 0
    realized_u: int = 0

    @property
    def cost_u(self) -> int:
        """The most this leg can still lose, µUSD."""
        return self.paid_u + self.fees_u

    @property
    def entry_price_u(self) -> int:
        """Average price paid per contract without fees, floored; 0 for an empty leg."""
        return self.paid_u * MICRO // self.qty_u if self.qty_u else 0

    def unrealized_u(self, price_u: int, exit_fee_u: int = 0) -> int:
        """Profit if all were sold at `price_u` for `exit_fee_u`, µUSD, floored."""
        return self.qty_u * price_u // MICRO - exit_fee_u - self.cost_u

    def opened(self, qty_u: int, paid_u: int, fee_u: int) -> Leg:
        return Leg(self.qty_u + qty_u, self.paid_u + paid_u, self.fees_u + fee_u, self.realized_u)

    def closed(self, qty_u: int, proceeds_u: int, fee_u: int) -> Leg:
        """Take `qty_u` (at most what is held) off, earning `proceeds_u` less `fee_u`."""
        paid_u = self.paid_u * qty_u // self.qty_u
        fees_u = self.fees_u * qty_u // self.qty_u
        gain_u = proceeds_u - fee_u - paid_u - fees_u
        return Leg(self.qty_u - qty_u, self.paid_u - paid_u, self.fees_u - fees_u, self.realized_u + gain_u)


class Holding(msgspec.Struct, frozen=True):
    """Both legs of one account in one market; `banked_u` is the profit of legs that were closed to zero."""

    yes: Leg = Leg()
    no: Leg = Leg()
    banked_u: int = 0

    def leg(self, outcome: Outcome) -> Leg:
        return self.yes if outcome is Outcome.YES else self.no

    def with_leg(self, outcome: Outcome, leg: Leg) -> Holding:
        """Replace a leg; a leg that has become empty banks its profit and starts anew."""
        banked_u = self.banked_u
        if not leg.qty_u:
            banked_u += leg.realized_u
            leg = Leg()
        if outcome is Outcome.YES:
            return Holding(leg, self.no, banked_u)
        return Holding(self.yes, leg, banked_u)

    @property
    def realized_u(self) -> int:
        return self.banked_u + self.yes.realized_u + self.no.realized_u

    @property
    def cost_u(self) -> int:
        return self.yes.cost_u + self.no.cost_u


def fold_fill(
    holding: Holding, *, side: Side, outcome: Outcome, price_u: int, qty_u: int, fee_u: int, nets: bool
) -> Holding:
    """The holding after one execution. `price_u` is of `outcome`; `nets`: the venue nets YES against NO.

    The fee is shared between the closing and the opening part by quantity, floored on the closing part.
    """
    if side is Side.SELL:
        closing, close_price_u = outcome, price_u
    else:
        closing, close_price_u = outcome.other, MICRO - price_u
    held_u = holding.leg(closing).qty_u if side is Side.SELL or nets else 0
    close_u = min(qty_u, held_u)
    close_fee_u = fee_u * close_u // qty_u
    if close_u:
        leg = holding.leg(closing).closed(close_u, close_u * close_price_u // MICRO, close_fee_u)
        holding = holding.with_leg(closing, leg)
    open_u = qty_u - close_u
    if open_u:
        paid_u = open_u * (MICRO - close_price_u) // MICRO
        opening = closing.other
        holding = holding.with_leg(opening, holding.leg(opening).opened(open_u, paid_u, fee_u - close_fee_u))
    return holding


def fold_settlement(holding: Holding, *, value_u: int, payout_u: int | None = None) -> Holding:
    """Close both legs at what one YES contract paid. `payout_u`: what the venue credited, taken as the truth; any
    difference to quantity × value lands on the NO leg (the YES leg when NO is empty)."""
    yes_u = holding.yes.qty_u * value_u // MICRO
    no_u = holding.no.qty_u * (MICRO - value_u) // MICRO
    if payout_u is not None:
        if holding.no.qty_u:
            no_u = payout_u - yes_u
        else:
            yes_u = payout_u
    if holding.yes.qty_u:
        holding = holding.with_leg(Outcome.YES, holding.yes.closed(holding.yes.qty_u, yes_u, 0))
    if holding.no.qty_u:
        holding = holding.with_leg(Outcome.NO, holding.no.closed(holding.no.qty_u, no_u, 0))
    return holding
