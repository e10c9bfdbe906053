"""Public reads, Gamma and the Data API over real sockets, and who may sign in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from tests.venues.simulator.polymarket_stand import START_MS, Stand, standing
from venues.simulator.polymarket_listing import GameProgress, MarketListing
from venues.simulator.polymarket_sports import game_event
from venues.types import MICRO

CLOB_AUTH = [
    {"name": "address", "type": "address"},
    {"name": "timestamp", "type": "string"},
    {"name": "nonce", "type": "uint256"},
    {"name": "message", "type": "string"},
]
AUTH_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
]


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing(Stand()) as running:
        yield running


@pytest.fixture
def market(stand: Stand) -> MarketListing:
    listed = stand.list_game("nba").markets[0]
    stand.quote(listed, {"0.4": 100, "0.39": 500}, {"0.45": 60, "0.46": 1_000})
    return listed


async def read(base_url: str, path: str, payload: Any = None, **params: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=base_url) as client:
        if payload is None:
            return await client.get(path, params=params)
        return await client.post(path, json=payload)


def login_headers(stand: Stand, private_key: str, *, nonce: int = 0, timestamp: int | None = None) -> dict[str, str]:
    address = Account.from_key(private_key).address
    at = str(int(stand.wall_s) if timestamp is None else timestamp)
    message = {
        "address": address,
        "timestamp": at,
        "nonce": nonce,
        "message": "This message attests that I control the given wallet",
    }
    typed = {
        "types": {"EIP712Domain": AUTH_DOMAIN, "ClobAuth": CLOB_AUTH},
        "primaryType": "ClobAuth",
        "domain": {"name": "ClobAuthDomain", "version": "1", "chainId": 137},
        "message": message,
    }
    signature = Account.sign_message(encode_typed_data(full_message=typed), private_key).signature
    return {
        "POLY_ADDRESS": address,
        "POLY_SIGNATURE": "0x" + signature.hex(),
        "POLY_TIMESTAMP": at,
        "POLY_NONCE": str(nonce),
    }


async def test_keys_are_created_once_and_derived_ever_after(stand: Stand) -> None:
    trader = stand.new_trader()
    async with httpx.AsyncClient(base_url=stand.clob_url) as client:
        derived = await client.get("/auth/derive-api-key", headers=login_headers(stand, trader.private_key))
        assert derived.json()["apiKey"] == trader.credentials.api_key
        again = await client.post("/auth/api-key", headers=login_headers(stand, trader.private_key))
        assert (again.status_code, again.json()) == (400, {"error": "Could not create api key"})
        missing = await client.get("/auth/derive-api-key", headers=login_headers(stand, trader.private_key, nonce=5))
        assert (missing.status_code, missing.json()) == (400, {"error": "Could not derive api key!"})
        second = await client.post("/auth/api-key", headers=login_headers(stand, trader.private_key, nonce=5))
        assert second.status_code == 200
        old = login_headers(stand, trader.private_key, timestamp=int(stand.wall_s) - 3_600)
        stale = await client.get("/auth/derive-api-key", headers=old)
        assert (stale.status_code, stale.json()) == (401, {"error": "Invalid L1 Request headers"})
    keys = (await trader.call("GET", "/auth/api-keys")).json()["apiKeys"]
    assert keys == [trader.credentials.api_key, second.json()["apiKey"]]


async def test_requests_without_a_good_signature_are_401(stand: Stand) -> None:
    trader = stand.new_trader()
    async with httpx.AsyncClient(base_url=stand.clob_url) as client:
        for change in (
            {"POLY_SIGNATURE": "AAAA"},
            {"POLY_API_KEY": "none"},
            {"POLY_PASSPHRASE": "x"},
            {"POLY_TIMESTAMP": "1"},
        ):
            headers = trader.headers("GET", "/data/orders") | change
            refused = await client.get("/data/orders", headers=headers)
            assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized/Invalid api key"})
        good = await client.get("/data/orders", headers=trader.headers("GET", "/data/orders"), params={"market": "0x1"})
        assert good.status_code == 200


async def test_market_terms_and_prices_by_token(stand: Stand, market: MarketListing) -> None:
    url, yes = stand.clob_url, market.asset_ids[0]
    assert (await read(url, "/ok")).json() == "OK"
    assert (await read(url, "/version")).json() == {"version": 2}
    assert (await read(url, "/time")).json() == int(stand.wall_s)
    assert (await read(url, "/tick-size", token_id=yes)).json() == {"minimum_tick_size": 0.01}
    assert (await read(url, "/neg-risk", token_id=yes)).json() == {"neg_risk": False}
    assert (await read(url, "/fee-rate", token_id=yes)).json() == {"base_fee": 1000}
    assert (await read(url, "/midpoint", token_id=yes)).json() == {"mid": "0.425"}
    assert (await read(url, "/spread", token_id=yes)).json() == {"spread": "0.05"}
    assert (await read(url, "/price", token_id=yes, side="BUY")).json() == {"price": "0.4"}
    assert (await read(url, "/last-trade-price", token_id=yes)).json() == {"price": "0.5", "side": ""}
    by_token = (await read(url, f"/markets-by-token/{yes}")).json()
    assert by_token["condition_id"] == market.condition_id
    missing = await read(url, "/book", token_id="1")
    assert (missing.status_code, missing.json()) == (404, {"error": "No orderbook exists for the requested token id"})


async def test_batches_leave_unknown_tokens_out_and_have_a_limit(stand: Stand, market: MarketListing) -> None:
    asked = [{"token_id": each} for each in ("1", *market.asset_ids)]
    books = (await read(stand.clob_url, "/books", asked)).json()
    assert [each["asset_id"] for each in books] == list(market.asset_ids)
    many = await read(stand.clob_url, "/books", [{"token_id": "1"}] * 501)
    assert (many.status_code, many.json()) == (400, {"error": "Payload exceeds the limit"})


async def test_compact_and_long_terms_of_a_market(stand: Stand) -> None:
    event = stand.list_game("epl")
    listed = event.markets[0]
    compact = (await read(stand.clob_url, f"/clob-markets/{listed.condition_id}")).json()
    assert (compact["nr"], compact["sd"], compact["cbos"], compact["v"]) == (True, 1, True, "v1")
    assert [each["t"] for each in compact["t"]] == list(listed.asset_ids)
    assert compact["fd"] == {"r": 0.05, "e": 1, "to": True}
    long = (await read(stand.clob_url, f"/markets/{listed.condition_id}")).json()
    assert (long["neg_risk"], long["seconds_delay"], long["game_start_time"]) == (True, 1, "2026-12-02T00:30:00Z")
    stand.exchange.determine(listed.condition_id, MICRO // 2, stand.now_ms)
    stand.move(0)
    settled = (await read(stand.clob_url, f"/markets/{listed.condition_id}")).json()
    assert settled["is_50_50_outcome"] and not any(each["winner"] for each in settled["tokens"])


async def test_markets_are_paged_by_cursor(stand: Stand) -> None:
    stand.list_game("nba")
    page = (await read(stand.clob_url, "/markets", next_cursor="MA==")).json()
    assert (page["count"], page["next_cursor"]) == (1, "LTE=")
    assert (await read(stand.clob_url, "/markets", next_cursor="LTE=")).json()["data"] == []


async def test_gamma_lists_events_with_lists_as_json_strings(stand: Stand, market: MarketListing) -> None:
    found = (await read(stand.gamma_url, "/events/keyset", tag_id="745", start_time_min="2026-12-01T00:00:00Z")).json()
    event = found["events"][0]
    assert (event["slug"], event["title"], event["eventDate"]) == (
        "nba-atl-was-2026-12-01",
        "Hawks vs. Wizards",
        "2026-12-01",
    )
    assert [(each["name"], each["ordering"]) for each in event["teams"]] == [
        ("Atlanta Hawks", "away"),
        ("Washington Wizards", "home"),
    ]
    row = event["markets"][0]
    assert json.loads(row["outcomes"]) == ["Hawks", "Wizards"]
    assert json.loads(row["clobTokenIds"]) == list(market.ids.token_ids)
    assert row["positionIds"] == list(market.ids.position_ids)
    assert (row["gameStartTime"], row["secondsDelay"], row["bestBid"]) == ("2026-12-02 00:30:00+00", 0, 0.4)
    assert json.loads(row["outcomePrices"]) == ["0.425", "0.575"]


async def test_dates_in_slugs_follow_the_leagues_own_convention(stand: Stand) -> None:
    assert stand.list_game("nfl").slug == "nfl-atl-was-2026-12-02"
    assert stand.list_game("mlb").slug == "mlb-atl-was-2026-12-01"
    assert [each.slug.rpartition("-")[2] for each in stand.list_game("epl").markets] == ["was", "draw", "atl"]


async def test_a_second_meeting_on_one_date_is_another_market(stand: Stand) -> None:
    first = stand.list_game("nfl")
    teams = {each.ordering: each for each in first.teams}
    again = game_event(
        league="nfl", away=teams["away"], home=teams["home"], start_ms=START_MS + 3_600_000, listed_ms=stand.now_ms
    )
    stand.face.list_event(again, stand.now_ms)
    assert again.slug == first.slug and again.id != first.id
    assert again.markets[0].condition_id != first.markets[0].condition_id


async def test_a_keyset_list_pages_filters_and_refuses_offsets(stand: Stand) -> None:
    for league in ("nba", "nfl", "mlb"):
        stand.list_game(league)
    first = (await read(stand.gamma_url, "/events/keyset", limit=2)).json()
    rest = (await read(stand.gamma_url, "/events/keyset", limit=2, after_cursor=first["next_cursor"])).json()
    assert len(first["events"]) == 2 and len(rest["events"]) == 1 and "next_cursor" not in rest
    assert (await read(stand.gamma_url, "/events/keyset", offset=1)).status_code == 422
    assert (await read(stand.gamma_url, "/events/keyset", live="true")).json()["events"] == []
    assert len((await read(stand.gamma_url, "/events", limit=10)).json()) == 3
    assert (await read(stand.gamma_url, "/events/slug/nope")).status_code == 404


async def test_gamma_follows_the_game_and_its_postponement(stand: Stand, market: MarketListing) -> None:
    event_id = next(iter(stand.face.catalogue.events))
    progress = GameProgress(start_ms=START_MS, live=True, score="12-9", period="Q1", elapsed="07:11")
    stand.face.update_game(event_id, progress, stand.now_ms)
    event = (await read(stand.gamma_url, f"/events/{event_id}")).json()
    assert (event["live"], event["ended"], event["score"], event["period"]) == (True, False, "12-9", "Q1")
    stand.face.update_game(event_id, GameProgress(start_ms=None, period="POST"), stand.now_ms)
    event = (await read(stand.gamma_url, f"/events/{event_id}")).json()
    assert (event["period"], event["startTime"]) == ("POST", "2026-12-02T00:30:00Z")
    assert "gameStartTime" not in event["markets"][0] and event["markets"][0]["secondsDelay"] == 0
    stand.move(START_MS - stand.now_ms + 1_000)
    assert (await read(stand.clob_url, "/book", token_id=market.asset_ids[0])).json()["bids"]


async def test_leagues_teams_tags_and_search(stand: Stand, market: MarketListing) -> None:
    sports = {each["sport"]: each for each in (await read(stand.gamma_url, "/sports")).json()}
    assert (sports["nba"]["tags"], sports["nba"]["series"], sports["nba"]["ordering"]) == (
        "1,745,100639",
        "10345",
        "away",
    )
    assert sports["epl"]["ordering"] == "home"
    teams = (await read(stand.gamma_url, "/teams", league="nba", abbreviation="atl")).json()
    assert [each["alias"] for each in teams] == ["Hawks"]
    assert "moneyline" in (await read(stand.gamma_url, "/sports/market-types")).json()["marketTypes"]
    assert (await read(stand.gamma_url, "/tags/slug/nba")).json()["id"] == "745"
    found = (await read(stand.gamma_url, "/public-search", q="hawks")).json()
    assert [each["slug"] for each in found["events"]] == ["nba-atl-was-2026-12-01"]


async def test_a_resolved_game_shows_its_result_everywhere(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader(usd=100)
    await trader.bought(market, "0.45", "60")
    user = trader.wallet.funder
    position = (await read(stand.data_url, "/positions", user=user)).json()[0]
    assert (position["size"], position["avgPrice"], position["outcome"]) == (60, 0.45, "Hawks")
    stand.exchange.determine(market.condition_id, MICRO, stand.now_ms)
    stand.move(0)
    assert (await read(stand.clob_url, "/book", token_id=market.asset_ids[0])).status_code == 404
    row = (await read(stand.gamma_url, f"/markets/slug/{market.slug}")).json()
    assert (row["closed"], row["umaResolutionStatus"], json.loads(row["outcomePrices"])) == (
        True,
        "resolved",
        ["1", "0"],
    )
    activity = (await read(stand.data_url, "/v2/activity", user=user)).json()["data"]
    assert [(each["type"], each["usdc_size"]) for each in activity] == [("REDEEM", 60), ("TRADE", 27)]
    resolved = (await read(stand.data_url, "/v2/resolutions", condition_id=market.condition_id)).json()["data"][0]
    assert (resolved["status"], resolved["payouts"]) == ("resolved", [1_000_000, 0])
    assert (await read(stand.data_url, "/positions", user=user)).json() == []


async def test_the_second_edition_wants_a_user_and_pages_with_cursors(stand: Stand, market: MarketListing) -> None:
    refused = await read(stand.data_url, "/v2/positions")
    assert (refused.status_code, refused.json()["parameter"]) == (400, "user")
    trader = stand.new_trader()
    await trader.place(trader.order(market, "BUY", "0.46", "80"))
    user = trader.wallet.funder
    first = (await read(stand.data_url, "/v2/trades", user=user, limit=1)).json()
    assert first["pagination"]["has_more"] and first["data"][0]["price"] == 0.46
    cursor = first["pagination"]["next_cursor"]
    rest = (await read(stand.data_url, "/v2/trades", user=user, limit=1, cursor=cursor)).json()
    assert (rest["data"][0]["price"], rest["pagination"]["has_more"]) == (0.45, False)
    assert rest["pagination"]["next_cursor"] is None
    assert (await read(stand.data_url, "/value", user=user)).json()[0]["value"] > 0
    value = (await read(stand.data_url, "/v2/value", user=user)).json()["data"]
    assert (value["proxy_wallet"], value["value"] > 0) == (user.lower(), True)
    held = (await read(stand.data_url, "/v2/positions", user=user)).json()["data"][0]
    assert (held["end_date"], held["last_event_at"]) == ("2026-12-02", stand.now_ms // 1000)
    assert (await read(stand.data_url, "/v2/activity", user=user, type="REDEEM,SPLIT")).json()["data"] == []


@pytest.mark.parametrize(("signature_type", "is_contract"), [(0, False), (1, True), (2, True), (3, True)])
async def test_the_relayer_knows_which_wallets_are_contracts(
    stand: Stand, signature_type: int, is_contract: bool
) -> None:
    funder = stand.new_trader(signature_type=signature_type).wallet.funder
    reply = await read(stand.clob_url, "/deployed", address=funder, type="WALLET")
    assert reply.json() == {"deployed": is_contract}


async def test_silence_after_a_heartbeat_cancels_everything(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    await trader.place(trader.order(market, "BUY", "0.3", "10"))
    first = (await trader.call("POST", "/v1/heartbeats", {"heartbeat_id": ""})).json()["heartbeat_id"]
    wrong = await trader.call("POST", "/v1/heartbeats", {"heartbeat_id": "x"})
    assert (wrong.status_code, wrong.json()) == (400, {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": first})
    stand.wall_s += 9
    assert (await trader.call("POST", "/v1/heartbeats", {"heartbeat_id": first})).status_code == 200
    stand.wall_s += 9
    stand.move(1)
    assert (await trader.call("GET", "/data/orders")).json()["count"] == 1
    stand.wall_s += 2
    stand.move(1)
    assert (await trader.call("GET", "/data/orders")).json()["count"] == 0


async def test_a_signer_has_a_budget_of_orders(stand: Stand, market: MarketListing) -> None:
    trader = stand.new_trader()
    order = trader.body(trader.order(market, "BUY", "0.3", "1"))
    for _ in range(4):
        assert (await trader.call("POST", "/orders", [order] * 15)).status_code == 200
    refused = await trader.call("POST", "/orders", [order] * 15)
    assert refused.status_code == 429
    assert refused.headers["poly-ratelimit-tier"] == "Standard" and int(refused.headers["retry-after"]) >= 1
    stand.wall_s += 1
    assert (await trader.call("POST", "/orders", [order] * 15)).status_code == 200


async def test_price_history_has_a_point_a_minute(stand: Stand, market: MarketListing) -> None:
    for _ in range(5):
        stand.move(60_000)
    history = (await read(stand.clob_url, "/prices-history", market=market.asset_ids[1], interval="1h")).json()[
        "history"
    ]
    assert [each["p"] for each in history] == [0.575] * 5
    sparse = (await read(stand.clob_url, "/prices-history", market=market.asset_ids[0], fidelity="2")).json()["history"]
    assert len(sparse) == 3
