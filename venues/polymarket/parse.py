"""From account objects on the wire to `OrderReport` and `FillReport`.

Rules: fills come only from trades; a CANCELLATION is out whatever its status says; in a trade each side names its own
token and price, because a buy of YES may have met a buy of NO (mint) or a sale a sale (merge). A trade id arrives once
per status and once per side of ours; (trade_id, leg) names an execution for ever. Source: FACTS §2.8, §6.2.
"""

from __future__ import annotations

import msgspec

from venues.errors import ProtocolError
from venues.polymarket.fees import BOOKED_ROUNDING, taker_fee_u
from venues.polymarket.markets import Routing, market_id_of, routing_of
from venues.polymarket.micro import parse_micro, parse_micro_or_zero, parse_ms, parse_nano_ms
from venues.polymarket.schemas import WireMakerOrder, WireOpenOrder, WireTrade
from venues.types import (
    MICRO,
    FillReport,
    OrderReport,
    OrderState,
    Outcome,
    SettleState,
    Side,
    Venue,
    VenueMarket,
)

TAKER_LEG = "taker"
_DUST_U = 10_000
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_SETTLE_STATES = {
    "MATCHED": SettleState.PENDING,
    "MATCHED_NOT_BROADCASTED": SettleState.PENDING,
    "MINED": SettleState.PENDING,
    "RETRYING": SettleState.PENDING,
    "CONFIRMED": SettleState.CONFIRMED,
    "FAILED": SettleState.FAILED,
}
_IMMEDIATE = ("FAK", "FOK")


class Identity(msgspec.Struct, frozen=True):
    """Who we are in the venue's records: our account name, the API key (`owner`) and the funding wallet."""

    account: str
    api_key: str
    wallet: str

    def owns(self, owner: str, maker_address: str) -> bool:
        return owner == self.api_key or maker_address.lower() == self.wallet.lower()


def side_of(text: str) -> Side:
    try:
        return _SIDES[text]
    except KeyError:
        raise ProtocolError(f"unknown side {text!r}", code="unknown_side") from None


def settle_state_of(status: str) -> SettleState:
    try:
        return _SETTLE_STATES[status.removeprefix("TRADE_STATUS_")]
    except KeyError:
        raise ProtocolError(f"unknown trade status {status!r}", code="unknown_status") from None


def is_whole(qty_u: int, filled_u: int) -> bool:
    """Filled but for dust, which nobody can fill any more."""
    return qty_u - filled_u < _DUST_U


def order_state_of(order: WireOpenOrder, *, filled_u: int, qty_u: int) -> OrderState:
    """Where an order is. Raises ProtocolError for a status nobody documented, except on a cancellation.

    An immediate order never rests: one that lives has not been matched yet, and may be until its delay is over.
    """
    status = order.status.removeprefix("ORDER_STATUS_")
    if order.type == "CANCELLATION" or status.startswith("CANCELED") or status == "INVALID":
        if is_whole(qty_u, filled_u):
            return OrderState.FILLED
        return OrderState.EXPIRED if "EXPIRED" in status else OrderState.CANCELED
    is_immediate = order.order_type in _IMMEDIATE
    if status in ("LIVE", "UNMATCHED", "MATCHED"):
        if is_whole(qty_u, filled_u):
            return OrderState.FILLED
        if not is_immediate:
            return OrderState.RESTING
        return OrderState.DELAYED if status == "LIVE" else OrderState.CANCELED
    if status == "DELAYED":
        return OrderState.DELAYED
    raise ProtocolError(f"unknown order status {status[:60]!r}", code="unknown_status")


def order_report(order: WireOpenOrder, me: Identity, market: VenueMarket | None) -> OrderReport:
    """The venue's view of one of our orders; outcome None while its market is not known to us."""
    qty_u = parse_micro(order.original_size)
    filled_u = parse_micro_or_zero(order.size_matched)
    state = order_state_of(order, filled_u=filled_u, qty_u=qty_u)
    is_open = state in (OrderState.RESTING, OrderState.DELAYED)
    return OrderReport(
        venue=Venue.POLYMARKET,
        account=me.account,
        venue_order_id=order.id,
        client_order_id="",
        market_id=market_id_of(order.market),
        state=state,
        filled_u=filled_u,
        remaining_u=max(0, qty_u - filled_u) if is_open else 0,
        venue_ms=parse_ms(order.timestamp) or parse_ms(order.created_at),
        reason="" if is_open or state is OrderState.FILLED else order.status.removeprefix("ORDER_STATUS_")[:200],
        side=side_of(order.side),
        outcome=routing_of(market).outcome(order.asset_id) if market is not None else None,
        price_u=parse_micro(order.price),
        qty_u=qty_u,
    )


def fill_reports(trade: WireTrade, me: Identity, market: VenueMarket) -> list[FillReport]:
    """Our executions in a trade: as taker, as maker of one or more orders, or both (a trade with ourselves)."""
    book = _TradeBook(trade, me, market)
    fills = book.taker_fills() if _is_taker(trade, me) else []
    return fills + [book.maker_fill(maker) for maker in trade.maker_orders if me.owns(maker.owner, maker.maker_address)]


def _is_taker(trade: WireTrade, me: Identity) -> bool:
    if trade.trader_side == "MAKER":
        return False
    return trade.trader_side == "TAKER" or me.owns(trade.owner, trade.maker_address)


class _TradeBook:
    """One trade turned into fills; what is the same for all of them is worked out once."""

    def __init__(self, trade: WireTrade, me: Identity, market: VenueMarket) -> None:
        self._trade = trade
        self._me = me
        self._market = market
        self._routing: Routing = routing_of(market)
        self._settle_state = settle_state_of(trade.status)
        self._venue_ms = parse_ms(trade.match_time) or parse_ms(trade.matchtime)
        if trade.match_time_nano:
            self._venue_ms = parse_nano_ms(str(trade.match_time_nano))

    def taker_fills(self) -> list[FillReport]:
        """One leg, or one per price where the taker met makers at several: only so is the cash exact."""
        outcome = self._routing.outcome(self._trade.asset_id)
        sizes = self._sizes_by_price(outcome)
        size_u = parse_micro(self._trade.size)
        if sum(sizes.values()) != size_u:
            sizes = {parse_micro(self._trade.price): size_u}
        return [self._taker_fill(outcome, price_u, qty_u, is_only=len(sizes) == 1) for price_u, qty_u in sizes.items()]

    def _sizes_by_price(self, outcome: Outcome) -> dict[int, int]:
        """What the taker got at each price of its own token; a maker on the other token counts at 1 − p."""
        sizes: dict[int, int] = {}
        for maker in self._trade.maker_orders:
            price_u = parse_micro(maker.price)
            if self._routing.outcome(maker.asset_id) is not outcome:
                price_u = MICRO - price_u
            sizes[price_u] = sizes.get(price_u, 0) + parse_micro(maker.matched_amount)
        return sizes

    def _taker_fill(self, outcome: Outcome, price_u: int, qty_u: int, *, is_only: bool) -> FillReport:
        return self._fill(
            leg=TAKER_LEG if is_only else f"{TAKER_LEG}@{price_u}",
            order_id=self._trade.taker_order_id,
            side=side_of(self._trade.side),
            outcome=outcome,
            price_u=price_u,
            qty_u=qty_u,
            fee_u=taker_fee_u(self._market.fees, price_u=price_u, qty_u=qty_u, rounding=BOOKED_ROUNDING),
        )

    def maker_fill(self, maker: WireMakerOrder) -> FillReport:
        return self._fill(
            leg=maker.order_id,
            order_id=maker.order_id,
            side=self._maker_side(maker),
            outcome=self._routing.outcome(maker.asset_id),
            price_u=parse_micro(maker.price),
            qty_u=parse_micro(maker.matched_amount),
            fee_u=0,
        )

    def _maker_side(self, maker: WireMakerOrder) -> Side:
        """Stated since 2025; before, a maker on the taker's token was its counterpart and one on the other its like."""
        if maker.side:
            return side_of(maker.side)
        taker_side = side_of(self._trade.side)
        if maker.asset_id != self._trade.asset_id:
            return taker_side
        return Side.SELL if taker_side is Side.BUY else Side.BUY

    def _fill(
        self, *, leg: str, order_id: str, side: Side, outcome: Outcome, price_u: int, qty_u: int, fee_u: int
    ) -> FillReport:
        return FillReport(
            venue=Venue.POLYMARKET,
            account=self._me.account,
            trade_id=self._trade.id,
            leg=leg,
            venue_order_id=order_id,
            client_order_id="",
            market_id=self._market.market_id,
            side=side,
            outcome=outcome,
            price_u=price_u,
            qty_u=qty_u,
            fee_u=fee_u,
            is_taker=leg.startswith(TAKER_LEG),
            settle_state=self._settle_state,
            venue_ms=self._venue_ms,
        )
