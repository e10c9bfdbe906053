"""Our account on the wire: orders, fills, positions, balance, settlements, groups, transfers.

The deprecated `side` and `action` are known and never read: direction is `book_side`, on the YES leg.
Source: OpenAPI 3.34.0 and recorded replies.
"""

from __future__ import annotations

from typing import ClassVar

from venues.kalshi.schemas_replies import Page
from venues.wire import Wire, fields


class WireOrder(Wire):
    """An order as a read tells it. After a cancel, `remaining_count_fp` is 0 and `initial_count_fp` unchanged."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "user_id side action outcome_side type no_price_dollars taker_fees_dollars maker_fees_dollars "
        "taker_fill_cost_dollars maker_fill_cost_dollars self_trade_prevention_type cancel_order_on_pause "
        "subaccount_number"
    )
    order_id: str
    ticker: str
    book_side: str
    status: str
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str
    client_order_id: str = ""
    expiration_time: str | None = None
    created_time: str | None = None
    last_update_time: str | None = None
    order_group_id: str | None = None
    exchange_index: int = 0


class OrderReply(Wire):
    order: WireOrder


class OrdersReply(Page, kw_only=True):
    orders: list[WireOrder]


class WireFill(Wire):
    """One execution. It has no client order id: join by `order_id`."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "side action outcome_side market_ticker no_price_dollars subaccount_number trade_id ts exchange_index"
    )
    fill_id: str
    order_id: str
    ticker: str
    book_side: str
    count_fp: str
    yes_price_dollars: str
    is_taker: bool
    fee_cost: str
    created_time: str


class FillsReply(Page, kw_only=True):
    fills: list[WireFill]


class WirePosition(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("resting_orders_count")
    ticker: str
    position_fp: str
    total_traded_dollars: str = "0"
    market_exposure_dollars: str = "0"
    realized_pnl_dollars: str = "0"
    fees_paid_dollars: str = "0"
    last_updated_ts: str | None = None
    exchange_index: int = 0


class WireEventPosition(Wire):
    event_ticker: str
    total_cost_dollars: str = "0"
    total_cost_shares_fp: str = "0"
    event_exposure_dollars: str = "0"
    realized_pnl_dollars: str = "0"
    fees_paid_dollars: str = "0"


class PositionsReply(Page, kw_only=True):
    market_positions: list[WirePosition]
    event_positions: list[WireEventPosition] = []


class WireShardBalance(Wire):
    exchange_index: int
    balance: str


class BalanceReply(Wire):
    """Available cash. The integer `balance` is truncated cents: never read."""

    UNUSED: ClassVar[frozenset[str]] = fields("balance portfolio_value")
    balance_dollars: str
    updated_ts: int
    balance_breakdown: list[WireShardBalance] = []


class RestingValueReply(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("total_resting_order_value")
    resting_order_value_breakdown: list[WireShardBalance] = []


class WireSettlement(Wire):
    """`revenue` and `value` are integer cents; `value` is what one YES contract paid."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "event_ticker yes_total_cost_dollars no_total_cost_dollars fee_cost exchange_index"
    )
    ticker: str
    market_result: str
    yes_count_fp: str
    no_count_fp: str
    revenue: int
    settled_time: str
    value: int | None = None


class SettlementsReply(Page, kw_only=True):
    settlements: list[WireSettlement]


class CreateReply(Wire):
    """No status: an unfilled IOC is a 201 with both counts 0."""

    UNUSED: ClassVar[frozenset[str]] = fields("average_fill_price average_fee_paid")
    order_id: str
    fill_count: str
    remaining_count: str
    ts_ms: int
    client_order_id: str = ""


class CancelReply(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("client_order_id")
    order_id: str
    reduced_by: str
    ts_ms: int


class AmendReply(Wire):
    """The counts come only when the amend filled something or changed the size."""

    UNUSED: ClassVar[frozenset[str]] = fields("average_fill_price average_fee_paid client_order_id")
    order_id: str
    ts_ms: int
    remaining_count: str | None = None
    fill_count: str | None = None


class DecreaseReply(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("client_order_id")
    order_id: str
    remaining_count: str
    ts_ms: int


class CreateGroupReply(Wire):
    order_group_id: str
    subaccount: int = 0
    exchange_index: int = 0


class WireGroup(Wire):
    id: str
    is_auto_cancel_enabled: bool
    contracts_limit_fp: str | None = None
    exchange_index: int = 0


class GroupsReply(Wire):
    order_groups: list[WireGroup] = []


class GroupReply(Wire):
    is_auto_cancel_enabled: bool
    orders: list[str] | None = None
    contracts_limit_fp: str | None = None
    exchange_index: int = 0


class TransferCreatedReply(Wire):
    transfer_id: str


class WireTransfer(Wire):
    transfer_id: str
    source: str
    destination: str
    source_exchange_shard: int
    destination_exchange_shard: int
    amount: str
    status: str
    created_ts: int


class TransferReply(Wire):
    transfer: WireTransfer


class TransfersReply(Page, kw_only=True):
    transfers: list[WireTransfer]
