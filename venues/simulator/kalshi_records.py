"""How orders, fills, positions and settlements read, over REST and on the socket.

Both outcomes' prices are always given and add up to $1; the direction is told by `outcome_side` and `book_side`, and by
the deprecated `action` and `side`, which are still sent. Source: FACTS §3.3, §4, §7.4.
"""

from __future__ import annotations

from venues.simulator.exchange_types import FillView, OrderView, PositionView, Reason, SettlementView, Stp
from venues.simulator.kalshi_json import count, money, price, rfc3339, rfc3339_ms, stamp_us
from venues.types import MICRO, OrderState

Json = dict[str, object]

STATUS = {
    OrderState.RESTING: "resting",
    OrderState.DELAYED: "resting",
    OrderState.FILLED: "executed",
    OrderState.CANCELED: "canceled",
    OrderState.EXPIRED: "canceled",
}
UPDATE_REASONS = {
    Reason.DECREASED: "Decrease",
    Reason.AMENDED: "Amend",
    Reason.SELF_TRADE: "SelfTradeCancel",
    Reason.EXPIRED: "ExpiryCancel",
    Reason.MARKET_CLOSED: "CloseCancel",
    Reason.RESOLVED: "CloseCancel",
    Reason.MARKET_PAUSED: "HaltCancel",
    Reason.REACTIVATED: "HaltCancel",
    Reason.TRADED: "Trade",
    Reason.POST_ONLY_CROSS: "PostOnlyCrossCancel",
    Reason.REDUCE_ONLY: "ReduceOnlyCancel",
}


def direction(*, is_bid: bool) -> Json:
    """All four words for one bit."""
    return {
        "outcome_side": "yes" if is_bid else "no",
        "book_side": "bid" if is_bid else "ask",
        "side": "yes" if is_bid else "no",
        "action": "buy",
    }


def prices(yes_price_u: int) -> Json:
    return {"yes_price_dollars": price(yes_price_u), "no_price_dollars": price(MICRO - yes_price_u)}


def _counts(order: OrderView) -> Json:
    return {
        "fill_count_fp": count(order.filled_u),
        "remaining_count_fp": count(order.remaining_u),
        "initial_count_fp": count(order.qty_u),
        "taker_fees_dollars": money(order.taker_fees_u),
        "maker_fees_dollars": money(order.maker_fees_u),
        "taker_fill_cost_dollars": money(order.taker_cost_u),
        "maker_fill_cost_dollars": money(order.maker_cost_u),
    }


def order_body(order: OrderView, *, shard: int) -> Json:
    body: Json = {
        "order_id": order.order_id,
        "user_id": order.account_id,
        "client_order_id": order.client_order_id,
        "ticker": order.native_id,
        "type": "limit",
        "status": STATUS[order.state],
        "created_time": rfc3339(stamp_us(order.created_ms, order.number)),
        "last_update_time": rfc3339(stamp_us(order.updated_ms, order.number)),
        "cancel_order_on_pause": order.cancel_on_pause,
        "subaccount_number": 0,
        "exchange_index": shard,
    }
    if order.stp is not Stp.NONE:
        body["self_trade_prevention_type"] = order.stp
    if order.expires_ms is not None:
        body["expiration_time"] = rfc3339_ms(order.expires_ms)
    if order.group_id:
        body["order_group_id"] = order.group_id
    return body | direction(is_bid=order.is_bid) | prices(order.yes_price_u) | _counts(order)


def user_order_message(order: OrderView, *, shard: int) -> Json:
    """The socket's view of an order: other field names for the times, and the reason of the last change."""
    message: Json = {
        "order_id": order.order_id,
        "user_id": order.account_id,
        "client_order_id": order.client_order_id,
        "ticker": order.native_id,
        "exchange_index": shard,
        "status": STATUS[order.state],
        "yes_price_dollars": price(order.yes_price_u),
        "self_trade_prevention_type": None if order.stp is Stp.NONE else order.stp,
        "created_time": rfc3339(stamp_us(order.created_ms, order.number)),
        "created_ts_ms": order.created_ms,
        "last_update_time": rfc3339(stamp_us(order.updated_ms, order.number)),
        "last_updated_ts_ms": order.updated_ms,
        "subaccount_number": 0,
        "last_update_reason": UPDATE_REASONS.get(order.reason, ""),
    }
    if order.expires_ms is not None:
        message |= {"expiration_time": rfc3339_ms(order.expires_ms), "expiration_ts_ms": order.expires_ms}
    if order.group_id:
        message["order_group_id"] = order.group_id
    way = direction(is_bid=order.is_bid) | {"is_yes": order.is_bid}
    del way["action"]
    return message | way | _counts(order)


def yes_price_of(fill: FillView) -> int:
    return fill.price_u if fill.outcome.value == "yes" else MICRO - fill.price_u


def fill_body(fill: FillView, *, shard: int) -> Json:
    """Without the client order id: REST fills are joined by order id."""
    body: Json = {
        "fill_id": fill.trade_id,
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "ticker": fill.native_id,
        "market_ticker": fill.native_id,
        "exchange_index": shard,
        "count_fp": count(fill.qty_u),
        "is_taker": fill.is_taker,
        "fee_cost": money(fill.fee_u),
        "created_time": rfc3339(stamp_us(fill.venue_ms, fill.number)),
        "ts": fill.venue_ms // 1000,
        "subaccount_number": 0,
    }
    return body | direction(is_bid=_is_bid(fill)) | prices(yes_price_of(fill))


def fill_message(fill: FillView, *, shard: int) -> Json:
    """The socket's fill does carry the client order id, and the position after it."""
    message: Json = {
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "client_order_id": fill.client_order_id,
        "market_ticker": fill.native_id,
        "exchange_index": shard,
        "is_taker": fill.is_taker,
        "yes_price_dollars": price(yes_price_of(fill)),
        "count_fp": count(fill.qty_u),
        "fee_cost": money(fill.fee_u),
        "ts": fill.venue_ms // 1000,
        "ts_ms": fill.venue_ms,
        "post_position_fp": count(fill.position_u),
        "purchased_side": "yes" if _is_bid(fill) else "no",
    }
    return message | direction(is_bid=_is_bid(fill))


def position_body(position: PositionView, *, shard: int, resting_orders: int) -> Json:
    return {
        "ticker": position.native_id,
        "exchange_index": shard,
        "position_fp": count(position.net_u),
        "total_traded_dollars": money(position.traded_usd_u),
        "market_exposure_dollars": money(position.yes_cost_u + position.no_cost_u),
        "realized_pnl_dollars": money(position.realized_u),
        "fees_paid_dollars": money(position.fees_u),
        "last_updated_ts": rfc3339_ms(position.updated_ms),
        "resting_orders_count": resting_orders,
    }


def position_message(position: PositionView) -> Json:
    return {
        "user_id": position.account_id,
        "market_ticker": position.native_id,
        "position_fp": count(position.net_u),
        "position_cost_dollars": money(position.yes_cost_u + position.no_cost_u),
        "realized_pnl_dollars": money(position.realized_u),
        "fees_paid_dollars": money(position.fees_u),
        "position_fee_cost_dollars": money(position.fees_u),
        "volume_fp": count(position.traded_qty_u),
    }


def settlement_body(settlement: SettlementView, *, event_ticker: str, shard: int) -> Json:
    """`revenue` and `value` are whole cents; `fee_cost` repeats the fees of the fills, it is no fee of its own."""
    result = {MICRO: "yes", 0: "no"}.get(settlement.value_u, "scalar")
    return {
        "ticker": settlement.native_id,
        "event_ticker": event_ticker,
        "exchange_index": shard,
        "market_result": result,
        "yes_count_fp": count(settlement.yes_qty_u),
        "yes_total_cost_dollars": money(settlement.yes_cost_u),
        "no_count_fp": count(settlement.no_qty_u),
        "no_total_cost_dollars": money(settlement.no_cost_u),
        "revenue": settlement.payout_u // 10_000,
        "value": settlement.value_u // 10_000,
        "settled_time": rfc3339_ms(settlement.venue_ms),
        "fee_cost": money(settlement.fees_u),
    }


def _is_bid(fill: FillView) -> bool:
    return (fill.side.value == "buy") == (fill.outcome.value == "yes")
