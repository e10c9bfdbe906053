"""Reports of our account: direction, states, positions, settlements, and the words they are told in."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from venues.errors import ProtocolError
from venues.kalshi.parse_account import (
    order_state,
    parse_fill,
    parse_group,
    parse_group_detail,
    parse_order,
    parse_position,
    parse_settlement,
    parse_user_fill,
    parse_user_order,
)
from venues.kalshi.schemas_portfolio import GroupReply, WireFill, WireGroup, WireOrder, WirePosition, WireSettlement
from venues.kalshi.schemas_stream import FillMsg, UserOrderMsg
from venues.types import OrderState, Outcome, SettleState, Side

ORDER = WireOrder(
    order_id="o1",
    ticker="T-A",
    book_side="ask",
    status="canceled",
    yes_price_dollars="0.7000",
    fill_count_fp="2.00",
    remaining_count_fp="0.00",
    initial_count_fp="10.00",
    client_order_id="c1",
    last_update_time="2026-06-11T06:29:20.866753Z",
)
FILL = WireFill("t1", "o1", "T-A", "ask", "2.50", "0.7000", False, "0.010000", "2026-06-11T06:29:30.164956Z")
SETTLEMENT = WireSettlement(
    ticker="T-A",
    market_result="yes",
    yes_count_fp="10.00",
    no_count_fp="0.00",
    revenue=1000,
    settled_time="2026-06-11T06:29:30Z",
    value=100,
)


def test_an_order_is_told_in_yes_words() -> None:
    report = parse_order(ORDER, account="main")
    assert (report.side, report.outcome, report.price_u) == (Side.SELL, Outcome.YES, 700_000)
    assert (report.filled_u, report.remaining_u, report.qty_u) == (2_000_000, 0, 10_000_000)
    assert (report.state, report.market_id, report.client_order_id) == (OrderState.CANCELED, "kalshi:T-A", "c1")


@pytest.mark.parametrize(
    ("expires", "state"),
    [
        ("2026-06-11T06:29:20Z", OrderState.EXPIRED),
        ("2026-06-11T06:29:21Z", OrderState.CANCELED),
        (None, OrderState.CANCELED),
    ],
)
def test_a_cancel_at_its_expiry_is_an_expiry(expires: str | None, state: OrderState) -> None:
    assert parse_order(msgspec.structs.replace(ORDER, expiration_time=expires), account="a").state is state


@pytest.mark.parametrize(
    ("reason", "state"), [("ExpiryCancel", OrderState.EXPIRED), ("HaltCancel", OrderState.CANCELED)]
)
def test_the_stream_names_the_reason(reason: str, state: OrderState) -> None:
    msg = UserOrderMsg("o1", "T-A", "canceled", "bid", "0.5", "0", "0", "1.00", last_update_reason=reason)
    report = parse_user_order(msg, account="a", received_ms=77)
    assert (report.state, report.reason, report.venue_ms) == (state, reason, 77)


@pytest.mark.parametrize("status", ["unknown", "pending", ""])
def test_an_order_state_nobody_described_is_refused(status: str) -> None:
    with pytest.raises(ProtocolError):
        order_state(status)


def test_a_fill_has_one_identity_in_a_read_and_in_the_stream() -> None:
    from_read = parse_fill(FILL, account="main")
    msg = FillMsg("t1", "o1", "T-A", False, "ask", "0.700", "2.5", "0.01", 1_781_159_370_164, "c1")
    from_stream = parse_user_fill(msg, account="main")
    assert (from_read.trade_id, from_read.leg) == (from_stream.trade_id, from_stream.leg) == ("t1", "maker")
    assert msgspec.structs.replace(from_stream, client_order_id="") == from_read
    assert from_read.settle_state is SettleState.CONFIRMED
    assert (from_read.price_u, from_read.qty_u, from_read.fee_u) == (700_000, 2_500_000, 10_000)


def test_a_fill_is_restated_in_the_words_of_its_order() -> None:
    sold = parse_fill(FILL, account="main")
    bought_no = sold.told_as(side=Side.BUY, outcome=Outcome.NO)
    assert (bought_no.side, bought_no.outcome, bought_no.price_u) == (Side.BUY, Outcome.NO, 300_000)
    assert sold.told_as(side=Side.SELL, outcome=Outcome.YES) is sold
    assert bought_no.told_as(side=Side.SELL, outcome=Outcome.YES) == sold
    for side, outcome in ((Side.BUY, Outcome.YES), (Side.SELL, Outcome.NO)):
        with pytest.raises(ValueError, match="cannot be told as"):
            sold.told_as(side=side, outcome=outcome)


@pytest.mark.parametrize(("text", "yes_u", "no_u"), [("3.00", 3_000_000, 0), ("-0.27", 0, 270_000), ("0.00", 0, 0)])
def test_a_position_is_one_signed_number(text: str, yes_u: int, no_u: int) -> None:
    report = parse_position(WirePosition("T-A", text), account="a")
    assert (report.yes_qty_u, report.no_qty_u) == (yes_u, no_u)


@pytest.mark.parametrize(
    ("values", "known_u", "value_u", "payout_u"),
    [
        ({}, None, 1_000_000, 10_000_000),
        ({"market_result": "no", "revenue": 0, "value": 0}, None, 0, 0),
        (
            {"market_result": "no", "yes_count_fp": "0.00", "no_count_fp": "0.27", "revenue": 27, "value": 0},
            None,
            0,
            270_000,
        ),
        ({"market_result": "scalar", "revenue": 432, "value": 43}, 432_100, 432_100, 4_321_000),
        ({"market_result": "scalar", "revenue": 430, "value": 43}, None, 430_000, 4_300_000),
        ({"no_count_fp": "4.00", "revenue": 600}, None, 1_000_000, 6_000_000),
    ],
)
def test_a_settlement_pays_exactly(values: dict[str, Any], known_u: int | None, value_u: int, payout_u: int) -> None:
    row = msgspec.structs.replace(SETTLEMENT, **values)
    report = parse_settlement(row, account="a", known_value_u=known_u)
    assert (report.value_u, report.payout_u) == (value_u, payout_u)


@pytest.mark.parametrize("values", [{"market_result": "void"}, {"market_result": "scalar", "value": None}])
def test_a_settlement_nobody_understands_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        parse_settlement(msgspec.structs.replace(SETTLEMENT, **values), account="a")


def test_groups_read_with_their_limit_and_orders() -> None:
    assert parse_group(WireGroup("g1", True, "100.00", 3)).limit_u == 100_000_000
    detail = parse_group_detail("g1", GroupReply(False, ["o1"], None, 3))
    assert (detail.order_ids, detail.shard, detail.is_auto_cancel_enabled) == (("o1",), 3, False)


def test_a_negative_fill_or_fee_is_refused() -> None:
    for values in ({"count_fp": "-1.00"}, {"fee_cost": "-0.01"}, {"yes_price_dollars": "1.01"}, {"book_side": "yes"}):
        with pytest.raises(ProtocolError):
            parse_fill(msgspec.structs.replace(FILL, **values), account="a")
