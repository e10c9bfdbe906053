"""What the simulated exchange tells: the views of an account, and events in the order in which they happened.

The faces turn events into a venue's frames, the store keeps those of client accounts. House accounts (the world's
makers and takers) only show in public events. The words of `exchange_terms` are at hand here too.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from venues.simulator.exchange_terms import (
    CENT_BAND,
    ExchangeReject,
    FeeSpec,
    MarketSpec,
    NewOrder,
    Reason,
    RejectCode,
    Stp,
    is_bid,
)
from venues.types import MICRO, MarketState, OrderState, Outcome, SettleState, Side, TimeInForce

__all__ = [
    "CENT_BAND",
    "ExchangeReject",
    "FeeSpec",
    "MarketSpec",
    "NewOrder",
    "Reason",
    "RejectCode",
    "Stp",
    "is_bid",
]


class OrderView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One order as it stands. `filled_u + remaining_u + canceled_u == qty_u`; costs are Σ price × qty of `outcome`."""

    order_id: str
    client_order_id: str
    account_id: str
    native_id: str
    side: Side
    outcome: Outcome
    price_u: int
    qty_u: int
    filled_u: int
    remaining_u: int
    state: OrderState
    reason: Reason
    tif: TimeInForce
    expires_ms: int | None
    post_only: bool
    reduce_only: bool
    stp: Stp
    cancel_on_pause: bool
    group_id: str
    taker_cost_u: int
    maker_cost_u: int
    taker_fees_u: int
    maker_fees_u: int
    fee_carry_u: int  # the per-order rounding accumulator
    created_ms: int
    updated_ms: int
    number: int  # submission order within the exchange: time priority, and sub-millisecond stamps of the faces

    @property
    def is_bid(self) -> bool:
        return is_bid(self.side, self.outcome)

    @property
    def yes_price_u(self) -> int:
        return self.price_u if self.outcome is Outcome.YES else MICRO - self.price_u

    @property
    def is_open(self) -> bool:
        return self.state in (OrderState.RESTING, OrderState.DELAYED)


class FillView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One side of one match. `sweep_id` is shared by all matches of one taker at one moment; `position_u` is the
    signed position after it (YES positive) in contracts; `price_u` is of `outcome`."""

    trade_id: str
    sweep_id: str
    leg: str  # "taker" or "maker"
    account_id: str
    order_id: str
    client_order_id: str
    native_id: str
    side: Side
    outcome: Outcome
    price_u: int
    qty_u: int
    cost_u: int
    fee_u: int
    is_taker: bool
    settle_state: SettleState
    position_u: int
    venue_ms: int
    number: int


class PositionView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Holdings in one market. Costs are of what is held now, without fees; `unmined_*` cannot be sold yet."""

    account_id: str
    native_id: str
    yes_qty_u: int
    no_qty_u: int
    yes_cost_u: int
    no_cost_u: int
    unmined_yes_u: int
    unmined_no_u: int
    realized_u: int
    fees_u: int
    traded_usd_u: int
    traded_qty_u: int
    updated_ms: int

    @property
    def net_u(self) -> int:
        return self.yes_qty_u - self.no_qty_u


class BalanceView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`cash_u` is owned, `reserved_u` of it is held by open orders; `by_shard` is (shard, cash_u, reserved_u)."""

    account_id: str
    cash_u: int
    reserved_u: int
    by_shard: tuple[tuple[int, int, int], ...]

    @property
    def available_u(self) -> int:
        return self.cash_u - self.reserved_u


class SettlementView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    account_id: str
    native_id: str
    value_u: int
    yes_qty_u: int
    no_qty_u: int
    yes_cost_u: int
    no_cost_u: int
    fees_u: int
    payout_u: int
    venue_ms: int


class EntryView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One cash movement of a client account; `cash_u` of a shard is the fold of its entries."""

    seq: int
    account_id: str
    shard: int
    kind: str  # deposit, trade, fee, settlement, transfer, void
    amount_u: int
    ref: str
    venue_ms: int


class GroupView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`limit_u` contracts may match in any 15 s; beyond that the group is triggered until it is reset."""

    group_id: str
    account_id: str
    shard: int
    limit_u: int
    is_triggered: bool
    order_ids: tuple[str, ...]


class AccountLedger(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the exchange knows of one client account."""

    balance: BalanceView
    fees_u: int
    positions: tuple[PositionView, ...]
    orders: tuple[OrderView, ...]
    fills: tuple[FillView, ...]
    settlements: tuple[SettlementView, ...]
    entries: tuple[EntryView, ...]


class AccountOpened(msgspec.Struct, frozen=True, gc=False):
    """A client account exists; its deposit follows as an entry."""

    account_id: str
    venue_ms: int


class BookChanged(msgspec.Struct, frozen=True, gc=False):
    """One level has a new total; `delta_u` is the signed change. The order that caused it, if any, is named."""

    native_id: str
    is_bid: bool
    price_u: int
    qty_u: int
    delta_u: int
    venue_ms: int
    account_id: str = ""
    client_order_id: str = ""


class BookCleared(msgspec.Struct, frozen=True, gc=False):
    """All resting orders of a market went off at once; one BookChanged per level preceded this."""

    native_id: str
    reason: Reason
    venue_ms: int


class TradeLeg(msgspec.Struct, frozen=True, gc=False):
    account_id: str
    order_id: str
    side: Side
    outcome: Outcome
    price_u: int
    fee_u: int
    limit_price_u: int = 0
    is_house: bool = True


class Traded(msgspec.Struct, frozen=True, gc=False):
    """One match, at the resting price. `is_taker_bid`: the taker bought YES (or sold NO)."""

    native_id: str
    trade_id: str
    sweep_id: str
    yes_price_u: int
    qty_u: int
    is_taker_bid: bool
    taker: TradeLeg
    maker: TradeLeg
    venue_ms: int
    number: int


class TradeStatus(StrEnum):
    MATCHED = "matched"
    MINED = "mined"
    CONFIRMED = "confirmed"
    RETRYING = "retrying"
    FAILED = "failed"


class TradeStatusChanged(msgspec.Struct, frozen=True, gc=False):
    native_id: str
    trade_id: str
    status: TradeStatus
    venue_ms: int


class OrderChanged(msgspec.Struct, frozen=True, gc=False):
    """A client order was placed or changed (after the last event, this is how it stands)."""

    order: OrderView
    reason: Reason
    venue_ms: int


class FillBooked(msgspec.Struct, frozen=True, gc=False):
    fill: FillView


class FillSettled(msgspec.Struct, frozen=True, gc=False):
    """A client fill became final, or was voided."""

    fill: FillView
    venue_ms: int


class PositionChanged(msgspec.Struct, frozen=True, gc=False):
    position: PositionView


class EntryBooked(msgspec.Struct, frozen=True, gc=False):
    entry: EntryView


class MarketChange(StrEnum):
    LISTED = "listed"
    STATE = "state"
    CLOSE_MOVED = "close_moved"
    TERMS = "terms"


class MarketChanged(msgspec.Struct, frozen=True, gc=False):
    """`value_u` is what one YES contract pays, known from DETERMINED on."""

    native_id: str
    change: MarketChange
    state: MarketState
    previous: MarketState
    value_u: int | None
    venue_ms: int


class Settled(msgspec.Struct, frozen=True, gc=False):
    """A client account was paid for one market."""

    settlement: SettlementView


class GroupChange(StrEnum):
    CREATED = "created"
    TRIGGERED = "triggered"
    RESET = "reset"
    LIMIT_UPDATED = "limit_updated"
    DELETED = "deleted"


class GroupChanged(msgspec.Struct, frozen=True, gc=False):
    group: GroupView
    change: GroupChange
    venue_ms: int


class TradingSwitched(msgspec.Struct, frozen=True, gc=False):
    """The whole venue paused or resumed. Trading paused: cancels only. Exchange paused: nothing."""

    is_exchange_active: bool
    is_trading_active: bool
    venue_ms: int


ExchangeEvent = (
    AccountOpened
    | BookChanged
    | BookCleared
    | Traded
    | TradeStatusChanged
    | OrderChanged
    | FillBooked
    | FillSettled
    | PositionChanged
    | EntryBooked
    | MarketChanged
    | Settled
    | GroupChanged
    | TradingSwitched
)
