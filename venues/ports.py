"""The three doors to a venue, and what each venue can do behind them.

`MarketDataFeed`: public markets and books. `AccountReader`: our orders, fills, positions and cash; anyone may read.
`OrderGateway`: place and cancel; only the trader's executor, and the guard to cancel. Each adapter has one class per
door in its `client` and `stream` modules; `venues.registry` builds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from venues.types import (
    BalanceReport,
    FillReport,
    Message,
    OrderReport,
    OrderState,
    Outcome,
    PositionReport,
    SettlementReport,
    Side,
    TimeInForce,
    Venue,
    VenueMarket,
)

Sink = Callable[[Message], None]
"""Takes a typed message on the event loop. Must not block and must not raise."""

FrameTap = Callable[[str, bytes | str, int], None]
"""Sees every raw frame `(stream, frame, received_us)` before it is parsed; the tape recorder is one."""


class FenceKind(StrEnum):
    NONE = "none"
    ORDER_GROUP = "order_group"
    HEARTBEAT = "heartbeat"


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between venues, so that nobody outside has to ask which venue it is.

    `expiry_proves_end_ms`: this long after an order's own expiry (`OrderRequest.expires_ms`) the venue takes it no
    more, so that its absence proves its end; None: a late order is executed all the same, expiry proves nothing.
    `beat_every_s`: how often a dead-man switch wants to hear from us.
    """

    venue: Venue
    fence: FenceKind
    order_id_known_before_send: bool
    fills_settle_later: bool
    nets_yes_and_no: bool
    can_amend: bool
    can_decrease: bool
    can_cancel_on_pause: bool
    has_taker_delay: bool
    reduce_only_native: bool
    max_client_order_id_len: int
    forgets_ended_orders: bool = False
    expiry_proves_end_ms: int | None = None
    beat_every_s: float = 0.0

    @property
    def fences(self) -> bool:
        """The venue itself can shut out all orders of one token (`OrderGateway.open_fence`)."""
        return self.fence is FenceKind.ORDER_GROUP

    @property
    def dead_man(self) -> bool:
        """The venue cancels everything when it does not hear `OrderGateway.beat` for a while."""
        return self.fence is FenceKind.HEARTBEAT


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the trader means it; `price_u` is the limit price of `outcome`."""

    client_order_id: str
    market: VenueMarket
    side: Side
    outcome: Outcome
    price_u: int
    qty_u: int
    time_in_force: TimeInForce
    created_ms: int
    expires_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = True
    fence_token: str = ""


class PreparedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The exact bytes that will be sent, made before the send so that their hash can be stored first.

    `request` is what these bytes say: its `qty_u` may be less than was asked for, where the venue's grid is coarser.
    `venue_order_id` is set where the venue's id is derivable (Polymarket's order hash), else empty.
    """

    request: OrderRequest
    venue_order_id: str
    path: str
    body: bytes
    body_sha256: str


class OrderAck(msgspec.Struct, frozen=True, kw_only=True):
    """The venue took the order. Amounts here are hints: fills come as `FillReport`."""

    venue_order_id: str
    state: OrderState
    filled_u: int
    remaining_u: int
    venue_ms: int | None
    raw: bytes


class CancelAck(msgspec.Struct, frozen=True, kw_only=True):
    """`is_canceled`: the venue confirmed that it took the rest off. False: it is not resting (filled, gone, unknown)
    or cannot be canceled now; the reason says which, and only a read of the order decides."""

    venue_order_id: str
    is_canceled: bool
    canceled_u: int | None
    reason: str
    raw: bytes


class OrderRef(msgspec.Struct, frozen=True, kw_only=True):
    """Enough to find one of our orders at its venue."""

    client_order_id: str
    venue_order_id: str
    market: VenueMarket
    placed_ms: int


class OrderGateway(Protocol):
    """Places and cancels. Never retries, never follows a redirect; one call is at most one request on the wire."""

    capabilities: Capabilities

    def prepare(self, request: OrderRequest) -> PreparedOrder:
        """Build and, where the venue wants it, sign. Raises Rejected (off grid, below minimum) before any send."""
        ...

    async def place(self, prepared: PreparedOrder) -> OrderAck:
        """Raises NotSent, Rejected, OutcomeUnknown, Throttled, AuthFailed."""
        ...

    async def cancel(self, ref: OrderRef) -> CancelAck:
        """Raises NotSent, OutcomeUnknown, Throttled, AuthFailed."""
        ...

    async def cancel_all(self) -> None:
        """Ask the venue to take off every resting order of the account; prove it with `AccountReader.open_orders`."""
        ...

    async def open_fence(self, *, limit_u: int) -> str:
        """A new fence: the token that orders carry from now on. `limit_u`: µcontracts that may match in the venue's own
        window before it shuts the fence by itself. Raises VenueError; ValueError where `capabilities.fences` is False.
        """
        ...

    async def close_fence(self, token: str) -> None:
        """Have the venue cancel the orders of a fence and refuse later ones; one that is gone is closed. Raises
        VenueError: then ask again."""
        ...

    async def is_fence_closed(self, token: str) -> bool:
        """True: a healthy read proves that the venue takes no order of this fence any more. Raises VenueError."""
        ...

    async def beat(self, *, takes_over: bool = False) -> None:
        """Tell the venue's dead-man switch that we live; nothing where `capabilities.dead_man` is False.

        Raises Fenced when somebody else beats in our place (`takes_over`: we are the somebody else), and VenueError
        for a beat that may not have been heard.
        """
        ...

    async def aclose(self) -> None: ...


class AccountReader(Protocol):
    """Reads our account. A failed or partial read raises; it never returns a shorter list."""

    capabilities: Capabilities
    account: str

    async def open_orders(self) -> list[OrderReport]: ...

    async def order(self, ref: OrderRef) -> OrderReport | None:
        """The order by its venue id, or searched by its client id; None: a healthy read did not find it."""
        ...

    async def orders_named(self, refs: Sequence[OrderRef]) -> list[OrderReport]:
        """As `order` for each of many, in a few reads of lists: those that healthy reads found."""
        ...

    async def orders_since(self, since_ms: int) -> list[OrderReport]: ...

    async def fills_since(self, since_ms: int) -> list[FillReport]: ...

    async def positions(self) -> list[PositionReport]: ...

    async def balance(self) -> BalanceReport: ...

    async def settlements_since(self, since_ms: int) -> list[SettlementReport]: ...

    async def run(self, sink: Sink) -> None:
        """Stream order and fill reports for ever, reconnecting by itself; cancel the task to stop."""
        ...

    async def aclose(self) -> None: ...


class MarketDataFeed(Protocol):
    """Public data of one venue.

    `is_stepped`: virtual time stands still between steps, and whoever steps reads the listings again; the feed then
    reads nothing on a rhythm of its own, which would follow the wall clock.
    """

    capabilities: Capabilities
    is_stepped: bool

    async def list_markets(self, league: str) -> list[VenueMarket]:
        """The open and recently closed game markets of a league (our code: `nba`), moneyline first."""
        ...

    async def market(self, market: VenueMarket) -> VenueMarket:
        """Read one market again: state, result, terms."""
        ...

    async def watch(self, markets: Iterable[VenueMarket]) -> None:
        """Set what is streamed. May be called at any time, before or while `run` runs."""
        ...

    async def run(self, sink: Sink) -> None:
        """Stream books, trades and market states for ever, reconnecting by itself; cancel the task to stop."""
        ...

    async def aclose(self) -> None: ...
