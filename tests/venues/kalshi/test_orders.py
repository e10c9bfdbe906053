"""The bytes of a create, and what is refused before any byte is sent."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest

from tests.venues.kalshi.conftest import listed
from venues.errors import Rejected
from venues.kalshi.orders import fence_token, group_for, groups_of, prepare_order
from venues.ports import OrderRequest
from venues.types import Outcome, Side, TimeInForce

REQUEST = OrderRequest(
    client_order_id="sx1-abcdefghijklmnopqrstuv",
    market=listed(shard=3),
    side=Side.BUY,
    outcome=Outcome.YES,
    price_u=560_000,
    qty_u=12_500_000,
    time_in_force=TimeInForce.IOC,
    created_ms=1_000_000,
)


def changed(**values: Any) -> OrderRequest:
    return msgspec.structs.replace(REQUEST, **values)


def body_of(request: OrderRequest) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(prepare_order(request, now_ms=1_000_000).body)
    return body


def test_a_create_says_everything_the_venue_asks_for_as_strings() -> None:
    prepared = prepare_order(REQUEST, now_ms=1_000_000)
    assert prepared.path == "/portfolio/events/orders"
    assert prepared.venue_order_id == ""
    assert prepared.body_sha256 == hashlib.sha256(prepared.body).hexdigest()
    assert json.loads(prepared.body) == {
        "ticker": REQUEST.market.native_id,
        "client_order_id": REQUEST.client_order_id,
        "side": "bid",
        "count": "12.50",
        "price": "0.5600",
        "time_in_force": "immediate_or_cancel",
        "self_trade_prevention_type": "taker_at_cross",
        "cancel_order_on_pause": True,
        "exchange_index": 3,
    }
    assert prepare_order(REQUEST, now_ms=1_000_000).body == prepared.body


@pytest.mark.parametrize(
    ("side", "outcome", "price_u", "wire_side", "wire_price"),
    [
        (Side.BUY, Outcome.YES, 300_000, "bid", "0.3000"),
        (Side.SELL, Outcome.YES, 300_000, "ask", "0.3000"),
        (Side.BUY, Outcome.NO, 300_000, "ask", "0.7000"),
        (Side.SELL, Outcome.NO, 300_000, "bid", "0.7000"),
    ],
)
def test_every_direction_is_a_bid_or_an_ask_in_yes_prices(
    side: Side, outcome: Outcome, price_u: int, wire_side: str, wire_price: str
) -> None:
    body = body_of(changed(side=side, outcome=outcome, price_u=price_u))
    assert (body["side"], body["price"]) == (wire_side, wire_price)


def test_a_date_is_an_expiration_and_an_option_is_named_only_when_meant() -> None:
    body = body_of(changed(time_in_force=TimeInForce.GTD, expires_ms=1_002_999, post_only=True))
    assert (body["time_in_force"], body["expiration_time"], body["post_only"]) == ("good_till_canceled", 1_002, True)
    assert "expiration_time" not in body_of(changed(time_in_force=TimeInForce.GTC, expires_ms=1_002_999))
    assert body_of(changed(time_in_force=TimeInForce.FOK))["time_in_force"] == "fill_or_kill"


def test_reduce_only_is_sent_where_the_venue_takes_it() -> None:
    assert body_of(changed(reduce_only=True))["reduce_only"] is True
    assert "reduce_only" not in body_of(changed(reduce_only=True, time_in_force=TimeInForce.GTC))


def test_a_fence_picks_the_group_of_the_markets_shard() -> None:
    token = fence_token({3: "g3", 0: "g0"})
    assert token == "0:g0,3:g3"
    assert groups_of(token) == {0: "g0", 3: "g3"}
    assert body_of(changed(fence_token=token))["order_group_id"] == "g3"
    assert group_for("plain-group", 5) == "plain-group"
    with pytest.raises(Rejected) as caught:
        prepare_order(changed(fence_token="0:g0"), now_ms=0)
    assert caught.value.code == "no_fence_on_shard"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"price_u": 565_000}, "off_grid"),
        ({"price_u": 0}, "off_grid"),
        ({"price_u": 1_000_000}, "off_grid"),
        ({"price_u": -10_000}, "off_grid"),
        ({"qty_u": 0}, "bad_quantity"),
        ({"qty_u": 15_000}, "bad_quantity"),
        ({"qty_u": -10_000}, "bad_quantity"),
        ({"client_order_id": "with.dot"}, "bad_client_order_id"),
        ({"client_order_id": ""}, "bad_client_order_id"),
        ({"client_order_id": "x" * 37}, "bad_client_order_id"),
        ({"post_only": True}, "post_only_needs_rest"),
        ({"time_in_force": TimeInForce.GTD}, "already_expired"),
        ({"time_in_force": TimeInForce.GTD, "expires_ms": 1_000_999}, "already_expired"),
    ],
)
def test_what_the_venue_would_refuse_is_refused_before_any_byte_is_sent(values: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        prepare_order(changed(**values), now_ms=1_000_000)
    assert caught.value.code == code


def test_a_price_finer_than_the_wire_is_off_grid_even_where_the_band_allows_it() -> None:
    with pytest.raises(Rejected, match="not on the grid"):
        prepare_order(changed(market=listed(step_u=10), price_u=560_010), now_ms=0)
