"""What a paper account's journal says, and how an order of it stands.

Every change of a paper account is one of these values, written down before anybody is told. The account is the fold of
its records, so a restart is the same fold again. Units as in `venues.types`; `cash_u` is signed, fee included.
"""

from __future__ import annotations

import msgspec

from venues.paper.dialect import Meter
from venues.types import OrderState, Outcome, Side, TimeInForce, VenueMarket

OPEN_STATES = frozenset({OrderState.RESTING, OrderState.DELAYED})


class Opened(msgspec.Struct, frozen=True, tag=True):
    """Play money was paid in."""

    cash_u: int
    at_ms: int


class Placed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An order was taken. `due_ms`: when its taker delay is over (0: it was matched at once)."""

    order_id: str
    client_order_id: str
    market: VenueMarket
    side: Side
    outcome: Outcome
    price_u: int
    qty_u: int
    time_in_force: TimeInForce
    at_ms: int
    due_ms: int = 0
    expires_ms: int | None = None
    cancel_on_pause: bool = False
    fence_token: str = ""


class Rested(msgspec.Struct, frozen=True, tag=True):
    """What is left of an order is in the book, behind all that is there."""

    order_id: str
    at_ms: int


class Filled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    order_id: str
    trade_id: str
    price_u: int
    qty_u: int
    fee_u: int
    cash_u: int
    is_taker: bool
    at_ms: int


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    order_id: str
    state: OrderState
    reason: str
    at_ms: int


class Settled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    market_id: str
    value_u: int
    yes_qty_u: int
    no_qty_u: int
    payout_u: int
    at_ms: int


class Fenced(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A fence token was made (open) or cut off: a closed one takes no order any more. `limit_u`: µcontracts that may
    match under it in 15 s."""

    token: str
    is_open: bool
    limit_u: int
    at_ms: int


Record = Opened | Placed | Rested | Filled | Ended | Settled | Fenced


class PaperOrder:
    """An order as its records tell it. `is_bid`: it buys YES or sells NO."""

    __slots__ = ("filled_u", "fills", "meter", "placed", "reason", "state", "updated_ms")

    def __init__(self, placed: Placed, meter: Meter) -> None:
        self.placed = placed
        self.meter = meter
        self.state = OrderState.DELAYED
        self.filled_u = self.fills = 0
        self.reason = ""
        self.updated_ms = placed.at_ms

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def remaining_u(self) -> int:
        return self.placed.qty_u - self.filled_u

    @property
    def is_bid(self) -> bool:
        return (self.placed.side is Side.BUY) is (self.placed.outcome is Outcome.YES)

    @property
    def yes_price_u(self) -> int:
        return as_yes_u(self.placed.outcome, self.placed.price_u)

    def own_price_u(self, yes_price_u: int) -> int:
        """A YES price in the words of the order's outcome."""
        return as_yes_u(self.placed.outcome, yes_price_u)


def as_yes_u(outcome: Outcome, price_u: int) -> int:
    """A price of `outcome` as one of YES, and back."""
    return price_u if outcome is Outcome.YES else 1_000_000 - price_u
