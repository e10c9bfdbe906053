"""Requests and replies over a real connection: signing, pages, and what an odd reply proves."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.venues.kalshi.conftest import listed
from tests.venues.kalshi.scripted import PREFIX, scripted, scripted_rest
from venues.errors import AuthFailed, NotFoundAtVenue, OutcomeUnknown, ProtocolError, Rejected, Throttled, VenueError
from venues.kalshi.budget import Budget
from venues.kalshi.client_orders import KalshiOrders
from venues.kalshi.constants import KalshiKey
from venues.kalshi.reference import KalshiReference
from venues.kalshi.rest import KalshiRest
from venues.kalshi.schemas import WireExchangeStatus, WireTrade
from venues.kalshi.schemas_replies import MarketReply, TradesReply
from venues.ports import OrderRef, OrderRequest
from venues.types import Outcome, Side, TimeInForce

STATUS = {"exchange_active": True, "trading_active": False}
CREATED = {"order_id": "o1", "client_order_id": "c1", "fill_count": "0.00", "remaining_count": "5.00", "ts_ms": 7}
REQUEST = OrderRequest(
    client_order_id="c1",
    market=listed(),
    side=Side.BUY,
    outcome=Outcome.YES,
    price_u=500_000,
    qty_u=5_000_000,
    time_in_force=TimeInForce.GTC,
    created_ms=0,
)
REF = OrderRef(client_order_id="c1", venue_order_id="o1", market=listed(shard=3), placed_ms=0)


def page(cursor: str | None, *ids: str) -> dict[str, Any]:
    trade = {"ticker": "T", "count_fp": "1", "yes_price_dollars": "0.5", "taker_book_side": "bid", "created_time": "x"}
    return {"cursor": cursor, "trades": [{"trade_id": name, **trade} for name in ids]}


def trades_of(reply: TradesReply) -> list[WireTrade]:
    return reply.trades


async def test_a_read_is_signed_for_its_full_path_without_the_query(
    kalshi_key: KalshiKey, ed25519_key: Ed25519PrivateKey
) -> None:
    async with scripted_rest(kalshi_key, (200, STATUS)) as (rest, script):
        status = await rest.get("/exchange/status", WireExchangeStatus, {"a": 1, "b": True, "c": None, "d": ["x", "y"]})
    (asked,) = script.asked
    assert (status.exchange_active, status.trading_active) == (True, False)
    assert (asked.method, asked.path, asked.query) == ("GET", "/exchange/status", "a=1&b=true&d=x&d=y")
    text = f"{asked.headers['kalshi-access-timestamp']}GET{PREFIX}/exchange/status".encode()
    ed25519_key.public_key().verify(base64.b64decode(asked.headers["kalshi-access-signature"]), text)
    assert asked.headers["kalshi-access-key"] == kalshi_key.key_id


async def test_without_a_key_public_reads_go_unsigned() -> None:
    async with scripted_rest(None, (200, STATUS)) as (rest, script):
        await rest.get("/exchange/status", WireExchangeStatus)
    assert "kalshi-access-key" not in script.asked[0].headers


@pytest.mark.parametrize("last", ["", None])
async def test_pages_are_read_to_the_empty_cursor(last: str | None) -> None:
    async with scripted_rest(None, (200, page("c1", "1", "2")), (200, page("c2", "3")), (200, page(last))) as both:
        rest, script = both
        rows = await rest.pages("/markets/trades", TradesReply, trades_of, {"limit": 2})
    assert [row.trade_id for row in rows] == ["1", "2", "3"]
    assert [asked.query for asked in script.asked] == ["limit=2", "limit=2&cursor=c1", "limit=2&cursor=c2"]


async def test_a_cursor_that_comes_again_is_an_error_and_not_an_endless_loop() -> None:
    async with scripted_rest(None, (200, page("c1", "1")), (200, page("c2", "2")), (200, page("c1", "1"))) as (rest, _):
        with pytest.raises(ProtocolError) as caught:
            await rest.pages("/markets/trades", TradesReply, trades_of)
    assert caught.value.code == "endless_pages"


async def test_a_failed_page_is_an_error_and_not_a_shorter_list() -> None:
    async with scripted_rest(None, (200, page("c1", "1")), (500, {})) as (rest, _):
        with pytest.raises(OutcomeUnknown):
            await rest.pages("/markets/trades", TradesReply, trades_of)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"error": {"code": "not_found", "message": "not found"}}, NotFoundAtVenue),
        (401, {"error": {"code": "authentication_error", "message": "x", "details": "NOT_FOUND"}}, AuthFailed),
        (429, {"error": "too many requests"}, Throttled),
        (400, {"msg": "Parameter validation failed"}, Rejected),
        (302, b"", OutcomeUnknown),
        (200, b"{", ProtocolError),
        (200, {"exchange_active": "yes", "trading_active": True}, ProtocolError),
        (200, [1], ProtocolError),
    ],
)
async def test_a_read_that_fails_raises_what_it_means(status: int, body: object, kind: type[VenueError]) -> None:
    async with scripted_rest(None, (status, body)) as (rest, script):
        with pytest.raises(kind):
            await rest.get("/exchange/status", WireExchangeStatus)
    assert len(script.asked) == 1


async def test_unknown_fields_of_a_reply_are_counted() -> None:
    market = {"ticker": "T", "event_ticker": "E", "status": "active", "brand_new": 1}
    async with scripted_rest(None, (200, {"market": market, "more": 2})) as (rest, _):
        await rest.get("/markets/T", MarketReply)
        assert rest.census.unknown == {"WireMarket.brand_new": 1, "MarketReply.more": 1}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (201, b"", "unreadable_reply"),
        (201, b'{"order_id":', "unreadable_reply"),
        (201, {"error": {"code": "x"}}, "unreadable_reply"),
        (201, {**CREATED, "client_order_id": "another"}, "unreadable_reply"),
        (201, {**CREATED, "fill_count": "NaN"}, "unreadable_reply"),
        (201, {**CREATED, "remaining_count": "-5.00"}, "unreadable_reply"),
        (409, {"error": {"code": "order_already_exists", "message": "order already exists"}}, "order_already_exists"),
        (409, {"error": {"code": "never_seen", "message": "?"}}, "never_seen"),
        (307, b"", "http_307"),
        (202, CREATED, "http_202"),
        (500, b"", "http_500"),
        (503, b"<html>", "http_503"),
    ],
)
async def test_a_create_without_a_clear_answer_is_unknown_and_was_sent_once(
    kalshi_key: KalshiKey, status: int, body: object, code: str
) -> None:
    async with scripted((status, body)) as (endpoints, script):
        orders = KalshiOrders(endpoints, kalshi_key, account="main", clock_ms=lambda: 0)
        prepared = orders.prepare(REQUEST)
        with pytest.raises(OutcomeUnknown) as caught:
            await orders.place(prepared)
        await orders.aclose()
    assert caught.value.code == code
    assert [(asked.method, asked.body) for asked in script.asked] == [("POST", prepared.body)]


async def test_a_refused_create_is_rejected_with_the_venues_code(kalshi_key: KalshiKey) -> None:
    body = {"error": {"code": "insufficient_balance", "message": "insufficient balance"}}
    async with scripted((400, body)) as (endpoints, _):
        orders = KalshiOrders(endpoints, kalshi_key, account="main", clock_ms=lambda: 0)
        with pytest.raises(Rejected) as caught:
            await orders.place(orders.prepare(REQUEST))
        await orders.aclose()
    assert (caught.value.code, caught.value.status) == ("insufficient_balance", 400)


@pytest.mark.parametrize(
    ("status", "body", "is_canceled", "reason"),
    [
        (200, {"order_id": "o1", "reduced_by": "1.00", "ts_ms": 1}, True, ""),
        (404, {"error": {"code": "not_found", "message": "not found"}}, False, "not_found"),
        (409, {"error": {"code": "market_inactive", "message": "x"}}, False, "market_inactive"),
        (409, {"error": {"code": "exchange_is_paused", "message": "x"}}, False, "exchange_is_paused"),
    ],
)
async def test_a_cancel_says_whether_it_took_the_rest_off(
    kalshi_key: KalshiKey, status: int, body: object, is_canceled: bool, reason: str
) -> None:
    async with scripted((status, body)) as (endpoints, script):
        orders = KalshiOrders(endpoints, kalshi_key, account="main", clock_ms=lambda: 0)
        ack = await orders.cancel(REF)
        await orders.aclose()
    assert (ack.is_canceled, ack.reason) == (is_canceled, reason)
    assert ack.canceled_u == (1_000_000 if is_canceled else None)
    (asked,) = script.asked
    assert (asked.method, asked.path) == ("DELETE", "/portfolio/events/orders/o1")
    assert asked.query == f"exchange_index=3&market_ticker={REF.market.native_id}"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b"", OutcomeUnknown),
        (400, {"error": {"code": "bad_request", "message": "x"}}, OutcomeUnknown),
        (409, {"error": {"code": "never_seen", "message": "x"}}, OutcomeUnknown),
        (429, {"error": "too many requests"}, Throttled),
        (401, {}, AuthFailed),
        (503, b"", OutcomeUnknown),
        (200, b"{}", OutcomeUnknown),
    ],
)
async def test_a_cancel_is_never_refused_for_good(
    kalshi_key: KalshiKey, status: int, body: object, kind: type[VenueError]
) -> None:
    async with scripted((status, body)) as (endpoints, _):
        orders = KalshiOrders(endpoints, kalshi_key, account="main", clock_ms=lambda: 0)
        with pytest.raises(VenueError) as caught:
            await orders.cancel(REF)
        await orders.aclose()
    assert type(caught.value) is kind


async def test_a_429_stops_orders_and_lets_cancels_pass(kalshi_key: KalshiKey) -> None:
    canceled = {"order_id": "o1", "reduced_by": "1.00", "ts_ms": 1}
    async with scripted((429, {"error": "too many requests"}), (200, canceled)) as (endpoints, script):
        orders = KalshiOrders(endpoints, kalshi_key, account="main", clock_ms=lambda: 0)
        with pytest.raises(Throttled) as caught:
            await orders.place(orders.prepare(REQUEST))
        with pytest.raises(VenueError) as held:
            await orders.place(orders.prepare(REQUEST))
        assert (await orders.cancel(REF)).is_canceled
        await orders.aclose()
    assert caught.value.retry_after_s is not None
    assert held.value.code == "local_rate_limit"
    assert [asked.method for asked in script.asked] == ["POST", "DELETE"]


async def test_amends_and_decreases_say_what_is_left_when_the_venue_does(kalshi_key: KalshiKey) -> None:
    amended = {"order_id": "o1", "ts_ms": 1}
    decreased = {"order_id": "o1", "remaining_count": "2.00", "ts_ms": 2}
    async with scripted((200, amended), (200, decreased)) as (endpoints, script):
        orders = KalshiOrders(endpoints, kalshi_key, account="main", clock_ms=lambda: 0)
        change = await orders.amend(REF, side=Side.BUY, outcome=Outcome.NO, price_u=400_000, total_qty_u=5_000_000)
        less = await orders.decrease(REF, remaining_u=2_000_000)
        with pytest.raises(Rejected):
            await orders.amend(REF, side=Side.BUY, outcome=Outcome.YES, price_u=405_000, total_qty_u=5_000_000)
        await orders.aclose()
    assert (change.filled_u, change.remaining_u) == (None, None)
    assert less.remaining_u == 2_000_000
    assert [asked.path.rpartition("/")[2] for asked in script.asked] == ["amend", "decrease"]
    assert b'"side":"ask","price":"0.6000","count":"5.00"' in script.asked[0].body
    assert b'"exchange_index":3' in script.asked[1].body


async def test_lists_are_sent_as_the_venue_wants_them() -> None:
    live = {"live_datas": [{"type": "t", "details": {}, "milestone_id": "a"}, None]}
    async with scripted_rest(None, (200, live), (200, {"orderbooks": []}), (200, {"markets": []})) as (rest, script):
        reference = KalshiReference(rest)
        assert [row.milestone_id for row in await reference.live_data(["a", "b"])] == ["a"]
        assert await reference.books(["A", "B"]) == []
        assert await reference.candles_of(["A", "B"], start_s=1, end_s=2) == {}
    assert script.asked[0].query == "milestone_ids=a&milestone_ids=b"
    assert script.asked[1].query == "tickers=A&tickers=B"
    assert script.asked[2].query == "market_tickers=A%2CB&start_ts=1&end_ts=2&period_interval=1"


async def test_a_book_reply_without_a_book_is_an_error_and_not_an_empty_book() -> None:
    async with scripted_rest(None, (200, {"order_book": {}}), (200, {"orderbook": {}})) as (rest, _):
        reference = KalshiReference(rest)
        with pytest.raises(ProtocolError):
            await reference.book("T")
        assert (await reference.book("T")).bids == ()


async def test_any_answer_of_a_venue_at_ease_ends_the_probation_of_reads(kalshi_key: KalshiKey) -> None:
    """The probe after a 429 may ask for what is not there: that the venue says so is an answer."""
    now = 0.0
    absent = (404, {"error": {"code": "not_found", "message": "not found"}})
    async with scripted((429, {"error": "too many requests"}), absent, (200, STATUS)) as (endpoints, script):
        rest = KalshiRest(endpoints, kalshi_key, name="test", budget=Budget(clock=lambda: now))
        with pytest.raises(Throttled) as caught:
            await rest.get("/exchange/status", WireExchangeStatus)
        now += (caught.value.retry_after_s or 0.0) + 0.1
        with pytest.raises(NotFoundAtVenue):
            await rest.get("/exchange/status", WireExchangeStatus)
        status = await rest.get("/exchange/status", WireExchangeStatus)
        assert status.exchange_active and len(script.asked) == 3
        await rest.aclose()
