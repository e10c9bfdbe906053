"""Orders over a real socket: signatures, refusals in the venue's order and words, matches, delays, cancels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.venues.simulator.polymarket_stand import START_MS, Stand, standing
from venues.simulator.polymarket_listing import MarketListing


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing(Stand()) as running:
        yield running


@pytest.fixture
def market(stand: Stand) -> MarketListing:
    """An NBA game's winner market (no taker delay) with a five cent spread."""
    listed = stand.list_game("nba").markets[0]
    stand.quote(listed, {"0.4": 100, "0.39": 500}, {"0.45": 60, "0.46": 1_000})
    return listed


@pytest.mark.parametrize(("league", "version"), [("nba", "v1"), ("epl", "v1"), ("nhl", "v2")])
async def test_every_signature_type_can_rest_an_order_at_every_exchange(
    stand: Stand, league: str, version: str
) -> None:
    listed = stand.list_game(league, version=version).markets[0]
    for signature_type in range(4):
        trader = stand.new_trader(signature_type=signature_type)
        placed = (await trader.place(trader.order(listed, "BUY", "0.3", "10"))).json()
        assert (placed["success"], placed["errorMsg"], placed["status"]) == (True, "", "live")
        found = (await trader.call("GET", f"/data/order/{placed['orderID']}")).json()
        assert (found["id"], found["size_matched"], found["price"]) == (placed["orderID"], "0", "0.3")
        assert (found["status"], found["maker_address"]) == ("LIVE", trader.wallet.account_id)


async def test_a_marketable_order_is_matched_at_the_resting_prices(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader(usd=100)
    placed = (await trader.place(trader.order(market, "BUY", "0.46", "80"))).json()
    assert (placed["status"], placed["makingAmount"], placed["takingAmount"]) == ("matched", "36.2", "80")
    assert len(placed["tradeIDs"]) == 2 and len(placed["transactionsHashes"]) == 2
    trades = (await trader.call("GET", "/data/trades")).json()["data"]
    assert {(each["price"], each["size"], each["trader_side"]) for each in trades} == {
        ("0.45", "60", "TAKER"),
        ("0.46", "20", "TAKER"),
    }
    fees_u = 60 * 50_000 * 450_000 * 550_000 // 10**12 + 20 * 50_000 * 460_000 * 540_000 // 10**12
    balance = (await trader.call("GET", "/balance-allowance", asset_type="COLLATERAL")).json()
    assert int(balance["balance"]) == 100_000_000 - 36_200_000 - fees_u // 10 * 10


async def test_an_order_for_the_other_token_meets_the_same_book(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    placed = (await trader.place(trader.order(market, "BUY", "0.6", "50", index=1))).json()
    assert (placed["status"], placed["makingAmount"], placed["takingAmount"]) == ("matched", "30", "50")
    trade = (await trader.call("GET", "/data/trades")).json()["data"][0]
    assert (trade["asset_id"], trade["price"], trade["outcome"]) == (market.asset_ids[1], "0.6", "Wizards")
    maker = trade["maker_orders"][0]
    assert (maker["asset_id"], maker["price"], maker["side"]) == (market.asset_ids[0], "0.4", "BUY")


async def test_the_same_signed_bytes_make_one_order_only(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    order = trader.order(market, "BUY", "0.3", "10")
    first = (await trader.place(order)).json()
    again = await trader.place(order)
    assert again.status_code == 400
    assert again.json() == {"error": f"order {first['orderID']} is invalid. Duplicated."}


async def test_fak_and_fok_tell_no_transaction_hashes_and_their_kills_are_400(
    stand: Stand, market: MarketListing
) -> None:
    trader = stand.new_trader()
    part = (await trader.place(trader.order(market, "BUY", "0.45", "100"), "FAK")).json()
    assert (part["status"], part["takingAmount"], part["transactionsHashes"]) == ("matched", "60", [])
    none = await trader.place(trader.order(market, "BUY", "0.41", "100"), "FAK")
    assert none.status_code == 400 and "no orders found to match with FAK order" in none.json()["error"]
    short = await trader.place(trader.order(market, "BUY", "0.46", "5000"), "FOK")
    assert short.status_code == 400 and "balance" in short.json()["error"]
    kill = await trader.place(trader.order(market, "BUY", "0.46", "1500"), "FOK")
    assert kill.json()["error"] == "order couldn't be fully filled. FOK orders are fully filled or killed."


BAD_ORDERS: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("0.405", "10", {}, "breaks minimum tick size rule: 0.01"),
    ("0.3", "4", {}, "Size (4) lower than the minimum: 5"),
    ("0.3", "5000", {}, "not enough balance / allowance"),
    ("0.3", "10", {"maker": "0x2222222222222222222222222222222222222222"}, "invalid signature"),
    ("0.3", "10", {"signer": "0x2222222222222222222222222222222222222222"}, "the order signer address has to be"),
    ("0.3", "10", {"tokenId": "12345"}, "the market is not yet ready to process new orders"),
    ("0.3", "10", {"makerAmount": "0"}, "Invalid order payload"),
)


async def test_bad_orders_are_refused_in_the_venues_words(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    for price, size, changes, words in BAD_ORDERS:
        refused = await trader.place(trader.order(market, "BUY", price, size, **changes))
        assert refused.status_code == 400
        assert words in refused.json()["error"]
    assert (await trader.call("GET", "/data/orders")).json()["count"] == 0


async def test_a_marketable_buy_below_one_dollar_is_refused(stand: Stand, market: MarketListing) -> None:
    stand.quote(market, {}, {"0.1": 50})
    trader = stand.new_trader()
    refused = await trader.place(trader.order(market, "BUY", "0.1", "6"))
    assert refused.json()["error"] == "invalid amount for a marketable BUY order ($0.6), min size: $1"


async def test_owner_version_and_domain_are_checked(stand: Stand, market: MarketListing) -> None:
    trader, other = stand.new_trader(), stand.new_trader()
    order = trader.order(market, "BUY", "0.3", "10")
    foreign = await trader.place(order, owner=other.credentials.api_key)
    assert foreign.json()["error"] == "the order owner has to be the owner of the API KEY"
    old = {name: value for name, value in order.items() if name not in ("timestamp", "metadata", "builder")}
    dead = await trader.place(old | {"nonce": "0", "feeRateBps": "0", "taker": trader.wallet.address})
    assert (dead.status_code, dead.json()) == (400, {"error": "order_version_mismatch"})
    soccer = stand.list_game("epl").markets[0]
    wrong = trader.order(market, "BUY", "0.3", "10", tokenId=soccer.asset_ids[0])
    assert (await trader.place(wrong)).json()["error"] == "invalid signature"


async def test_post_only_must_not_cross_and_fok_cannot_be_post_only(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    crossing = await trader.place(trader.order(market, "BUY", "0.45", "10"), postOnly=True)
    assert crossing.json()["error"] == "invalid post-only order: order crosses book"
    nonsense = await trader.place(trader.order(market, "BUY", "0.45", "10"), "FOK", postOnly=True)
    assert nonsense.json()["error"] == "Invalid order payload"


async def test_nobody_sells_what_is_not_there_or_not_mined_yet(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    naked = await trader.place(trader.order(market, "SELL", "0.5", "10"))
    assert "not enough balance / allowance" in naked.json()["error"]
    await trader.place(trader.order(market, "BUY", "0.45", "60"))
    early = await trader.place(trader.order(market, "SELL", "0.5", "60"))
    assert "not enough balance / allowance" in early.json()["error"]
    stand.move(2_000)
    assert (await trader.place(trader.order(market, "SELL", "0.5", "60"))).json()["status"] == "live"


async def test_a_gtd_order_leaves_a_minute_before_its_expiration(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    soon = trader.order(market, "BUY", "0.3", "10", expiration=str(stand.now_ms // 1000 + 50))
    assert (await trader.place(soon, "GTD")).json()["error"] == "invalid expiration"
    later = trader.order(market, "BUY", "0.3", "10", expiration=str(stand.now_ms // 1000 + 90))
    placed = (await trader.place(later, "GTD")).json()
    stand.move(29_000)
    assert (await trader.call("GET", f"/data/order/{placed['orderID']}")).json()["order_type"] == "GTD"
    stand.move(1_000)
    assert (await trader.call("GET", f"/data/order/{placed['orderID']}")).json() is None


async def test_a_taker_in_a_delayed_market_waits_and_cannot_cancel(stand: Stand) -> None:
    market = stand.list_game("nfl").markets[0]
    stand.quote(market, {"0.4": 100}, {"0.45": 100})
    trader = stand.new_trader()
    placed = (await trader.place(trader.order(market, "BUY", "0.45", "10"))).json()
    assert (placed["status"], placed["makingAmount"], placed["tradeIDs"]) == ("delayed", "", [])
    order_id = placed["orderID"]
    canceled = (await trader.call("DELETE", "/order", {"orderID": order_id})).json()
    assert "pending/delayed" in canceled["not_canceled"][order_id]
    stand.move(1_000)
    trades = (await trader.call("GET", "/data/trades")).json()["data"]
    assert [(each["taker_order_id"], each["size"]) for each in trades] == [(order_id, "10")]


async def test_a_batch_fails_leg_by_leg_and_says_success(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    good, bad = trader.order(market, "BUY", "0.3", "10"), trader.order(market, "BUY", "0.3", "1")
    legs = (await trader.call("POST", "/orders", [trader.body(good), trader.body(bad)])).json()
    assert [leg["success"] for leg in legs] == [True, True]
    assert legs[0]["orderID"] and not legs[1]["orderID"] and "lower than the minimum" in legs[1]["errorMsg"]
    many = await trader.call("POST", "/orders", [trader.body(good)] * 16)
    assert many.json() == {"error": "Too many orders in payload: 16, max allowed: 15"}


async def test_cancels_by_id_by_market_and_all(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    prices = ("0.2", "0.21", "0.22", "0.23")
    ids = [(await trader.place(trader.order(market, "BUY", price, "10"))).json()["orderID"] for price in prices]
    one = (await trader.call("DELETE", "/order", {"orderID": ids[0]})).json()
    assert one == {"canceled": [ids[0]], "not_canceled": {}}
    two = (await trader.call("DELETE", "/orders", ids[:2])).json()
    assert two == {"canceled": [ids[1]], "not_canceled": {ids[0]: "already canceled or matched"}}
    other_token = {"market": market.condition_id, "asset_id": market.asset_ids[1]}
    assert (await trader.call("DELETE", "/cancel-market-orders", other_token)).json()["canceled"] == []
    assert (await trader.call("DELETE", "/cancel-all")).json()["canceled"] == ids[2:]
    assert (await trader.call("GET", "/data/orders")).json() == {
        "data": [], "next_cursor": "LTE=", "limit": 100, "count": 0,
    }  # fmt: skip


async def test_resting_orders_are_wiped_at_the_official_start(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    await trader.place(trader.order(market, "BUY", "0.3", "10"))
    stand.move(START_MS - stand.now_ms)
    assert (await trader.call("GET", "/data/orders")).json()["count"] == 1
    stand.move(300)
    assert (await trader.call("GET", "/data/orders")).json()["count"] == 0
    assert (await trader.place(trader.order(market, "BUY", "0.3", "10"))).json()["status"] == "live"
