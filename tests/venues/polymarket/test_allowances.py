"""A buy that the wallet has not approved is not sent, in a sentence that says what to do; all else is the venue's."""

from __future__ import annotations

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.venues.polymarket.conftest import Desk, endpoints_of, wallet_of
from tests.venues.polymarket.script import Script
from venues.errors import Rejected
from venues.polymarket.account import PolymarketAccount
from venues.polymarket.allowances import Allowances
from venues.polymarket.clob import ClobPrivate
from venues.polymarket.constants import CTF_EXCHANGE_V2, END_CURSOR, EXCHANGE_V3
from venues.polymarket.gateway import PolymarketOrders
from venues.polymarket.http import VenueHost
from venues.polymarket.markets import routing_of
from venues.simulator.asgi_server import AppServer
from venues.simulator.polymarket_approvals import UNLIMITED_U
from venues.types import OrderState, Outcome, Side, TimeInForce, VenueMarket

COST_U = 4_500_000
"""Ten contracts at 45 cents."""


def buy(desk: Desk, market: VenueMarket, **changes: object) -> object:
    return desk.orders.prepare(desk.request(market, Side.BUY, 450_000, 10, **changes))


@pytest.mark.parametrize("tif", [TimeInForce.GTC, TimeInForce.IOC])
async def test_a_buy_beyond_the_allowance_is_not_sent_and_says_what_to_do(
    desk: Desk, market: VenueMarket, tif: TimeInForce
) -> None:
    desk.stand.face.approvals.limit_u = COST_U - 1
    await desk.account.balance()
    with pytest.raises(Rejected) as caught:
        buy(desk, market, time_in_force=tif)
    assert (caught.value.code, caught.value.status) == ("no_allowance", None)
    assert caught.value.message.startswith(
        f"Not sent: the wallet lets Polymarket's exchange {CTF_EXCHANGE_V2} take $4.499999 and the order costs $4.50. "
        "Approve pUSD for it"
    )


async def test_an_allowance_of_just_what_the_order_costs_is_enough(desk: Desk, market: VenueMarket) -> None:
    desk.stand.face.approvals.limit_u = COST_U
    await desk.account.balance()
    ack = await desk.orders.place(desk.orders.prepare(desk.request(market, Side.BUY, 450_000, 10)))
    assert ack.state is OrderState.FILLED


async def test_before_anything_was_read_the_venue_judges(desk: Desk, market: VenueMarket) -> None:
    desk.stand.face.approvals.limit_u = 0
    with pytest.raises(Rejected, match="the allowance is not enough") as caught:
        await desk.orders.place(desk.orders.prepare(desk.request(market, Side.BUY, 450_000, 10)))
    assert (caught.value.code, caught.value.status) == ("insufficient_funds", 400)
    assert await desk.account.open_orders() == []


async def test_orders_go_out_again_when_the_venue_has_seen_the_approval(desk: Desk, market: VenueMarket) -> None:
    desk.stand.face.approvals.limit_u = 0
    await desk.account.balance()
    with pytest.raises(Rejected):
        buy(desk, market)
    desk.stand.face.approvals.limit_u = UNLIMITED_U
    await desk.account.balance()
    ack = await desk.orders.place(desk.orders.prepare(desk.request(market, Side.BUY, 450_000, 10)))
    assert ack.state is OrderState.FILLED


async def test_after_a_refusal_the_venue_is_asked_to_look_at_the_chain_again(desk: Desk, told) -> None:
    script, _ = told
    script.says(200, {"balance": "7", "allowances": {CTF_EXCHANGE_V2: "0"}, "data": [], "next_cursor": END_CURSOR})
    allowances = Allowances()
    endpoints = msgspec.structs.replace(endpoints_of(desk.stand), clob_url=script.url)
    account = PolymarketAccount(
        endpoints, desk.wallet, account="main", market_of=desk.known.get, allowances=allowances, clock_ms=desk.now_ms
    )
    await account.balance()
    with pytest.raises(Rejected):
        allowances.check(CTF_EXCHANGE_V2, cost_u=1)
    await account.balance()
    await account.balance()
    await account.aclose()
    read, refresh, orders = "/balance-allowance", "/balance-allowance/update", "/data/orders"
    assert [path for _, path, _, _ in script.asked] == [read, orders, refresh, read, orders, read, orders]


async def test_a_sale_needs_no_allowance_of_money(desk: Desk, market: VenueMarket) -> None:
    await desk.trader.bought(desk.stand.face.catalogue.by_condition(market.native_id).market, "0.45", "10")
    desk.stand.quote(desk.stand.face.catalogue.by_condition(market.native_id).market, {"0.4": 100}, {})
    desk.stand.face.approvals.limit_u = 0
    await desk.account.balance()
    ack = await desk.orders.place(desk.orders.prepare(desk.request(market, Side.SELL, 400_000, 10)))
    assert ack.state is OrderState.FILLED


@pytest.mark.parametrize(
    ("side", "asked"),
    [
        (Side.BUY, "asset_type=COLLATERAL&signature_type=0"),
        (Side.SELL, "asset_type=CONDITIONAL&signature_type=0&token_id={}"),
    ],
)
async def test_of_what_the_venue_misses_it_is_asked_to_look_again_once(
    desk: Desk, market: VenueMarket, told, side: Side, asked: str
) -> None:
    """A sale too: its picture of what was bought a moment ago, or of an approval, may be old."""
    script, _ = told
    allowances = Allowances()
    endpoints = msgspec.structs.replace(endpoints_of(desk.stand), clob_url=script.url)
    words = {"account": "main", "clock_ms": desk.now_ms, "allowances": allowances}
    orders = PolymarketOrders(endpoints, desk.wallet, **words)
    account = PolymarketAccount(endpoints, desk.wallet, market_of=desk.known.get, **words)
    script.says(400, {"error": "not enough balance / allowance"})
    with pytest.raises(Rejected):
        await orders.place(orders.prepare(desk.request(market, side, 450_000, 10)))
    script.says(200, {"balance": "7", "allowances": {}, "data": [], "next_cursor": END_CURSOR})
    await account.balance()
    await account.balance()
    seen = [query for (_, path, _, _), query in zip(script.asked, script.queries, strict=True) if "update" in path]
    assert seen == [asked.format(routing_of(market).asset(Outcome.YES))]
    await account.aclose()
    await orders.aclose()


async def test_a_missing_allowance_is_told_once_before_any_order(desk: Desk) -> None:
    desk.stand.face.approvals.limit_u = 0
    with capture_logs() as logs:
        await desk.account.balance()
        await desk.account.balance()
    told = [line for line in logs if line["event"] == "allowance_short"]
    assert [(line["allowed_u"], line["cash_u"]) for line in told] == [(0, 1_000_000_000)] * 3
    assert len({line["contract"] for line in told}) == 3


@pytest.fixture
async def told(desk: Desk):
    """A venue that says what the test wants, our reading of it, and what it was asked."""
    script = Script()
    server = AppServer(script)
    await server.start()
    script.url = f"http://127.0.0.1:{server.port}"
    host = VenueHost(name="clob", base_url=script.url, wallet=wallet_of(desk.trader))
    yield script, ClobPrivate(host)
    await host.aclose()
    await server.stop()


@pytest.mark.parametrize(
    ("allowances", "read"),
    [
        ({"allowances": {EXCHANGE_V3: str(UNLIMITED_U)}}, {EXCHANGE_V3: UNLIMITED_U}),
        ({"allowances": {EXCHANGE_V3: 7}}, {EXCHANGE_V3: 7}),
        ({"allowances": {EXCHANGE_V3: "1e77", CTF_EXCHANGE_V2: "-1"}}, {}),
        ({"allowances": None}, {}),
        ({"allowance": "5"}, {}),
        ({}, {}),
    ],
)
async def test_what_is_no_number_is_not_known_and_breaks_no_read(told, allowances, read) -> None:
    script, clob = told
    script.says(200, {"balance": "12", **allowances})
    funds = await clob.funds(signature_type=0)
    assert (funds.balance_u, funds.allowances_u) == (12, read)


@pytest.mark.parametrize(
    ("asset", "asked"),
    [
        ({}, "asset_type=COLLATERAL&signature_type=2"),
        ({"asset_id": "77"}, "asset_type=CONDITIONAL&signature_type=2&token_id=77"),
        ({"asset_id": "77", "is_v2": True}, "asset_type=CONDITIONAL-V2&signature_type=2&token_id=77"),
    ],
)
async def test_a_refresh_asks_for_the_same_asset_as_the_read(told, asset, asked) -> None:
    script, clob = told
    script.says(200, {"balance": "0"})
    await clob.funds(signature_type=2, **asset)
    await clob.refresh_balance(signature_type=2, **asset)
    assert [path.partition("?")[0] for _, path, _, _ in script.asked] == [
        "/balance-allowance",
        "/balance-allowance/update",
    ]
    assert script.queries == [asked, asked]
