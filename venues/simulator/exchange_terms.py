"""What may be asked of the simulated exchange: terms of markets, orders, and the verdicts on them.

One vocabulary for both venues. Numbers are millionths (`venues.types`), times are virtual UTC milliseconds. Every book
is in the YES frame: buying YES or selling NO is a bid, selling YES or buying NO is an ask, and `yes_price_u` is the
price in that frame, while `price_u` is always the price of the order's own `outcome`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from venues.types import MICRO, Outcome, PriceBand, Side, TimeInForce

CENT_BAND = PriceBand(0, MICRO, 10_000)


class Stp(StrEnum):
    """Self-trade prevention. NONE: an account may trade with itself. TAKER_AT_CROSS: the taker's rest is canceled.
    MAKER: the resting own order is canceled and the taker goes on."""

    NONE = "none"
    TAKER_AT_CROSS = "taker_at_cross"
    MAKER = "maker"


class Reason(StrEnum):
    """Why an order last changed."""

    PLACED = "placed"
    DELAYED = "delayed"
    TRADED = "traded"
    CANCELED = "canceled"
    DECREASED = "decreased"
    AMENDED = "amended"
    UNFILLED = "unfilled"  # the rest of an IOC
    EXPIRED = "expired"
    SELF_TRADE = "self_trade"
    POST_ONLY_CROSS = "post_only_cross"
    REDUCE_ONLY = "reduce_only"
    GROUP_TRIGGERED = "group_triggered"
    MARKET_CLOSED = "market_closed"
    MARKET_PAUSED = "market_paused"
    REACTIVATED = "reactivated"
    GAME_STARTED = "game_started"
    RESOLVED = "resolved"
    NO_BALANCE = "no_balance"
    DELAY_ENDED = "delay_ended"  # a delayed order that now rests, or was killed after its delay


class RejectCode(StrEnum):
    """Why an operation had no effect at all. Faces translate each into their venue's status and body."""

    ACCOUNT_NOT_FOUND = "account_not_found"
    MARKET_NOT_FOUND = "market_not_found"
    MARKET_CLOSED = "market_closed"
    TRADING_PAUSED = "trading_is_paused"
    EXCHANGE_PAUSED = "exchange_is_paused"
    INVALID_PRICE = "invalid_price"
    INVALID_QUANTITY = "invalid_quantity"
    INVALID_ORDER = "invalid_order"
    INVALID_EXPIRATION = "invalid_expiration"
    BELOW_MIN_QUANTITY = "below_min_quantity"
    BELOW_MIN_TAKER_USD = "below_min_taker_usd"
    POST_ONLY_CROSS = "post_only_cross"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    DUPLICATE_ORDER = "order_already_exists"
    FOK_UNFILLABLE = "fok_unfillable"
    NOTHING_TO_MATCH = "nothing_to_match"
    REDUCE_ONLY = "reduce_only"
    ORDER_NOT_FOUND = "order_not_found"
    ORDER_DELAYED = "order_delayed"
    GROUP_NOT_FOUND = "order_group_not_found"
    NO_SUCH_GROUP = "no_such_group"
    GROUP_TRIGGERED = "order_group_triggered"
    CANNOT_VOID = "cannot_void"


class ExchangeReject(Exception):
    """An operation the exchange refused; nothing changed."""

    def __init__(self, code: RejectCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail


class FeeSpec(msgspec.Struct, frozen=True):
    """`rate × contracts × (p × (1 − p)) ^ exponent`; rates are millionths with any series multiplier already in."""

    taker_rate_u: int = 0
    maker_rate_u: int = 0
    exponent: int = 1


class MarketSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of one proposition. Texts and venue ids live in the faces' catalogues, keyed by `native_id`."""

    native_id: str
    event_id: str
    bands: tuple[PriceBand, ...] = (CENT_BAND,)
    lot_u: int = 10_000
    min_qty_u: int = 10_000
    min_taker_usd_u: int = 0
    fee: FeeSpec = FeeSpec()
    taker_delay_ms: int = 0
    open_ms: int = 0
    game_start_ms: int | None = None
    clears_book_at_start: bool = False
    close_ms: int | None = None
    settle_timer_ms: int = 0
    shard: int = 0

    def is_on_grid(self, price_u: int) -> bool:
        """Strictly inside (0, 1) and on a step of a band that holds the price."""
        return 0 < price_u < MICRO and any(
            band.start_u <= price_u <= band.end_u and (price_u - band.start_u) % band.step_u == 0 for band in self.bands
        )


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What an account asks for. `price_u` is the limit price of `outcome`; `order_id` only where the owner knows it
    already (Polymarket's hash)."""

    native_id: str
    side: Side
    outcome: Outcome
    price_u: int
    qty_u: int
    tif: TimeInForce = TimeInForce.GTC
    client_order_id: str = ""
    order_id: str = ""
    expires_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    stp: Stp = Stp.NONE
    cancel_on_pause: bool = False
    group_id: str = ""


def is_bid(side: Side, outcome: Outcome) -> bool:
    """Whether the order stands on the bid side of the YES book."""
    return (side is Side.BUY) == (outcome is Outcome.YES)
