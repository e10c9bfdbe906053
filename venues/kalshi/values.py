"""What this package hands out beside the common vocabulary: quotes, candles, shard notes and account facts."""

from __future__ import annotations

import msgspec

from venues.errors import ProtocolError
from venues.kalshi.fees import FeeRates
from venues.shapes import ready


class Routing(msgspec.Struct, frozen=True):
    """The adapter's note on a market: which exchange shard holds its orders and cash, and which series it is of."""

    shard: int = 0
    series: str = ""

    @classmethod
    def of(cls, routing: str) -> Routing:
        """Read `VenueMarket.routing`. Raises ProtocolError."""
        try:
            return msgspec.json.decode(routing, type=ready(cls))
        except msgspec.MsgspecError as error:
            raise ProtocolError(f"routing {routing!r} cannot be read: {error}", code="bad_json") from error

    def to_text(self) -> str:
        return msgspec.json.encode(self).decode()


class Quote(msgspec.Struct, frozen=True):
    """Top of book of YES; a side nobody quotes is None with size 0. `last_u` is None before the first trade."""

    bid_u: int | None
    bid_qty_u: int
    ask_u: int | None
    ask_qty_u: int
    last_u: int | None


class Ohlc(msgspec.Struct, frozen=True):
    """µUSD; None where the venue has no value (no trade in the period)."""

    open_u: int | None
    high_u: int | None
    low_u: int | None
    close_u: int | None


class Candle(msgspec.Struct, frozen=True):
    """One period that ends at `end_s` (UTC seconds, inclusive), in YES prices."""

    end_s: int
    bid: Ohlc
    ask: Ohlc
    price: Ohlc
    volume_u: int
    open_interest_u: int


class OrderGroup(msgspec.Struct, frozen=True):
    """A group of orders that the venue cancels together, and its limit of contracts per 15 s."""

    group_id: str
    is_auto_cancel_enabled: bool
    shard: int
    limit_u: int | None = None
    order_ids: tuple[str, ...] = ()


class OrderChange(msgspec.Struct, frozen=True, kw_only=True):
    """The venue changed an order. None where the reply does not say; fills come as `FillReport` in any case."""

    venue_order_id: str
    filled_u: int | None
    remaining_u: int | None
    venue_ms: int
    raw: bytes


class Transfer(msgspec.Struct, frozen=True):
    """Cash moved between exchange shards; `is_complete` once it can be used at the other end."""

    transfer_id: str
    from_shard: int
    to_shard: int
    amount_u: int
    is_complete: bool
    created_ms: int


class FeeChange(msgspec.Struct, frozen=True):
    """A scheduled change of fees. `rates` None: an event's override ends and its series' fees hold again."""

    ticker: str
    rates: FeeRates | None
    from_ms: int


class ShardStatus(msgspec.Struct, frozen=True):
    shard: int
    is_exchange_active: bool
    is_trading_active: bool


class ExchangeStatus(msgspec.Struct, frozen=True):
    """`shards` is empty where the venue does not break it down; then the two flags speak for all."""

    is_exchange_active: bool
    is_trading_active: bool
    resumes_ms: int | None
    shards: tuple[ShardStatus, ...]


class GameMilestone(msgspec.Struct, frozen=True):
    """A game as Kalshi schedules it, with the events listed on it."""

    milestone_id: str
    kind: str
    title: str
    start_ms: int
    event_tickers: tuple[str, ...]
    home_target: str
    away_target: str
