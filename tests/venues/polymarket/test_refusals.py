"""What every reply means for an order, a cancel and a read: over a real socket to a server that says just that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tests.venues.polymarket.conftest import ref_of
from tests.venues.polymarket.script import Script
from venues.errors import (
    AuthFailed,
    NotFoundAtVenue,
    NotSent,
    OutcomeUnknown,
    ProtocolError,
    Rejected,
    Throttled,
    VenueError,
)
from venues.polymarket.clob import ClobPublic
from venues.polymarket.constants import PolymarketEndpoints
from venues.polymarket.gateway import PolymarketOrders
from venues.polymarket.http import ORDERS_BUCKET, VenueHost
from venues.polymarket.markets import Routing, bands, routing_text
from venues.polymarket.rejects import DEFINITIVE, DUPLICATE, ModeRefused, VenueMode
from venues.polymarket.sign import PolymarketWallet, address_of
from venues.ports import OrderRequest, PreparedOrder
from venues.simulator.asgi_server import AppServer
from venues.types import MarketKind, OrderState, Outcome, Side, TimeInForce, Venue, VenueMarket

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
HASH = "{hash}"
"""Stands for the id of the order in a scripted body."""


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def serving() -> AsyncIterator[Script]:
    """One server for all tests here: stopping one takes as long as all of them together."""
    made = Script()
    server = AppServer(made)
    await server.start()
    made.url = f"http://127.0.0.1:{server.port}"
    yield made
    await server.stop()


@pytest.fixture
def script(serving: Script) -> Script:
    serving.asked.clear()
    serving.says(200, {})
    return serving


@pytest_asyncio.fixture(loop_scope="module")
async def orders(script: Script) -> AsyncIterator[PolymarketOrders]:
    wallet = PolymarketWallet(
        private_key=KEY,
        signature_type=0,
        funder=address_of(KEY),
        api_key="00000000-0000-0000-0000-000000000001",
        secret="A" * 43 + "=",
        passphrase="p",
    )
    endpoints = PolymarketEndpoints(script.url, script.url, script.url, script.url, script.url)
    made = PolymarketOrders(endpoints, wallet, account="main", clock_ms=lambda: 1)
    yield made
    await made.aclose()


MARKET = VenueMarket(
    market_id="polymarket:0xc0",
    venue=Venue.POLYMARKET,
    native_id="0xc0",
    event_id="1",
    kind=MarketKind.MONEYLINE,
    league="nba",
    title="A vs. B",
    yes_label="A",
    no_label="B",
    bands=bands(10_000),
    min_qty_u=5_000_000,
    min_taker_usd_u=1_000_000,
    routing=routing_text(Routing("101", "102")),
)


def prepared_by(orders: PolymarketOrders, **changes: Any) -> PreparedOrder:
    terms: dict[str, Any] = {
        "client_order_id": "sx1-1",
        "market": MARKET,
        "side": Side.BUY,
        "outcome": Outcome.YES,
        "price_u": 190_000,
        "qty_u": 100_000_000,
        "time_in_force": TimeInForce.GTC,
        "created_ms": 1_791_418_200_000,
    }
    return orders.prepare(OrderRequest(**terms | changes))


async def placed(orders: PolymarketOrders, **changes: Any) -> VenueError | None:
    """The error that placing an order raised."""
    try:
        await orders.place(prepared_by(orders, **changes))
    except VenueError as error:
        return error
    return None


async def test_the_body_is_what_the_venue_documents(orders: PolymarketOrders) -> None:
    prepared = prepared_by(orders, post_only=True)
    body = msgspec.json.decode(prepared.body)
    assert list(body) == ["deferExec", "order", "orderType", "owner", "postOnly"]
    order = body["order"]
    assert (order["makerAmount"], order["takerAmount"], order["side"]) == ("19000000", "100000000", "BUY")
    assert (order["expiration"], order["timestamp"], order["tokenId"]) == ("0", "1791418200000", "101")
    assert isinstance(order["salt"], int) and b" " not in prepared.body
    assert "postOnly" not in msgspec.json.decode(prepared_by(orders).body)


async def test_one_order_is_one_signed_request(script: Script, orders: PolymarketOrders) -> None:
    prepared = prepared_by(orders)
    script.says(200, {"success": True, "errorMsg": "", "orderID": prepared.venue_order_id, "status": "live"})
    ack = await orders.place(prepared)
    assert (ack.state, ack.remaining_u) == (OrderState.RESTING, 100_000_000)
    ((method, path, body, headers),) = script.asked
    assert (method, path, body) == ("POST", "/order", prepared.body)
    assert headers["poly_address"] == address_of(KEY) and headers["poly_signature"].endswith("=")
    assert headers["user-agent"].startswith("courtside")


@pytest.mark.parametrize(("part", "code"), DEFINITIVE)
async def test_every_text_on_the_list_is_a_definitive_refusal(
    script: Script, orders: PolymarketOrders, part: str, code: str
) -> None:
    script.says(400, {"error": f"order 0xab is refused. {part.upper()} …"})
    error = await placed(orders)
    assert type(error) is Rejected and error.code == code and error.status == 400


@pytest.mark.parametrize(
    "text", ["", "something new", "order match delayed due to market conditions", "Internal error"]
)
async def test_an_unknown_text_leaves_the_outcome_unknown(script: Script, orders: PolymarketOrders, text: str) -> None:
    script.says(400, {"error": text})
    assert isinstance(await placed(orders), OutcomeUnknown)


async def test_a_duplicate_is_to_be_adopted(script: Script, orders: PolymarketOrders) -> None:
    script.says(400, {"error": "order 0xab is invalid. Duplicated."})
    error = await placed(orders)
    assert isinstance(error, OutcomeUnknown) and error.code == DUPLICATE


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"error": "invalid signature"}),
        (500, {"error": "there are no matching orders"}),
        (502, b"<html>bad gateway</html>"),
        (503, {"error": "upstream unavailable"}),
        (302, b""),
        (418, {"error": "teapot"}),
        (200, b""),
        (200, b"{"),
        (200, b"[]"),
        (200, b'{"orderID":NaN}'),
        (200, b"\xff\xfe"),
        (200, {"success": True}),
        (200, {"success": True, "errorMsg": "", "orderID": "0xanother", "status": "live"}),
        (200, {"success": True, "errorMsg": "a new sentence", "orderID": ""}),
        (200, {"success": False, "errorMsg": "Insufficient balance", "orderID": None}),
        (200, {"success": True, "errorMsg": "", "orderID": HASH, "status": "a_new_status"}),
        (200, {"success": True, "errorMsg": "", "orderID": HASH, "status": "matched", "takingAmount": "-1"}),
    ],
)
async def test_a_reply_that_proves_nothing_leaves_the_outcome_unknown(
    script: Script, orders: PolymarketOrders, status: int, body: object
) -> None:
    if isinstance(body, dict) and body.get("orderID") == HASH:
        body = body | {"orderID": prepared_by(orders).venue_order_id}
    script.says(status, body)
    assert type(await placed(orders)) is OutcomeUnknown
    assert len(script.asked) == 1


async def test_an_error_text_in_a_success_is_a_refusal(script: Script, orders: PolymarketOrders) -> None:
    script.says(200, {"success": True, "errorMsg": "not enough balance / allowance", "orderID": ""})
    error = await placed(orders)
    assert isinstance(error, Rejected) and error.code == "insufficient_funds"


@pytest.mark.parametrize(
    ("tif", "status", "amount", "state", "filled_u", "remaining_u"),
    [
        (TimeInForce.GTC, "live", "", OrderState.RESTING, 0, 100_000_000),
        (TimeInForce.GTC, "delayed", "", OrderState.DELAYED, 0, 100_000_000),
        (TimeInForce.GTC, "unmatched", "", OrderState.RESTING, 0, 100_000_000),
        (TimeInForce.IOC, "unmatched", "", OrderState.CANCELED, 0, 0),
        (TimeInForce.GTC, "matched", "100", OrderState.FILLED, 100_000_000, 0),
        (TimeInForce.GTC, "matched", "40.5", OrderState.RESTING, 40_500_000, 59_500_000),
        (TimeInForce.IOC, "matched", "40.5", OrderState.CANCELED, 40_500_000, 0),
        (TimeInForce.IOC, "matched", "", OrderState.DELAYED, 0, 100_000_000),
        (TimeInForce.FOK, "matched", "", OrderState.FILLED, 100_000_000, 0),
    ],
)
async def test_what_an_acceptance_says(
    script: Script,
    orders: PolymarketOrders,
    tif: TimeInForce,
    status: str,
    amount: str,
    state: OrderState,
    filled_u: int,
    remaining_u: int,
) -> None:
    prepared = prepared_by(orders, time_in_force=tif)
    script.says(
        200, {"errorMsg": None, "orderID": prepared.venue_order_id.upper().replace("0X", "0x"), "status": status,
              "makingAmount": "19", "takingAmount": amount},
    )  # fmt: skip
    ack = await orders.place(prepared)
    assert (ack.state, ack.filled_u, ack.remaining_u) == (state, filled_u, remaining_u)


@pytest.mark.parametrize(
    ("status", "body", "mode"),
    [
        (425, b"", VenueMode.RESTARTING),
        (
            503,
            {
                "error": "post-only mode: only post-only orders and cancels are allowed",
                "code": "post_only_mode",
                "retry_after_seconds": 79,
            },
            VenueMode.POST_ONLY,
        ),
        (
            503,
            {"error": "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."},
            VenueMode.CANCEL_ONLY,
        ),
        (503, {"error": "Trading is currently disabled. Check polymarket.com for updates"}, VenueMode.DISABLED),
    ],
)
async def test_a_mode_is_a_state_and_no_storm(
    script: Script, orders: PolymarketOrders, status: int, body: object, mode: VenueMode
) -> None:
    script.says(status, body)
    error = await placed(orders)
    assert isinstance(error, ModeRefused) and error.mode is mode and error.retry_after_s > 0
    assert orders.modes.mode is mode
    again = await placed(orders)
    assert isinstance(again, NotSent) and again.code == mode.value
    assert len(script.asked) == 1


async def test_post_only_orders_pass_in_post_only_mode(script: Script, orders: PolymarketOrders) -> None:
    script.says(503, {"error": "post-only mode: …", "code": "post_only_mode", "retry_after_seconds": 79})
    await placed(orders)
    await placed(orders, post_only=True)
    assert len(script.asked) == 2


async def test_too_many_requests_shut_the_bucket(script: Script, orders: PolymarketOrders) -> None:
    script.says(429, {"error": "Too Many Requests"}, retry_after="7")
    error = await placed(orders)
    assert isinstance(error, Throttled) and error.retry_after_s is not None and error.retry_after_s >= 7
    held = await placed(orders)
    assert isinstance(held, NotSent) and held.code == "local_rate_limit"
    prepared = prepared_by(orders)
    script.says(200, {"canceled": [prepared.venue_order_id], "not_canceled": {}})
    assert (await orders.cancel(ref_of(prepared))).is_canceled
    assert len(script.asked) == 2


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_an_authentication_failure(
    script: Script, orders: PolymarketOrders, status: int
) -> None:
    script.says(status, {"error": "Unauthorized/Invalid api key"})
    assert isinstance(await placed(orders), AuthFailed)


async def test_an_order_whose_time_is_over_is_not_sent(script: Script, orders: PolymarketOrders) -> None:
    orders_later = PolymarketOrders(
        PolymarketEndpoints(script.url, script.url, script.url, script.url, script.url),
        orders._wallet,
        account="main",
        clock_ms=lambda: 1_791_418_300_000,
    )
    changes = {"time_in_force": TimeInForce.GTD, "expires_ms": 1_791_418_260_000}
    error = await placed(orders_later, **changes)
    assert isinstance(error, NotSent) and error.code == "expired" and not script.asked
    await orders_later.aclose()


async def test_an_answer_to_a_cancel_that_does_not_mention_the_order_proves_nothing(
    script: Script, orders: PolymarketOrders
) -> None:
    script.says(200, {"canceled": [HASH], "not_canceled": {}})
    with pytest.raises(OutcomeUnknown, match="does not mention"):
        await orders.cancel(ref_of(prepared_by(orders)))


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, {"canceled": [], "not_canceled": {HASH: "already canceled or matched"}}, "already canceled or matched"),
        (400, {"error": "Invalid orderID"}, "Invalid orderID"),
        (425, b"", "engine_restarting"),
        (503, {"error": "Trading is currently disabled."}, "trading_disabled"),
    ],
)
async def test_a_refused_cancel_is_an_answer(
    script: Script, orders: PolymarketOrders, status: int, body: object, reason: str
) -> None:
    prepared = prepared_by(orders)
    text = body if isinstance(body, bytes) else msgspec.json.encode(body)
    script.says(status, text.replace(HASH.encode(), prepared.venue_order_id.encode()))
    ack = await orders.cancel(ref_of(prepared))
    assert (ack.is_canceled, ack.reason) == (False, reason)


@pytest.mark.parametrize(("status", "body"), [(500, b""), (503, b"oops"), (200, b"{"), (200, b'{"canceled":3}')])
async def test_a_cancel_without_a_readable_answer_is_unknown(
    script: Script, orders: PolymarketOrders, status: int, body: bytes
) -> None:
    script.says(status, body)
    with pytest.raises(OutcomeUnknown):
        await orders.cancel(ref_of(prepared_by(orders)))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"error": "No orderbook exists for the requested token id"}, NotFoundAtVenue),
        (500, b"", OutcomeUnknown),
        (425, b"", OutcomeUnknown),
        (401, b"", AuthFailed),
        (429, b"", Throttled),
        (200, b"{}", ProtocolError),
        (200, b'{"market":"1","asset_id":"2","timestamp":3,"bids":[],"asks":[]}', ProtocolError),
        (200, b"null", ProtocolError),
    ],
)
async def test_a_read_gives_its_object_or_raises(
    script: Script, status: int, body: object, kind: type[Exception]
) -> None:
    host = VenueHost(name="clob", base_url=script.url)
    script.says(status, body)
    with pytest.raises(kind):
        await ClobPublic(host).book("1")
    await host.aclose()


async def test_new_fields_are_counted_and_break_nothing(script: Script, orders: PolymarketOrders) -> None:
    prepared = prepared_by(orders)
    script.says(200, {"orderID": prepared.venue_order_id, "status": "live", "newField": 1})
    await orders.place(prepared)
    assert orders._host.census.unknown == {"PostOrderReply.newField": 1}


async def test_a_better_tier_widens_the_signers_buckets(script: Script, orders: PolymarketOrders) -> None:
    prepared = prepared_by(orders)
    script.says(200, {"orderID": prepared.venue_order_id, "status": "live"}, poly_ratelimit_tier="Gold")
    assert orders._host.limiter.seconds_until(ORDERS_BUCKET, 100) == float("inf")
    await orders.place(prepared)
    assert orders._host.limiter.seconds_until(ORDERS_BUCKET, 100) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"private_key": "0x12"},
        {"signature_type": 4},
        {"funder": "0x12"},
        {"funder": "0x" + "11" * 20},
        {"secret": "A"},
    ],
)
async def test_a_wallet_that_cannot_work_is_refused_with_a_sentence(
    orders: PolymarketOrders, change: dict[str, Any]
) -> None:
    wallet = msgspec.structs.replace(orders._wallet, **change)
    endpoints = PolymarketEndpoints("http://x", "http://x", "http://x", "ws://x", "ws://x")
    make: Callable[[], PolymarketOrders] = lambda: PolymarketOrders(  # noqa: E731
        endpoints, wallet, account="main", clock_ms=lambda: 1
    )
    with pytest.raises(AuthFailed) as caught:
        make()
    assert caught.value.code == "bad_key" and caught.value.message.endswith(".")
