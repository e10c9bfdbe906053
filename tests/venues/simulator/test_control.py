"""The whole simulator over real sockets: accounts, clock, lock-step, ledger, durability."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from venues.simulator.asgi_server import PortInUse
from venues.simulator.config import SimulatorConfig
from venues.simulator.exchange_types import NewOrder
from venues.simulator.simulator import Simulator
from venues.simulator.store import StoreError
from venues.types import MICRO, OrderState, Outcome, Side, Venue


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    running = Simulator(SimulatorConfig(port=0, is_paused=True))
    await running.start()
    yield running
    await running.stop()


async def step(control: httpx.AsyncClient, step_ms: int) -> dict[str, Any]:
    reply = await control.post("/clock", json={"step_ms": step_ms}, timeout=60)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


async def test_every_face_listens_on_loopback_at_its_own_port(simulator: Simulator) -> None:
    roots = simulator.endpoints
    async with httpx.AsyncClient() as client:
        for url in (
            f"{roots.kalshi_rest}/exchange/status",
            f"{roots.clob}/ok",
            f"{roots.gamma}/sports",
            f"{roots.espn}/apis/site/v2/sports/basketball/nba/scoreboard",
            f"{roots.control}/health",
        ):
            assert (await client.get(url)).status_code == 200, url
    assert simulator.ports.control == simulator.ports.kalshi + 9


async def test_no_reply_waits_for_the_network_to_fill_a_packet(control: httpx.AsyncClient) -> None:
    waits = []
    for _ in range(15):
        waits.append((await control.get("/health")).elapsed.total_seconds())
    assert sorted(waits)[7] < 0.03


@pytest.mark.parametrize("key_type", ["rsa", "ed25519"])
async def test_a_kalshi_account_is_opened_with_its_key_and_money(control: httpx.AsyncClient, key_type: str) -> None:
    wish = {"venue": "kalshi", "key_type": key_type, "balance_usd": "10000.00"}
    reply = await control.post("/accounts", json=wish)
    assert reply.status_code == 201
    made = reply.json()
    assert made["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert (made["key_type"], made["balance_usd"]) == (key_type, "10000.00")
    account = (await control.get("/ledger", params={"account_id": made["account_id"]})).json()["accounts"][0]
    assert (account["cash_u"], account["reserved_u"], account["orders"]) == (10_000 * MICRO, 0, [])
    assert sum(entry["amount_u"] for entry in account["entries"]) == account["cash_u"]


@pytest.mark.parametrize("signature_type", [0, 1, 2, 3])
async def test_a_polymarket_wallet_is_opened_for_each_signature_type(
    control: httpx.AsyncClient, signature_type: int
) -> None:
    wish = {"venue": "polymarket", "signature_type": signature_type, "balance_usd": "0.5"}
    made = (await control.post("/accounts", json=wish)).json()
    assert made["account_id"] == made["funder"].lower()
    assert (made["funder"] == made["address"]) is (signature_type == 0)
    assert made["api_key"] and made["secret"] and made["passphrase"] and made["balance_usd"] == "0.50"


@pytest.mark.parametrize(
    "wish",
    [
        {"venue": "betfair"},
        {"venue": "kalshi", "key_type": "dsa"},
        {"venue": "polymarket", "signature_type": 9},
        {"venue": "kalshi", "balance_usd": "a lot"},
        {"venue": "kalshi", "balance_usd": "-1"},
        {"venue": "kalshi", "balance_usd": "NaN"},
        {},
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused_in_a_sentence(
    control: httpx.AsyncClient, wish: dict[str, object]
) -> None:
    reply = await control.post("/accounts", json=wish)
    assert reply.status_code == 400 and len(reply.json()["error"]) > 10
    assert (await control.get("/ledger")).json()["accounts"] == []


async def test_time_stands_still_while_paused_and_steps_exactly(control: httpx.AsyncClient) -> None:
    before = (await control.get("/clock")).json()
    assert before["paused"] is True and before["speed"] == 0.0
    after = await step(control, 1_000)
    assert after["now_ms"] == before["now_ms"] + 1_000
    assert (await control.get("/clock")).json()["now_ms"] == after["now_ms"]


async def test_a_running_clock_goes_at_its_speed_and_cannot_be_stepped(control: httpx.AsyncClient) -> None:
    reading = (await control.post("/clock", json={"paused": False, "speed": 100.0})).json()
    assert reading["speed"] == 100.0
    assert (await control.post("/clock", json={"step_ms": 10})).status_code == 409
    deadline = reading["now_ms"] + 5_000
    while (await control.get("/clock")).json()["now_ms"] < deadline:
        continue


@pytest.mark.parametrize("wish", [{"speed": 0}, {"speed": -3}, {"step_ms": 0}, {"step_ms": "x"}, {"sped": 3}])
async def test_a_bad_clock_wish_is_refused(control: httpx.AsyncClient, wish: dict[str, object]) -> None:
    reply = await control.post("/clock", json=wish)
    assert reply.status_code == 400 and reply.json()["error"]


async def test_the_answer_to_a_step_counts_the_frames_that_were_written(
    simulator: Simulator, control: httpx.AsyncClient
) -> None:
    tokens = await _tokens(simulator)
    async with websockets.connect(f"{simulator.endpoints.clob_ws}/ws/market", max_size=2**24) as socket:
        await socket.send(json.dumps({"type": "market", "assets_ids": tokens, "custom_feature_enabled": True}))
        received = 0
        await socket.recv()
        received += 1
        for _ in range(30):
            reading = await step(control, 2_000)
            mine = next(each for each in reading["streams"] if each["peer"] == socket.local_address[1])
            assert (mine["venue"], mine["channel"]) == ("polymarket", "market")
            while received < mine["sent"]:
                await socket.recv()
                received += 1
        assert received > 30


async def _tokens(simulator: Simulator) -> list[str]:
    async with httpx.AsyncClient() as client:
        events = (await client.get(f"{simulator.endpoints.gamma}/events/keyset")).json()["events"]
    return [token for event in events for market in event["markets"] for token in json.loads(market["clobTokenIds"])]


async def test_the_sports_channel_tells_every_change(simulator: Simulator, control: httpx.AsyncClient) -> None:
    async with websockets.connect(simulator.endpoints.sports_ws) as socket:
        reading = await step(control, 300_000)
        mine = next(each for each in reading["streams"] if each["peer"] == socket.local_address[1])
        frames = [json.loads(await socket.recv()) for _ in range(mine["sent"])]
    assert len(frames) > 20
    assert {"gameId", "leagueAbbreviation", "homeTeam", "awayTeam", "status", "score", "period"} <= frames[0].keys()
    assert any(frame["live"] for frame in frames)


async def test_two_runs_of_one_seed_have_one_digest(control: httpx.AsyncClient, simulator: Simulator) -> None:
    other = Simulator(SimulatorConfig(port=0, is_paused=True))
    await other.start()
    try:
        async with httpx.AsyncClient(base_url=other.endpoints.control) as second:
            await step(control, 120_000)
            for _ in range(120):
                await step(second, 1_000)
            states = [(await client.get("/state")).json() for client in (control, second)]
    finally:
        await other.stop()
    assert states[0]["digest"] == states[1]["digest"] != ""
    assert states[0]["games"] == states[1]["games"]


async def test_a_port_in_use_is_one_sentence(simulator: Simulator) -> None:
    second = Simulator(SimulatorConfig(port=simulator.ports.kalshi))
    with pytest.raises(PortInUse, match=f"port {simulator.ports.kalshi} .* is in use"):
        await second.start()


async def test_client_orders_positions_and_cents_survive_a_restart(tmp_path: Path) -> None:
    config = SimulatorConfig(port=0, is_paused=True, state_path=tmp_path / "state.sqlite3")
    first = Simulator(config)
    await first.start()
    async with httpx.AsyncClient(base_url=first.endpoints.control) as client:
        wishes = ({"venue": "kalshi"}, {"venue": "polymarket"})
        ids = [(await client.post("/accounts", json=wish)).json()["account_id"] for wish in wishes]
        await step(client, 400_000)
        for venue, account_id in zip(Venue, ids, strict=True):
            _trade(first, venue, account_id)
        await step(client, 60_000)
        before = (await client.get("/ledger")).json()
        state_before = (await client.get("/state")).json()
    await first.stop()
    second = Simulator(config)
    await second.start()
    async with httpx.AsyncClient(base_url=second.endpoints.control) as client:
        after = (await client.get("/ledger")).json()
        state_after = (await client.get("/state")).json()
        assert after["accounts"] == before["accounts"]
        assert after["imbalance_u"] == {"kalshi": 0, "polymarket": 0}
        assert (state_after["now_ms"], state_after["digest"][:0]) == (state_before["now_ms"], "")
        assert state_after["games"] == state_before["games"]
        await step(client, 120_000)
        assert any(market["best_bid_u"] for market in (await client.get("/state")).json()["markets"])
    await second.stop()


def _trade(simulator: Simulator, venue: Venue, account_id: str) -> None:
    """One order that fills and one that rests, in a live two-way game."""
    exchange = simulator.assembly.builder.exchanges[venue]
    contest = next(
        c
        for c in simulator.assembly.world.contests
        if c.game.is_live and c.game.fixture.league == "nba" and 0.1 < c.game.odds.home < 0.9
    )
    native_id = next(quoted.native_id for quoted in contest.quoted if quoted.venue is venue)
    best_u = exchange.market(native_id).best_ask_u
    assert best_u is not None
    for price_u, state in ((best_u, OrderState.FILLED), (20_000, OrderState.RESTING)):
        order = NewOrder(
            native_id=native_id,
            side=Side.BUY,
            outcome=Outcome.YES,
            price_u=price_u,
            qty_u=5 * MICRO,
            client_order_id=f"{venue}-{price_u}",
        )
        view = exchange.submit(account_id, order, simulator.assembly.now_ms())
        assert view.state in (state, OrderState.DELAYED)


async def test_a_state_file_of_another_seed_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    first = Simulator(SimulatorConfig(port=0, is_paused=True, state_path=path))
    await first.start()
    await first.stop()
    with pytest.raises(StoreError, match="belongs to seed 7"):
        await Simulator(SimulatorConfig(port=0, seed=8, state_path=path)).start()


async def test_a_replay_goes_on_after_a_restart_and_ends_as_the_game_did(shared: Path, tmp_path: Path) -> None:
    config = SimulatorConfig(
        port=0,
        is_paused=True,
        state_path=tmp_path / "state.sqlite3",
        tape=shared / "sports/data/stream_replay/nba_ATL_at_WSH_2025-12-06.jsonl.gz",
    )
    for step_ms, is_over in ((90 * 60_000, False), (150 * 60_000, False), (6 * 3_600_000, True)):
        running = Simulator(config)
        await running.start()
        async with httpx.AsyncClient(base_url=running.endpoints.control) as client:
            before = (await client.get("/clock")).json()["now_ms"]
            assert (await step(client, step_ms))["now_ms"] == before + step_ms
            state = (await client.get("/state")).json()
        await running.stop()
        assert state["finished"] is is_over
    game = state["games"][0]
    assert (game["away_score"], game["home_score"], game["status"]) == (131, 116, "final")
    paid = {market["native_id"]: market["value_u"] for market in state["markets"] if market["venue"] == "kalshi"}
    assert paid == {"KXNBAGAME-25DEC06ATLWAS-ATL": MICRO, "KXNBAGAME-25DEC06ATLWAS-WAS": 0}
