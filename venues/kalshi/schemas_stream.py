"""Socket frames. The two structs of `orderbook_delta` hold only what is used: they are decoded thousands of times.

`seq` is per `sid`, counts every data frame and every `ok` on it, and is absent on fills, orders and positions.
Source: AsyncAPI of October 2026 and recorded frames.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from venues.kalshi.schemas import Level
from venues.wire import Wire, fields

_FRAME = fields("sending_ts_ms")


class DeltaMsg(Wire, gc=False):
    UNUSED: ClassVar[frozenset[str]] = fields("market_id ts client_order_id subaccount")
    market_ticker: str
    price_dollars: str
    delta_fp: str
    side: Literal["yes", "no"]
    ts_ms: int = 0


class DeltaFrame(Wire, gc=False, tag_field="type", tag="orderbook_delta"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME
    sid: int
    seq: int
    msg: DeltaMsg


class SnapshotMsg(Wire):
    """A side without levels is absent."""

    UNUSED: ClassVar[frozenset[str]] = fields("market_id")
    market_ticker: str
    yes_dollars_fp: list[Level] | None = None
    no_dollars_fp: list[Level] | None = None


class SnapshotFrame(Wire, tag_field="type", tag="orderbook_snapshot"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME | {"id"}
    sid: int
    seq: int
    msg: SnapshotMsg


class TradeMsg(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "no_price_dollars taker_side taker_outcome_side is_block_trade ts market_id"
    )
    trade_id: str
    market_ticker: str
    yes_price_dollars: str
    count_fp: str
    taker_book_side: str
    ts_ms: int


class TradeFrame(Wire, tag_field="type", tag="trade"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME
    sid: int
    msg: TradeMsg
    seq: int = 0


class LifecycleMsg(Wire):
    """`event_type` says which of the optional fields are there. Times are seconds."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "exchange_index open_ts close_ts price_level_structure price_ranges additional_metadata settlement_bounds_type "
        "settlement_floor_dollars"
    )
    event_type: str
    market_ticker: str
    is_deactivated: bool | None = None
    result: str = ""
    settlement_value: str | None = None
    determination_ts: int | None = None
    settled_ts: int | None = None


class LifecycleFrame(Wire, tag_field="type", tag="market_lifecycle_v2"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME
    sid: int
    msg: LifecycleMsg
    seq: int = 0


class EventLifecycleMsg(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "exchange_index title subtitle collateral_return_type series_ticker strike_date strike_period"
    )
    event_ticker: str


class EventLifecycleFrame(Wire, tag_field="type", tag="event_lifecycle"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME
    sid: int
    msg: EventLifecycleMsg
    seq: int = 0


class EventFeeMsg(Wire):
    event_ticker: str
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None


class EventFeeFrame(Wire, tag_field="type", tag="event_fee_update"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME
    sid: int
    msg: EventFeeMsg
    seq: int = 0


class FillMsg(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "exchange_index side action outcome_side ts post_position_fp purchased_side subaccount no_price_dollars"
    )
    trade_id: str
    order_id: str
    market_ticker: str
    is_taker: bool
    book_side: str
    yes_price_dollars: str
    count_fp: str
    fee_cost: str
    ts_ms: int
    client_order_id: str = ""


class FillFrame(Wire, tag_field="type", tag="fill"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME | {"seq"}
    sid: int
    msg: FillMsg


class UserOrderMsg(Wire):
    """The ticker is `ticker` here, not `market_ticker`."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "user_id exchange_index side is_yes outcome_side taker_fill_cost_dollars maker_fill_cost_dollars "
        "taker_fees_dollars maker_fees_dollars order_group_id self_trade_prevention_type created_time created_ts_ms "
        "last_update_time expiration_time expiration_ts_ms subaccount_number no_price_dollars"
    )
    order_id: str
    ticker: str
    status: str
    book_side: str
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str
    client_order_id: str = ""
    last_updated_ts_ms: int | None = None
    last_update_reason: str = ""


class UserOrderFrame(Wire, tag_field="type", tag="user_order"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME | {"seq"}
    sid: int
    msg: UserOrderMsg


class UserPositionMsg(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields(
        "user_id position_cost_dollars realized_pnl_dollars fees_paid_dollars position_fee_cost_dollars volume_fp "
        "subaccount exchange_index"
    )
    market_ticker: str
    position_fp: str


class UserPositionFrame(Wire, tag_field="type", tag="market_position"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME | {"seq"}
    sid: int
    msg: UserPositionMsg


class GroupMsg(Wire):
    event_type: str
    order_group_id: str
    contracts_limit_fp: str | None = None
    ts_ms: int = 0


class GroupFrame(Wire, tag_field="type", tag="order_group_updates"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME
    sid: int
    msg: GroupMsg
    seq: int = 0


class SubscribedMsg(Wire):
    channel: str
    sid: int


class SubscribedFrame(Wire, tag_field="type", tag="subscribed"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME
    msg: SubscribedMsg
    id: int = 0


class UnsubscribedFrame(Wire, tag_field="type", tag="unsubscribed"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME | {"msg"}
    sid: int
    id: int = 0
    seq: int = 0


class OkFrame(Wire, tag_field="type", tag="ok"):
    """Consumes a `seq` of its subscription. Its `msg` lists markets or subscriptions; we keep our own lists."""

    UNUSED: ClassVar[frozenset[str]] = _FRAME | {"msg"}
    id: int = 0
    sid: int = 0
    seq: int = 0


class ErrorMsg(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("market_id")
    code: int = 0
    msg: str = ""
    market_ticker: str = ""


class ErrorFrame(Wire, tag_field="type", tag="error"):
    UNUSED: ClassVar[frozenset[str]] = _FRAME
    msg: ErrorMsg
    id: int = 0
    sid: int = 0
    seq: int = 0


Frame = (
    DeltaFrame
    | SnapshotFrame
    | TradeFrame
    | LifecycleFrame
    | EventLifecycleFrame
    | EventFeeFrame
    | FillFrame
    | UserOrderFrame
    | UserPositionFrame
    | GroupFrame
    | SubscribedFrame
    | UnsubscribedFrame
    | OkFrame
    | ErrorFrame
)


class FrameType(msgspec.Struct):
    """The header of a frame whose type nobody declared."""

    type: str = ""
    sid: int = 0
    seq: int = 0
