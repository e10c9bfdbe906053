"""What the simulator sends has the fields of what was recorded at the venue: none invented, none that matters missing.

Recorded objects carry more than a game needs (images, translations, counters of the web site); those are left out.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.venues.simulator.polymarket_listen import frames, logged_in, subscribed
from tests.venues.simulator.polymarket_stand import Stand, standing
from venues.simulator.polymarket_listing import MarketListing
from venues.types import MICRO

SAMPLES = "venues/polymarket/samples"
NEWER_FIELDS = {
    "positionIds",
    "version",
    "gameId",
    "eventStartTime",
    "teams",
    "startTime",
    "eventDate",
    "period",
    "score",
}
"""Of the field tables (FACTS §4), but not in the one recorded file they are compared with."""


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing(Stand()) as running:
        yield running


@pytest.fixture
def market(stand: Stand) -> MarketListing:
    listed = stand.list_game("nfl").markets[0]
    stand.quote(listed, {"0.4": 100}, {"0.45": 60})
    return listed


def sample(shared: Path, name: str) -> Any:
    return json.loads((shared / SAMPLES / name).read_bytes())


async def read(url: str, path: str, **params: str) -> Any:
    async with httpx.AsyncClient(base_url=url) as client:
        return (await client.get(path, params=params)).json()


async def test_books_and_market_terms_have_the_recorded_fields(
    stand: Stand, market: MarketListing, shared: Path
) -> None:
    book = await read(stand.clob_url, "/book", token_id=market.asset_ids[0])
    assert list(book) == list(sample(shared, "clob_rest/book_real_2026-10-06_politics_xi_yes.json"))
    compact = await read(stand.clob_url, f"/clob-markets/{market.condition_id}")
    recorded = sample(shared, "clob_rest/clob_markets_real_2026-10-06_politics_xi.json")
    assert compact.keys() - recorded.keys() <= {"gst", "sd"}
    assert recorded.keys() - compact.keys() <= {"ibce"}
    long = await read(stand.clob_url, f"/markets/{market.condition_id}")
    assert long.keys() == sample(shared, "clob_rest/nt_clob_market_closed_binary_accepting_true.json").keys()


async def test_gamma_objects_use_recorded_fields_with_recorded_types(
    stand: Stand, market: MarketListing, shared: Path
) -> None:
    ours = (await read(stand.gamma_url, "/events"))[0]
    recorded = sample(shared, "gamma/event_real_2026-10-06_nfl-tb-dal_TRIMMED.json")[0]
    finished = next(each for each in sample(shared, "gamma/events_real_2026-01_nba.json") if each.get("ended"))
    known = recorded.keys() | finished.keys() | NEWER_FIELDS
    assert ours.keys() <= known
    theirs, mine = recorded["markets"][0], ours["markets"][0]
    assert mine.keys() <= theirs.keys() | NEWER_FIELDS
    odd = {
        name
        for name, value in mine.items()
        if name in theirs and {type(value), type(theirs[name])} not in ({type(value)}, {int, float})
    }
    assert not odd
    for name in ("outcomes", "outcomePrices", "clobTokenIds", "gameStartTime", "umaResolutionStatuses"):
        assert isinstance(mine[name], str), name


async def test_market_frames_have_the_recorded_fields(stand: Stand, market: MarketListing, shared: Path) -> None:
    async with await subscribed(stand, market.asset_ids, custom=True) as socket:
        await frames(socket, 2)
        stand.quote(market, {"0.41": 100}, {"0.45": 60})
        change, best = (await frames(socket, 3))[:2]
        stand.exchange.determine(market.condition_id, MICRO, stand.now_ms)
        stand.move(1)
        while (resolved := (await frames(socket, 1))[0])["event_type"] != "market_resolved":
            continue
    recorded = sample(shared, "ws_market/nt_ws_market_price_change_msg.json")
    assert change.keys() == recorded.keys()
    assert change["price_changes"][0].keys() == recorded["price_changes"][0].keys()
    assert best.keys() == sample(shared, "ws_market/nt_ws_market_best_bid_ask_msg.json").keys()
    assert resolved.keys() == sample(shared, "ws_market/nt_ws_market_resolved_msg.json").keys()


async def test_a_new_market_is_announced_with_the_recorded_fields(stand: Stand, shared: Path) -> None:
    async with await subscribed(stand, ("1",), custom=True) as socket:
        await frames_of_nothing(socket)
        stand.list_game("mlb")
        announced = (await frames(socket, 1))[0]
    recorded = sample(shared, "ws_market/nt_ws_market_new_market_msg.json")
    assert recorded.keys() <= announced.keys()
    assert announced.keys() - recorded.keys() == {"taker_base_fee", "fees_enabled", "fee_schedule"}


async def frames_of_nothing(socket: Any) -> None:
    """The dump of a token nobody knows is an empty array."""
    assert json.loads(await socket.recv()) == []


async def test_orders_and_trades_have_the_recorded_fields(stand: Stand, market: MarketListing, shared: Path) -> None:
    trader = stand.new_trader()
    async with await logged_in(trader) as socket:
        await trader.place(trader.order(market, "BUY", "0.3", "10"))
        placed = (await frames(socket, 1))[0]
        await trader.place(trader.order(market, "BUY", "0.45", "10"))
        stand.move(1_000)
        seen = await frames(socket, 3)
    assert placed.keys() == sample(shared, "ws_user/ntpy_order_placement.json").keys()
    trade = next(each for each in seen if each["event_type"] == "trade")
    recorded = sample(shared, "ws_user/ntpy_user_trade3.json")
    assert trade.keys() - recorded.keys() == {"match_time_nano"} and recorded.keys() <= trade.keys()
    assert trade["maker_orders"][0].keys() == recorded["maker_orders"][0].keys()
    orders = (await trader.call("GET", "/data/orders")).json()["data"]
    assert orders[0].keys() == sample(shared, "clob_rest/nt_http_open_order.json").keys()
    rows = (await trader.call("GET", "/data/trades")).json()["data"]
    assert rows[0].keys() - sample(shared, "clob_rest/nt_http_trade_report.json").keys() == {"match_time_nano"}


async def test_data_api_rows_have_the_recorded_fields(stand: Stand, market: MarketListing, shared: Path) -> None:
    trader = stand.new_trader()
    await trader.bought(market, "0.45", "60")
    rows = await read(stand.data_url, "/positions", user=trader.wallet.funder)
    assert rows[0].keys() == sample(shared, "data_api/nt_data_api_positions_response.json")[0].keys()
    trades = await read(stand.data_url, "/trades", user=trader.wallet.funder)
    assert sample(shared, "data_api/nt_data_api_trades_response.json")[0].keys() <= trades[0].keys()
