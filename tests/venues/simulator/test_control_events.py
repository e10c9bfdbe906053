"""Events at the control port of a running simulator: what they change, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from venues.simulator.exchange_types import NewOrder
from venues.simulator.simulator import Simulator
from venues.types import MICRO, MarketState, Outcome, Side, TimeInForce, Venue


async def happen(control: httpx.AsyncClient, event: str, venue: Venue = Venue.KALSHI, **wish: Any) -> str:
    """What was wrong with it; empty: it happened."""
    reply = await control.post("/events", json={"event": event, "venue": venue, **wish})
    return "" if reply.status_code == 201 else f"{reply.status_code} {reply.json()['error']}"


async def an_account(control: httpx.AsyncClient, venue: Venue = Venue.KALSHI) -> str:
    return str((await control.post("/accounts", json={"venue": venue})).json()["account_id"])


async def ledger(control: httpx.AsyncClient, account_id: str) -> dict[str, Any]:
    body = (await control.get("/ledger", params={"account_id": account_id})).json()
    assert set(body["imbalance_u"].values()) == {0}
    account: dict[str, Any] = body["accounts"][0]
    return account


async def an_open_market(simulator: Simulator, control: httpx.AsyncClient, venue: Venue) -> str:
    """One that somebody sells in."""
    await control.post("/clock", json={"step_ms": 2_000})
    exchange = simulator.assembly.builder.exchanges[venue]
    return next(one.native_id for one in exchange.markets() if one.state is MarketState.OPEN and one.asks.best())


def buy(simulator: Simulator, venue: Venue, account_id: str, native_id: str) -> None:
    order = NewOrder(
        native_id=native_id,
        side=Side.BUY,
        outcome=Outcome.YES,
        price_u=990_000,
        qty_u=10 * MICRO,
        tif=TimeInForce.IOC,
    )
    simulator.assembly.builder.exchanges[venue].submit(account_id, order, simulator.assembly.now_ms())


async def test_a_result_is_paid_and_a_correction_moves_the_difference(
    simulator: Simulator, control: httpx.AsyncClient
) -> None:
    account_id, native_id = await an_account(control), await an_open_market(simulator, control, Venue.KALSHI)
    buy(simulator, Venue.KALSHI, account_id, native_id)
    before_u = (await ledger(control, account_id))["cash_u"]
    assert "cannot be corrected" in await happen(control, "correction", market=native_id, value_u=0)
    assert await happen(control, "result", market=native_id, value_u=MICRO, settle_ms=0) == ""
    await control.post("/clock", json={"step_ms": 100})
    assert (await ledger(control, account_id))["cash_u"] == before_u + 10 * MICRO
    for value_u in (0, 250_000):
        assert await happen(control, "correction", market=native_id, value_u=value_u) == ""
        account = await ledger(control, account_id)
        assert account["cash_u"] == before_u + 10 * value_u
        assert [row["value_u"] for row in account["settlements"]] == [value_u]


@pytest.mark.parametrize("venue", list(Venue))
async def test_money_comes_and_goes_as_far_as_it_is_free(control: httpx.AsyncClient, venue: Venue) -> None:
    account_id = await an_account(control, venue)
    before_u = (await ledger(control, account_id))["cash_u"]
    assert await happen(control, "money", venue, account=account_id, amount_u=5_000_001) == ""
    assert await happen(control, "money", venue, account=account_id, amount_u=-2_000_000) == ""
    assert "insufficient" in await happen(control, "money", venue, account=account_id, amount_u=-20_000 * MICRO)
    account = await ledger(control, account_id)
    assert account["cash_u"] == before_u + 3_000_001
    assert [entry["kind"] for entry in account["entries"]][-2:] == ["deposit", "withdrawal"]


async def test_a_grid_and_a_fee_change_and_the_book_stays(simulator: Simulator, control: httpx.AsyncClient) -> None:
    native_id = await an_open_market(simulator, control, Venue.POLYMARKET)
    market = simulator.assembly.polymarket.market(native_id)
    best = market.asks.best()
    assert await happen(control, "grid", Venue.POLYMARKET, market=native_id, step_u=1_000) == ""
    assert await happen(control, "fee", Venue.POLYMARKET, market=native_id, taker_rate_u=200_000) == ""
    assert (market.spec.bands[0].step_u, market.spec.fee.taker_rate_u) == (1_000, 200_000)
    assert market.asks.best() is best


async def test_dust_is_left_of_an_order_that_would_fill_whole(simulator: Simulator, control: httpx.AsyncClient) -> None:
    account_id = await an_account(control, Venue.POLYMARKET)
    native_id = await an_open_market(simulator, control, Venue.POLYMARKET)
    await control.post("/modes", json={"venue": "polymarket", "taker_delay_ms": 0, "shaved_u": 5_000})
    buy(simulator, Venue.POLYMARKET, account_id, native_id)
    (order,) = (await ledger(control, account_id))["orders"]
    assert (order["state"], order["filled_u"], order["remaining_u"]) == ("filled", 10 * MICRO - 5_000, 0)


@pytest.mark.parametrize(
    ("event", "wish", "says"),
    [
        ("storm", {}, "Invalid value 'storm'"),
        ("money", {"account": "nobody", "amount_u": 1}, "account_not_found"),
        ("money", {"account": "nobody", "amount_u": 0}, "amount_u is what comes in"),
        ("result", {"market": "nothing", "value_u": 0}, "market_not_found"),
        ("grid", {"market": "nothing", "step_u": 7}, "step_u divides a dollar"),
        ("fee", {"market": "nothing", "taker_rate_u": -1}, "rates are millionths"),
        ("fee", {"market": "nothing"}, "missing required field `taker_rate_u`"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_reason(
    control: httpx.AsyncClient, event: str, wish: dict[str, Any], says: str
) -> None:
    assert says in await happen(control, event, **wish)


async def test_a_chain_pays_once(control: httpx.AsyncClient) -> None:
    said = await happen(control, "correction", Venue.POLYMARKET, market="0x1", value_u=0)
    assert said == "400 polymarket pays on chain: what was redeemed stays so"
