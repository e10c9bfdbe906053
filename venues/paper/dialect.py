"""What a paper account has to know of the venue it stands in for: its bytes, its fees, its refusals, its habits.

Bytes, ids and refusals before the send are the adapter's own code; no request of it is ever sent. The wallet that signs
paper orders of Polymarket is derived from the account's name and holds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from venues.kalshi.capabilities import CAPABILITIES as KALSHI
from venues.kalshi.constants import DUPLICATE_ORDER
from venues.kalshi.fees import FeeRates, OrderFees
from venues.kalshi.orders import prepare_order
from venues.polymarket.constants import CAPABILITIES as POLYMARKET
from venues.polymarket.constants import PRODUCTION as POLYMARKET_PRODUCTION
from venues.polymarket.fees import BOOKED_ROUNDING, taker_fee_u
from venues.polymarket.gateway import PolymarketOrders
from venues.polymarket.rejects import DUPLICATE
from venues.polymarket.sign import PolymarketWallet
from venues.ports import Capabilities, OrderRequest, PreparedOrder
from venues.types import FeeSchedule, Side, TimeInForce, Venue


class Refusal(StrEnum):
    """Why a venue does not take an order."""

    CLOSED = "closed"
    PAUSED = "paused"
    PRICE = "price"
    QUANTITY = "quantity"
    BALANCE = "balance"
    POST_ONLY = "post_only"
    FOK = "fok"
    NO_MATCH = "no_match"
    REDUCE_ONLY = "reduce_only"
    EXPIRED = "expired"
    FENCED = "fenced"
    DUPLICATE = "duplicate"


class Meter(Protocol):
    """The fee account of one order: told its fills in sequence."""

    def fee_u(self, *, side: Side, price_u: int, qty_u: int, is_taker: bool) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """`final_after_ms`: when a fill is final (0: at once); `sellable_after_ms`: when what was bought can be sold;
    `expiry_step_ms`: the grain of an expiry; `fee_margin_u`: held for roundings of the fee, per lot and once."""

    capabilities: Capabilities
    prepare: Callable[[OrderRequest], PreparedOrder]
    order_id: Callable[[PreparedOrder], str]
    meter: Callable[[FeeSchedule], Meter]
    codes: Mapping[Refusal, str]
    ioc_needs_match: bool
    caps_reduce_only: bool
    pauses_cancel: bool
    final_after_ms: int
    sellable_after_ms: int
    expiry_step_ms: int
    fee_margin_u: tuple[int, int]
    aclose: Callable[[], Awaitable[None]]

    @property
    def nets(self) -> bool:
        return self.capabilities.nets_yes_and_no


class KalshiMeter:
    """Rounds each fill to the account's precision and pays whole steps back, as the venue does over an order."""

    __slots__ = ("_fees",)

    def __init__(self, fees: FeeSchedule) -> None:
        self._fees = OrderFees(FeeRates(fees.taker_rate_u, fees.maker_rate_u))

    def fee_u(self, *, side: Side, price_u: int, qty_u: int, is_taker: bool) -> int:
        return self._fees.fill(side=side, price_u=price_u, qty_u=qty_u, is_taker=is_taker).net_u


class PolymarketMeter:
    """Takers pay by the fill; makers pay nothing."""

    __slots__ = ("_fees",)

    def __init__(self, fees: FeeSchedule) -> None:
        self._fees = fees

    def fee_u(self, *, side: Side, price_u: int, qty_u: int, is_taker: bool) -> int:
        if not is_taker:
            return 0
        return taker_fee_u(self._fees, price_u=price_u, qty_u=qty_u, rounding=BOOKED_ROUNDING)


def dialect_of(venue: Venue, *, account: str, clock_ms: Callable[[], int]) -> Dialect:
    return (_kalshi if venue is Venue.KALSHI else _polymarket)(account, clock_ms)


def _kalshi(account: str, clock_ms: Callable[[], int]) -> Dialect:
    return Dialect(
        capabilities=KALSHI,
        prepare=lambda request: prepare_order(request, now_ms=clock_ms()),
        order_id=lambda prepared: _uuid_of(f"{account}|{prepared.request.client_order_id}"),
        meter=KalshiMeter,
        codes={
            Refusal.CLOSED: "market_closed",
            Refusal.PAUSED: "trading_is_paused",
            Refusal.PRICE: "invalid_price",
            Refusal.QUANTITY: "invalid_parameters",
            Refusal.BALANCE: "insufficient_balance",
            Refusal.POST_ONLY: "invalid_order",
            Refusal.FOK: "fill_or_kill_insufficient_resting_volume",
            Refusal.REDUCE_ONLY: "reduce_only",
            Refusal.FENCED: "order_group_not_found",
            Refusal.DUPLICATE: DUPLICATE_ORDER,
        },
        ioc_needs_match=False,
        caps_reduce_only=True,
        pauses_cancel=True,
        final_after_ms=0,
        sellable_after_ms=0,
        expiry_step_ms=1_000,
        fee_margin_u=(1, 100),
        aclose=_nothing,
    )


def _polymarket(account: str, clock_ms: Callable[[], int]) -> Dialect:
    orders = PolymarketOrders(POLYMARKET_PRODUCTION, _worthless_wallet(account), account=account, clock_ms=clock_ms)
    return Dialect(
        capabilities=POLYMARKET,
        prepare=orders.prepare,
        order_id=lambda prepared: prepared.venue_order_id,
        meter=PolymarketMeter,
        codes={
            Refusal.CLOSED: "market_not_ready",
            Refusal.PAUSED: "market_not_ready",
            Refusal.PRICE: "invalid_tick",
            Refusal.QUANTITY: "below_minimum",
            Refusal.BALANCE: "insufficient_funds",
            Refusal.POST_ONLY: "post_only_crosses",
            Refusal.FOK: "fok_not_filled",
            Refusal.NO_MATCH: "no_match",
            Refusal.EXPIRED: "invalid_expiration",
            Refusal.FENCED: "invalid_payload",
            Refusal.DUPLICATE: DUPLICATE,
        },
        ioc_needs_match=True,
        caps_reduce_only=False,
        pauses_cancel=False,
        final_after_ms=5_000,
        sellable_after_ms=2_000,
        expiry_step_ms=1,
        fee_margin_u=(0, 10),
        aclose=orders.aclose,
    )


def is_immediate(time_in_force: TimeInForce) -> bool:
    return time_in_force in (TimeInForce.IOC, TimeInForce.FOK)


def _worthless_wallet(account: str) -> PolymarketWallet:
    """A key that anybody can derive: it makes the bytes and the id of a paper order, and opens nothing."""
    key = "0x" + hashlib.sha256(f"paper|{account}".encode()).hexdigest()
    nobody = PolymarketWallet(private_key=key, signature_type=0, funder="", api_key="", secret="", passphrase="")
    return PolymarketWallet(
        private_key=key, signature_type=0, funder=nobody.address, api_key="", secret="", passphrase=""
    )


def _uuid_of(name: str) -> str:
    text = hashlib.sha256(name.encode()).hexdigest()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))


async def _nothing() -> None:
    return None
