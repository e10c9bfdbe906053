"""The private stream: fills, orders, positions and groups by the specification (no capture of them is public)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.kalshi.wire_frames import commands, error, frame, subscribed
from venues.kalshi.stream_account import KalshiAccountStream
from venues.types import FeedStatus, FillReport, OrderReport, OrderState, Outcome, PositionReport, Side

CHANNELS = ["fill", "user_orders", "market_positions", "order_group_updates"]
FILL = {
    "trade_id": "t1",
    "order_id": "o1",
    "client_order_id": "c1",
    "market_ticker": "T-A",
    "exchange_index": 3,
    "is_taker": True,
    "side": "yes",
    "yes_price_dollars": "0.5200",
    "count_fp": "1.00",
    "fee_cost": "0.017500",
    "action": "buy",
    "outcome_side": "yes",
    "book_side": "bid",
    "ts": 1,
    "ts_ms": 1_781_159_370_164,
    "post_position_fp": "1.00",
    "purchased_side": "yes",
    "subaccount": 0,
}
ORDER = {
    "order_id": "o1",
    "user_id": "u",
    "ticker": "T-A",
    "exchange_index": 3,
    "status": "executed",
    "side": "yes",
    "is_yes": True,
    "outcome_side": "yes",
    "book_side": "bid",
    "yes_price_dollars": "0.5200",
    "fill_count_fp": "1.00",
    "remaining_count_fp": "0.00",
    "initial_count_fp": "1.00",
    "taker_fill_cost_dollars": "0.520000",
    "maker_fill_cost_dollars": "0.000000",
    "taker_fees_dollars": "0.017500",
    "maker_fees_dollars": "0.000000",
    "client_order_id": "c1",
    "created_ts_ms": None,
    "last_updated_ts_ms": 1_781_159_370_200,
    "last_update_reason": "Trade",
}
POSITION = {
    "user_id": "u",
    "market_ticker": "T-A",
    "position_fp": "-2.50",
    "position_cost_dollars": "1.200000",
    "realized_pnl_dollars": "0.000000",
    "fees_paid_dollars": "0.017500",
    "position_fee_cost_dollars": "0.017500",
    "volume_fp": "2.50",
}


def connected() -> KalshiAccountStream:
    stream = KalshiAccountStream(account="main")
    stream.open(0)
    for sid, command in enumerate(commands(stream.take_commands()), start=1):
        stream.feed(subscribed(command["id"], command["params"]["channels"][0], sid), 0)
    stream.needs_reading = False
    return stream


def told(kind: str, sid: int, msg: dict[str, Any]) -> str:
    return frame(type=kind, sid=sid, msg=msg, sending_ts_ms=1)


def test_it_subscribes_each_private_channel_without_markets() -> None:
    stream = KalshiAccountStream(account="main")
    stream.open(0)
    assert [command["params"] for command in commands(stream.take_commands())] == [{"channels": [c]} for c in CHANNELS]
    assert stream.needs_reading


def test_fills_orders_and_positions_become_reports() -> None:
    stream = connected()
    (fill,) = stream.feed(told("fill", 1, FILL), 0)
    assert isinstance(fill, FillReport)
    assert (fill.trade_id, fill.client_order_id, fill.fee_u, fill.venue_ms) == ("t1", "c1", 17_500, 1_781_159_370_164)
    (order,) = stream.feed(told("user_order", 2, ORDER), 0)
    assert isinstance(order, OrderReport)
    assert (order.state, order.side, order.outcome, order.reason) == (OrderState.FILLED, Side.BUY, Outcome.YES, "Trade")
    (position,) = stream.feed(told("market_position", 3, POSITION), 5_000_000)
    assert isinstance(position, PositionReport)
    assert (position.yes_qty_u, position.no_qty_u, position.venue_ms) == (0, 2_500_000, 5_000)
    assert not stream.reader.census.unknown
    assert not stream.needs_reading


def test_an_order_of_unknown_status_is_to_be_read() -> None:
    stream = connected()
    assert stream.feed(told("user_order", 2, {**ORDER, "status": "unknown"}), 0) == []
    assert stream.take_doubts() == {"o1"}
    assert stream.take_doubts() == set()


@pytest.mark.parametrize(
    "bad",
    [
        told("fill", 1, {**FILL, "fee_cost": "NaN"}),
        told("fill", 1, {**FILL, "book_side": "both"}),
        told("user_order", 2, {**ORDER, "status": "evaporated"}),
        told("user_order", 2, {key: value for key, value in ORDER.items() if key != "order_id"}),
        "not json",
    ],
)
def test_what_cannot_be_read_is_not_lost_but_read_by_rest(bad: str) -> None:
    stream = connected()
    assert [type(message) for message in stream.feed(bad + "\n" + told("fill", 1, FILL), 0)] == [FillReport]
    assert stream.needs_reading
    assert len(stream.unreadable) == 1


def test_what_happens_before_fills_and_orders_are_subscribed_is_read() -> None:
    stream = KalshiAccountStream(account="main")
    stream.open(0)
    stream.needs_reading = False  # read before the venue had heard of the channels
    fills, orders, *_ = commands(stream.take_commands())
    stream.feed(subscribed(fills["id"], "fill", 1), 0)
    assert not stream.needs_reading
    stream.feed(subscribed(orders["id"], "user_orders", 2), 0)
    assert stream.needs_reading


def test_a_channel_that_tells_no_orders_and_no_fills_may_be_missing() -> None:
    stream = connected()
    assert stream.feed(error(10, sid=4), 0) == []
    assert stream.needs_reading


def test_a_dead_channel_is_subscribed_again_and_its_loss_read() -> None:
    stream = connected()
    (down,) = stream.feed(error(25, sid=1), 0)
    assert isinstance(down, FeedStatus) and not down.is_up
    assert stream.feed(error(10, sid=2), 0) == []
    assert stream.needs_reading
    asked = commands(stream.take_commands())
    assert [command["params"] for command in asked] == [{"channels": ["fill"]}, {"channels": ["user_orders"]}]
    stream.needs_reading = False
    assert stream.feed(subscribed(asked[0]["id"], "fill", 8), 0) == []
    (up,) = stream.feed(subscribed(asked[1]["id"], "user_orders", 9), 0)
    assert isinstance(up, FeedStatus) and up.is_up
    assert stream.needs_reading


def test_groups_that_the_venue_stopped_are_remembered_until_reset() -> None:
    stream = connected()
    for seq, event_type in enumerate(("created", "triggered"), start=1):
        msg = {"event_type": event_type, "order_group_id": "g1", "contracts_limit_fp": "5.00", "ts_ms": 1}
        stream.feed(frame(type="order_group_updates", sid=4, seq=seq, msg=msg), 0)
    assert stream.stopped_groups == {"g1"}
    msg = {"event_type": "reset", "order_group_id": "g1", "ts_ms": 1}
    stream.feed(frame(type="order_group_updates", sid=4, seq=3, msg=msg), 0)
    assert stream.stopped_groups == set()
    assert stream.counts == {"group_created": 1, "group_triggered": 1, "group_reset": 1}
