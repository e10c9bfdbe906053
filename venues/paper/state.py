"""A paper account as the fold of its records: cash, contracts, orders, fills, settlements. Exact integers.

Invariants: cash = paid in + Σ cash of fills + Σ payouts; contracts and free cash are never negative; the fold of the
same records is the same account, fees with their roundings included.
"""

from __future__ import annotations

from venues.paper.dialect import Dialect
from venues.paper.records import (
    Ended,
    Fenced,
    Filled,
    Opened,
    PaperOrder,
    Placed,
    Record,
    Rested,
    Settled,
    as_yes_u,
)
from venues.types import MICRO, OrderState, Outcome, Side


class PaperState:
    """`held[market_id][outcome]` in µcontracts; `fences`: None once cut off."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.cash_u = 0
        self.is_opened = False
        self.orders: dict[str, PaperOrder] = {}
        self.by_client_id: dict[str, PaperOrder] = {}
        self.open: dict[str, PaperOrder] = {}
        self.fills: list[Filled] = []
        self.held: dict[str, dict[Outcome, int]] = {}
        self.settlements: dict[str, Settled] = {}
        self.fences: dict[str, Fenced | None] = {}

    def apply(self, record: Record) -> None:
        match record:
            case Opened():
                self.cash_u += record.cash_u
                self.is_opened = True
            case Placed():
                self._place(record)
            case Rested():
                self._move(self.orders[record.order_id], OrderState.RESTING, "", record.at_ms)
            case Filled():
                self._fill(record)
            case Ended():
                self._move(self.orders[record.order_id], record.state, record.reason, record.at_ms)
            case Settled():
                self.cash_u += record.payout_u
                self.settlements[record.market_id] = record
                self.held.pop(record.market_id, None)
            case Fenced():
                self.fences[record.token] = record if record.is_open else None

    def _place(self, placed: Placed) -> None:
        order = PaperOrder(placed, self.dialect.meter(placed.market.fees))
        self.orders[placed.order_id] = self.open[placed.order_id] = order
        self.by_client_id[placed.client_order_id] = order

    def _move(self, order: PaperOrder, state: OrderState, reason: str, at_ms: int) -> None:
        order.state, order.reason, order.updated_ms = state, reason, at_ms
        if not order.is_open:
            self.open.pop(order.placed.order_id, None)

    def _fill(self, fill: Filled) -> None:
        order = self.orders[fill.order_id]
        order.filled_u += fill.qty_u
        order.fills += 1
        order.updated_ms = fill.at_ms
        placed = order.placed
        order.meter.fee_u(side=placed.side, price_u=fill.price_u, qty_u=fill.qty_u, is_taker=fill.is_taker)
        self.cash_u += fill.cash_u
        self.fills.append(fill)
        held = self.held.setdefault(placed.market.market_id, {Outcome.YES: 0, Outcome.NO: 0})
        closing_u = self.closing_u(placed.market.market_id, placed.side, placed.outcome, fill.qty_u)
        adds = placed.outcome if placed.side is Side.BUY else placed.outcome.other
        held[adds.other] -= closing_u
        held[adds] += fill.qty_u - closing_u

    def closing_u(self, market_id: str, side: Side, outcome: Outcome, qty_u: int) -> int:
        """How much of an execution ends contracts that are held: those sold, or the other side of a netted pair."""
        if side is Side.BUY and not self.dialect.nets:
            return 0
        ends = outcome if side is Side.SELL else outcome.other
        return min(qty_u, self.of(market_id, ends))

    def of(self, market_id: str, outcome: Outcome) -> int:
        return self.held.get(market_id, {}).get(outcome, 0)

    def cash_of(self, placed: Placed, *, price_u: int, qty_u: int) -> int:
        """What an execution moves before its fee: the part that ends contracts brings money, the rest costs it.

        Floored to the µUSD once for each part, as the ledger of the trader does.
        """
        closing_u = self.closing_u(placed.market.market_id, placed.side, placed.outcome, qty_u)
        ends = placed.outcome if placed.side is Side.SELL else placed.outcome.other
        end_price_u = price_u if ends is placed.outcome else MICRO - price_u
        return closing_u * end_price_u // MICRO - (qty_u - closing_u) * (MICRO - end_price_u) // MICRO

    def reserved_u(self, *, market_id: str | None = None) -> int:
        """µUSD that open orders may still take, their fees at the limit included; of one market or of all."""
        by_market: dict[str, list[PaperOrder]] = {}
        for order in self.open.values():
            by_market.setdefault(order.placed.market.market_id, []).append(order)
        wanted = [market_id] if market_id is not None else list(by_market)
        return sum(self.need_u(one, by_market.get(one, [])) for one in wanted)

    def need_u(self, market_id: str, orders: list[PaperOrder]) -> int:
        """What these orders of one market hold. Where YES and NO net, the part that ends what is held needs nothing:
        the dearest order is counted against the holding first, because it trades first."""
        cover = {True: self.of(market_id, Outcome.NO), False: self.of(market_id, Outcome.YES)}
        total_u = 0
        for order in sorted(orders, key=lambda one: -_pay_price_u(one)):
            if not self.dialect.nets and order.placed.side is Side.SELL:
                continue
            closing_u = min(cover[order.is_bid], order.remaining_u) if self.dialect.nets else 0
            cover[order.is_bid] -= closing_u
            total_u += self._cost_u(order, order.remaining_u - closing_u)
        return total_u

    def _cost_u(self, order: PaperOrder, qty_u: int) -> int:
        if not qty_u:
            return 0
        market, per_lot_u, once_u = order.placed.market, *self.dialect.fee_margin_u
        is_taker = order.state is OrderState.DELAYED
        price_u = _pay_price_u(order)
        fee_u = market.fees.fee_u(price_u=price_u, qty_u=qty_u, is_taker=is_taker)
        return -(-price_u * qty_u // MICRO) + fee_u + qty_u // market.lot_u * per_lot_u + once_u


def _pay_price_u(order: PaperOrder) -> int:
    """What one contract of the side that the order opens costs at its limit."""
    yes_u = as_yes_u(order.placed.outcome, order.placed.price_u)
    return yes_u if order.is_bid else MICRO - yes_u
