"""CLOB REST replies and the account objects that the user socket shares with them, as they are on the wire.

Only what is read is declared; numbers stay texts (or `Decimal` where the venue sends JSON numbers), `parse` makes them
integers. Empty texts and nulls stand for "none" in many fields, hence the wide types. Source: FACTS §2.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

import msgspec

from venues.wire import Wire, fields

Stamp = str | int | None
"""Seconds, milliseconds or ISO text."""


class WireLevel(Wire, gc=False):
    price: str
    size: str


class WireBook(Wire, kw_only=True):
    """A book of one token. The order of these fields is the order that its SHA-1 is computed over."""

    market: str
    asset_id: str
    timestamp: str
    hash: str = ""
    bids: list[WireLevel]
    asks: list[WireLevel]
    min_order_size: str | msgspec.UnsetType = msgspec.UNSET
    tick_size: str | msgspec.UnsetType = msgspec.UNSET
    neg_risk: bool | msgspec.UnsetType = msgspec.UNSET
    last_trade_price: str | msgspec.UnsetType = msgspec.UNSET


class WireOpenOrder(Wire, kw_only=True):
    """One of our orders: `/data/order`, `/data/orders` and the user socket's `order` (with `type` and `timestamp`)."""

    UNUSED: ClassVar[frozenset[str]] = fields("event_type order_owner associate_trades owner maker_address")
    id: str
    market: str
    asset_id: str
    side: str
    price: str
    original_size: str
    size_matched: str | None = None
    status: str = ""
    type: str = ""
    order_type: str = ""
    outcome: str | None = None
    created_at: Stamp = None
    expiration: Stamp = None
    timestamp: Stamp = None


class WireMakerOrder(Wire):
    """The resting side of a trade. It may be on the other token (mint and merge), and `side` may be missing."""

    UNUSED: ClassVar[frozenset[str]] = fields("fee_rate_bps outcome outcome_index")
    order_id: str
    owner: str
    matched_amount: str
    price: str
    asset_id: str
    maker_address: str = ""
    side: str = ""


class WireTrade(Wire, kw_only=True):
    """A trade we took part in: `/data/trades` and the user socket's `trade`; sent again with every new status."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "event_type type fee_rate_bps outcome bucket_index transaction_hash trade_owner timestamp last_update err_msg"
    )
    id: str
    taker_order_id: str
    market: str
    asset_id: str
    side: str
    size: str
    price: str
    status: str
    owner: str = ""
    maker_address: str = ""
    trader_side: str = ""
    match_time: Stamp = None
    matchtime: Stamp = None
    match_time_nano: Stamp = None
    maker_orders: list[WireMakerOrder] = []


class OrdersPage(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("limit count")
    data: list[WireOpenOrder]
    next_cursor: str = ""


class TradesPage(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("limit count")
    data: list[WireTrade]
    next_cursor: str = ""


class PostOrderReply(Wire):
    """`success` says nothing; `errorMsg` empty and `orderID` set is what acceptance looks like."""

    UNUSED: ClassVar[frozenset[str]] = fields("success transactionsHashes tradeIDs")
    orderID: str | None = None
    errorMsg: str | None = None
    status: str = ""
    makingAmount: str | None = None
    takingAmount: str | None = None


class CancelReply(Wire):
    canceled: list[str] = []
    not_canceled: dict[str, str] = {}


class ErrorReply(Wire):
    """All error bodies of this venue in one."""

    error: str = ""
    error_msg: str = ""
    errorMsg: str = ""
    code: str = ""
    retry_after_seconds: float | None = None
    heartbeat_id: str = ""

    @property
    def text(self) -> str:
        return self.error or self.error_msg or self.errorMsg


class ApiKeyReply(Wire):
    apiKey: str
    secret: str
    passphrase: str


class ApiKeysReply(Wire):
    apiKeys: list[str]


class ClosedOnlyReply(Wire):
    closed_only: bool


class HeartbeatReply(Wire):
    heartbeat_id: str


class BalanceReply(Wire):
    """`balance` is an integer text in millionths, of pUSD or of contracts; `allowances` by contract in the same, up to
    2**256 - 1. The older `allowance` names no contract."""

    UNUSED: ClassVar[frozenset[str]] = fields("allowance")
    balance: str
    allowances: dict[str, str | int] | None = None


class TickSizeReply(Wire):
    minimum_tick_size: Decimal


class NegRiskReply(Wire):
    neg_risk: bool


class FeeRateReply(Wire):
    """A flag ("fees are on"), not the rate."""

    base_fee: int | str


class VersionReply(Wire):
    version: int


class HistoryPoint(Wire):
    t: int
    p: Decimal


class HistoryReply(Wire):
    history: list[HistoryPoint]


class WireFeeDetails(Wire):
    r: Decimal
    e: int
    to: bool = True


class WireToken(Wire):
    t: str
    o: str


class ClobMarket(Wire, kw_only=True):
    """`/clob-markets/{condition_id}`, the compact form; false flags are left out."""

    UNUSED: ClassVar[frozenset[str]] = fields("r mbf tbf oas itode rfqe ibce aot")
    c: str
    t: list[WireToken]
    mos: Decimal
    mts: Decimal
    fd: WireFeeDetails | None = None
    nr: bool = False
    ao: bool = False
    gst: str | None = None
    sd: int = 0
    cbos: bool = False
    v: str = "v1"


class LongToken(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("price")
    outcome: str
    token_id: str
    winner: bool = False


class LongMarket(Wire, kw_only=True):
    """`/markets/{condition_id}`, the long form: the only one that names the winner."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "accepting_order_timestamp archived description enable_order_book end_date_iso fpmm icon image maker_base_fee "
        "market_slug neg_risk_market_id neg_risk_request_id notifications_enabled question question_id rewards tags "
        "taker_base_fee"
    )
    condition_id: str
    accepting_orders: bool
    active: bool
    closed: bool
    tokens: list[LongToken]
    game_start_time: str | None = None
    is_50_50_outcome: bool = False
    minimum_order_size: Decimal = Decimal(5)
    minimum_tick_size: Decimal = Decimal("0.01")
    neg_risk: bool = False
    seconds_delay: int = 0


class LongMarketsPage(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("limit count")
    data: list[LongMarket]
    next_cursor: str = ""
