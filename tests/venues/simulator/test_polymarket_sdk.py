"""The venue's own SDK against the simulator: it signs in, reads, places, reads back and cancels.

Opt-in: runs where `py-clob-client-v2` is installed (`pip install py-clob-client-v2==1.2.1`), which Courtside itself
does not need. The SDK blocks, so it works in a thread while the server answers on the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.venues.simulator.polymarket_stand import Stand, Trader, standing
from venues.simulator.polymarket_listing import MarketListing

sdk = pytest.importorskip("py_clob_client_v2", reason="py-clob-client-v2, the venue's own SDK, is not installed")


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing(Stand()) as running:
        yield running


def quoted_game(stand: Stand, league: str, *, version: str = "v1") -> MarketListing:
    market = stand.list_game(league, version=version).markets[0]
    stand.quote(market, {"0.4": 100, "0.39": 500}, {"0.45": 60, "0.46": 1_000})
    return market


def signed_in(stand: Stand, trader: Trader) -> Any:
    client = sdk.ClobClient(
        host=stand.clob_url,
        chain_id=137,
        key=trader.private_key,
        signature_type=trader.wallet.signature_type,
        funder=trader.wallet.funder,
    )
    client.set_api_creds(client.create_or_derive_api_key())
    return client


def rests_and_cancels(client: Any, market: MarketListing) -> None:
    """What a person does first with an SDK."""
    token = market.asset_ids[0]
    book = client.get_order_book(token)
    assert book["bids"][-1] == {"price": "0.4", "size": "100"}
    placed = client.create_and_post_order(sdk.OrderArgs(token_id=token, price=0.3, size=10, side="BUY"))
    assert (placed["success"], placed["status"]) == (True, "live"), placed
    assert client.get_order(placed["orderID"])["size_matched"] == "0"
    assert [each["id"] for each in client.get_open_orders()] == [placed["orderID"]]
    canceled = client.cancel_order(sdk.OrderPayload(orderID=placed["orderID"]))
    assert canceled == {"canceled": [placed["orderID"]], "not_canceled": {}}


def rests_by_position(client: Any, market: MarketListing) -> None:
    """A market of Protocol V2: the asset is a position id, the signature is for ExchangeV3."""
    order = sdk.OrderArgs(position_id=market.asset_ids[1], price=0.3, size=10, side="BUY")
    placed = client.create_and_post_order(order)
    assert (placed["success"], placed["status"]) == (True, "live"), placed


def takes(client: Any, market: MarketListing) -> None:
    order = sdk.MarketOrderArgs(token_id=market.asset_ids[0], amount=18, side="BUY", price=0.45)
    taken = client.create_and_post_market_order(order, order_type=sdk.OrderType.FAK)
    assert (taken["status"], taken["makingAmount"], taken["takingAmount"]) == ("matched", "18", "40"), taken
    assert [each["size"] for each in client.get_trades()] == ["40"]


@pytest.mark.parametrize("signature_type", [0, 1, 2, 3])
async def test_the_sdk_signs_in_rests_an_order_and_cancels_it(stand: Stand, signature_type: int) -> None:
    market, trader = quoted_game(stand, "nba"), stand.new_trader(signature_type=signature_type)
    client = await asyncio.to_thread(signed_in, stand, trader)
    assert client.creds.api_key == trader.credentials.api_key
    await asyncio.to_thread(rests_and_cancels, client, market)


async def test_the_sdk_trades_a_negative_risk_market(stand: Stand) -> None:
    market, trader = quoted_game(stand, "epl"), stand.new_trader()
    client = await asyncio.to_thread(signed_in, stand, trader)
    await asyncio.to_thread(rests_and_cancels, client, market)


async def test_the_sdk_trades_a_market_of_the_second_protocol(stand: Stand) -> None:
    market, trader = quoted_game(stand, "nhl", version="v2"), stand.new_trader(signature_type=3)
    client = await asyncio.to_thread(signed_in, stand, trader)
    await asyncio.to_thread(rests_by_position, client, market)


async def test_the_sdk_takes_what_is_offered(stand: Stand) -> None:
    market, trader = quoted_game(stand, "nba"), stand.new_trader()
    client = await asyncio.to_thread(signed_in, stand, trader)
    await asyncio.to_thread(takes, client, market)


async def test_the_sdk_reads_balances_markets_and_beats(stand: Stand) -> None:
    market, trader = quoted_game(stand, "nba"), stand.new_trader(usd=123)
    client = await asyncio.to_thread(signed_in, stand, trader)
    params = sdk.BalanceAllowanceParams(asset_type=sdk.AssetType.COLLATERAL)
    assert (await asyncio.to_thread(client.get_balance_allowance, params))["balance"] == "123000000"
    info = await asyncio.to_thread(client.get_clob_market_info, market.condition_id)
    assert info["c"] == market.condition_id
    beat = await asyncio.to_thread(client.post_heartbeat, "")
    assert (await asyncio.to_thread(client.post_heartbeat, beat["heartbeat_id"]))["heartbeat_id"]
