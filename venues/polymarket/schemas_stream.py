"""Socket frames: the market channel as a tagged union (hot path), the user channel's probe, the sports channel.

A frame is one object or an array of objects; numbers in it are texts, so decode it with `strict=False`. Hot structs are
outside the garbage collector and hold only what the book needs; `book` itself is `schemas.WireBook` with all its
fields, because its hash covers them. Source: FACTS §6.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from venues.polymarket.schemas import WireLevel
from venues.wire import Wire, fields


class BookFrame(Wire, tag_field="event_type", tag="book", kw_only=True):
    """A whole book: on subscription and after trades. Fields after `asks` are missing on older captures."""

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


class Change(Wire, gc=False):
    """The new total of one level; "0" removes it. `best_*` and the unused `hash` are of the book after the frame."""

    UNUSED: ClassVar[frozenset[str]] = fields("hash")
    asset_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    best_bid: str = ""
    best_ask: str = ""


class PriceChangeFrame(Wire, gc=False, tag_field="event_type", tag="price_change"):
    """Before 2025 a frame was one change, with the fields of `Change` beside the others: `stream_decode` turns it."""

    UNUSED: ClassVar[frozenset[str]] = fields("hash asset_id price size side")
    market: str
    price_changes: list[Change]
    timestamp: int


class LastTradeFrame(Wire, tag_field="event_type", tag="last_trade_price"):
    UNUSED: ClassVar[frozenset[str]] = fields("fee_rate_bps")
    market: str
    asset_id: str
    price: str
    size: str
    side: str
    timestamp: str
    transaction_hash: str = ""


class TickSizeFrame(Wire, tag_field="event_type", tag="tick_size_change"):
    UNUSED: ClassVar[frozenset[str]] = fields("old_tick_size asset_id")
    market: str
    new_tick_size: str
    timestamp: str


class BestPricesFrame(Wire, tag_field="event_type", tag="best_bid_ask"):
    UNUSED: ClassVar[frozenset[str]] = fields("asset_id best_bid best_ask spread timestamp")
    market: str


class NewMarketFrame(Wire, tag_field="event_type", tag="new_market"):
    """Announced for every market of the venue; discovery is Gamma's, so only counted."""

    UNUSED: ClassVar[frozenset[str]] = fields(
        "id question slug description assets_ids outcomes event_message condition_id clob_token_ids active tags "
        "sports_market_type line game_start_time order_price_min_tick_size group_item_title taker_base_fee "
        "fees_enabled fee_schedule timestamp"
    )
    market: str


class ResolvedFrame(Wire, tag_field="event_type", tag="market_resolved"):
    UNUSED: ClassVar[frozenset[str]] = fields("id assets_ids winning_outcome tags question slug event_message")
    market: str
    winning_asset_id: str
    timestamp: str


MarketFrame = (
    PriceChangeFrame | BookFrame | LastTradeFrame | TickSizeFrame | BestPricesFrame | NewMarketFrame | ResolvedFrame
)


class UserProbe(Wire):
    """Enough of a user frame to know what it is; older captures have no `event_type`."""

    event_type: str = ""
    type: str = ""

    @property
    def kind(self) -> str:
        """`order`, `trade`, or what else the venue calls it."""
        if self.event_type:
            return self.event_type.lower()
        return "trade" if self.type.upper() == "TRADE" else "order" if self.type else ""


class SportsEventState(Wire):
    UNUSED: ClassVar[frozenset[str]] = fields("score elapsed period live ended createdAt")
    type: str = ""


class SportsFrame(Wire, rename="camel", kw_only=True):
    """The state of one game. Cricket has `metadataGameId` instead of a number."""

    UNUSED: ClassVar[frozenset[str]] = fields("slug last_update turn")
    game_id: int | str | None = None
    metadata_game_id: str = ""
    league_abbreviation: str = ""
    home_team: str = ""
    away_team: str = ""
    status: str = ""
    score: str = ""
    period: str = ""
    elapsed: str | None = None
    live: bool = False
    ended: bool = False
    finished_timestamp: str | None = None
    event_state: SportsEventState | None = None
