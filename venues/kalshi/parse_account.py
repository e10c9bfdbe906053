"""Wire structs of our account to the common vocabulary: orders, fills, positions, balance, settlements, groups.

Kalshi has one book per market and nets at once: it keeps no word on whether an `ask` sold YES or bought NO, which is
the same exposure. Reports therefore speak of YES only (`bid` is BUY YES, `ask` is SELL YES) and whoever knows the
order restates them with `FillReport.told_as`.
"""

from __future__ import annotations

from venues.errors import ProtocolError
from venues.kalshi.numbers import amount_u, cents_u, price_u, signed_u, time_ms
from venues.kalshi.parse import book_side, market_id
from venues.kalshi.schemas_portfolio import (
    BalanceReply,
    GroupReply,
    WireFill,
    WireGroup,
    WireOrder,
    WirePosition,
    WireSettlement,
)
from venues.kalshi.schemas_stream import FillMsg, UserOrderMsg, UserPositionMsg
from venues.kalshi.values import OrderGroup
from venues.types import (
    MICRO,
    BalanceReport,
    FillReport,
    OrderReport,
    OrderState,
    Outcome,
    PositionReport,
    SettlementReport,
    SettleState,
    Venue,
)

_ORDER_STATES = {"resting": OrderState.RESTING, "executed": OrderState.FILLED, "canceled": OrderState.CANCELED}
_EXPIRED = "ExpiryCancel"


def parse_order(order: WireOrder, *, account: str) -> OrderReport:
    """An order as a read tells it. A canceled one counts as expired when its end came at or after its expiry."""
    state = order_state(order.status)
    updated_ms = _optional_ms(order.last_update_time) or _optional_ms(order.created_time) or 0
    expires_ms = _optional_ms(order.expiration_time)
    if state is OrderState.CANCELED and expires_ms is not None and updated_ms >= expires_ms:
        state = OrderState.EXPIRED
    return _order_report(order, account=account, state=state, venue_ms=updated_ms, reason="")


def parse_user_order(order: UserOrderMsg, *, account: str, received_ms: int) -> OrderReport:
    """An order as the stream tells it. Raises ProtocolError for the status `unknown`: read the order instead."""
    state = order_state(order.status)
    if state is OrderState.CANCELED and order.last_update_reason == _EXPIRED:
        state = OrderState.EXPIRED
    venue_ms = order.last_updated_ts_ms or received_ms
    return _order_report(order, account=account, state=state, venue_ms=venue_ms, reason=order.last_update_reason)


def order_state(status: str) -> OrderState:
    """Raises ProtocolError for any word that is not one of the three."""
    state = _ORDER_STATES.get(status)
    if state is None:
        raise ProtocolError(f"order status {status!r} is unknown", code="unknown_state")
    return state


def _order_report(
    order: WireOrder | UserOrderMsg, *, account: str, state: OrderState, venue_ms: int, reason: str
) -> OrderReport:
    return OrderReport(
        venue=Venue.KALSHI,
        account=account,
        venue_order_id=order.order_id,
        client_order_id=order.client_order_id,
        market_id=market_id(order.ticker),
        state=state,
        filled_u=amount_u(order.fill_count_fp),
        remaining_u=amount_u(order.remaining_count_fp),
        venue_ms=venue_ms,
        reason=reason,
        side=book_side(order.book_side),
        outcome=Outcome.YES,
        price_u=price_u(order.yes_price_dollars),
        qty_u=amount_u(order.initial_count_fp),
    )


def parse_fill(fill: WireFill, *, account: str) -> FillReport:
    """A fill of a read. It has no client order id. Raises ProtocolError."""
    venue_ms = time_ms(fill.created_time)
    return _fill_report(fill, account=account, trade_id=fill.fill_id, ticker=fill.ticker, client_id="", ms=venue_ms)


def parse_user_fill(fill: FillMsg, *, account: str) -> FillReport:
    """A fill of the stream: the same identity as in a read, and with our client order id. Raises ProtocolError."""
    return _fill_report(
        fill,
        account=account,
        trade_id=fill.trade_id,
        ticker=fill.market_ticker,
        client_id=fill.client_order_id,
        ms=fill.ts_ms,
    )


def _fill_report(
    fill: WireFill | FillMsg, *, account: str, trade_id: str, ticker: str, client_id: str, ms: int
) -> FillReport:
    return FillReport(
        venue=Venue.KALSHI,
        account=account,
        trade_id=trade_id,
        leg="taker" if fill.is_taker else "maker",
        venue_order_id=fill.order_id,
        client_order_id=client_id,
        market_id=market_id(ticker),
        side=book_side(fill.book_side),
        outcome=Outcome.YES,
        price_u=price_u(fill.yes_price_dollars),
        qty_u=amount_u(fill.count_fp),
        fee_u=amount_u(fill.fee_cost),
        is_taker=fill.is_taker,
        settle_state=SettleState.CONFIRMED,
        venue_ms=ms,
    )


def parse_position(position: WirePosition, *, account: str) -> PositionReport:
    """A netted position: one signed number, negative for NO."""
    venue_ms = _optional_ms(position.last_updated_ts) or 0
    return _position_report(position.ticker, signed_u(position.position_fp), account=account, venue_ms=venue_ms)


def parse_user_position(position: UserPositionMsg, *, account: str, received_ms: int) -> PositionReport:
    """A position of the stream, which carries no time of its own."""
    qty_u = signed_u(position.position_fp)
    return _position_report(position.market_ticker, qty_u, account=account, venue_ms=received_ms)


def _position_report(ticker: str, qty_u: int, *, account: str, venue_ms: int) -> PositionReport:
    return PositionReport(
        venue=Venue.KALSHI,
        account=account,
        market_id=market_id(ticker),
        yes_qty_u=max(qty_u, 0),
        no_qty_u=max(-qty_u, 0),
        venue_ms=venue_ms,
    )


def parse_balance(reply: BalanceReply, *, account: str, held_u: int) -> BalanceReport:
    """Available cash per shard and in all; `held_u` is what resting orders hold beside it."""
    available_u = signed_u(reply.balance_dollars)
    return BalanceReport(
        venue=Venue.KALSHI,
        account=account,
        available_u=available_u,
        total_u=available_u + held_u,
        venue_ms=reply.updated_ts * 1000,
        by_shard=tuple((shard.exchange_index, signed_u(shard.balance)) for shard in reply.balance_breakdown),
    )


def parse_settlement(row: WireSettlement, *, account: str, known_value_u: int | None = None) -> SettlementReport:
    """A settled market. `known_value_u` is the market's own exact value: the row rounds a scalar one to cents.

    The payout is exact where it agrees with the row's whole cents, else it is what the row says.
    """
    value_u = _settlement_value_u(row, known_value_u)
    yes_u, no_u = amount_u(row.yes_count_fp), amount_u(row.no_count_fp)
    exact_u = (yes_u * value_u + no_u * (MICRO - value_u)) // MICRO
    told_u = cents_u(row.revenue)
    return SettlementReport(
        venue=Venue.KALSHI,
        account=account,
        market_id=market_id(row.ticker),
        value_u=value_u,
        yes_qty_u=yes_u,
        no_qty_u=no_u,
        payout_u=exact_u if abs(exact_u - told_u) < cents_u(1) else told_u,
        venue_ms=time_ms(row.settled_time),
    )


def _settlement_value_u(row: WireSettlement, known_value_u: int | None) -> int:
    if row.market_result in ("yes", "no"):
        return MICRO if row.market_result == "yes" else 0
    if row.market_result != "scalar":
        raise ProtocolError(f"settlement result {row.market_result!r} is unknown", code="unknown_state")
    if known_value_u is not None:
        return known_value_u
    if row.value is None or not 0 <= row.value <= 100:
        raise ProtocolError(f"{row.ticker} settled at an unreadable value {row.value!r}", code="bad_number")
    return cents_u(row.value)


def parse_group(group: WireGroup) -> OrderGroup:
    """A group of the list, which does not name its orders."""
    limit_u = amount_u(group.contracts_limit_fp) if group.contracts_limit_fp else None
    return OrderGroup(group.id, group.is_auto_cancel_enabled, group.exchange_index, limit_u)


def parse_group_detail(group_id: str, reply: GroupReply) -> OrderGroup:
    """One group with the ids of its orders."""
    limit_u = amount_u(reply.contracts_limit_fp) if reply.contracts_limit_fp else None
    orders = tuple(reply.orders or ())
    return OrderGroup(group_id, reply.is_auto_cancel_enabled, reply.exchange_index, limit_u, orders)


def _optional_ms(text: str | None) -> int | None:
    return time_ms(text) if text else None
