"""Faults and modes through the control port of a running simulator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import websockets

from venues.simulator.config import SimulatorConfig
from venues.simulator.faults import NoFaults
from venues.simulator.simulator import Simulator


async def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


async def set_fault(control: httpx.AsyncClient, **wish: Any) -> dict[str, Any]:
    reply = await control.post("/faults", json=wish)
    assert reply.status_code == 201, reply.text
    body: dict[str, Any] = reply.json()
    return body


async def test_a_fault_is_scheduled_strikes_is_shown_and_taken_off(simulator: Simulator, control: httpx.AsyncClient):
    async with httpx.AsyncClient() as client:
        url = f"{simulator.endpoints.kalshi_rest}/exchange/status"
        match = {"venue": "kalshi", "op": "exchange_status", "nth": 2}
        await set_fault(control, match=match, fault="503_before")
        assert [(await client.get(url)).status_code for _ in range(3)] == [200, 503, 200]
        shown = (await control.get("/faults")).json()
        assert [(each["fault"], each["struck"]) for each in shown["scheduled"]] == [("503_before", 1)]
        assert shown["strikes"][0]["op"] == "exchange_status" and shown["struck"] == {"503_before": 1}
        assert (await control.delete("/faults")).json()["scheduled"] == []
        assert [(await client.get(url)).status_code for _ in range(3)] == [200] * 3


async def test_a_seed_draws_the_same_faults_again(simulator: Simulator, control: httpx.AsyncClient):
    async def run() -> list[int]:
        wish = {"ops": ["/ok"], "kinds": ["500_before", "502_before"], "rate": 0.5}
        await set_fault(control, seed=7, **wish)
        async with httpx.AsyncClient() as client:
            return [(await client.get(f"{simulator.endpoints.clob}/ok")).status_code for _ in range(20)]

    first = await run()
    assert {200, 500, 502} == set(first)
    assert first == await run()


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("/faults", {"fault": "gremlin"}),
        ("/faults", {"fault": "swallow", "match": {"opp": "create"}}),
        ("/faults", {"seed": 7, "rate": 3}),
        ("/faults", {"seed": "x"}),
        ("/faults", []),
        ("/modes", {"venue": "betfair"}),
        ("/modes", {"venue": "kalshi", "mode": "restart"}),
        ("/modes", {"venue": "polymarket", "client_ids": "open_only"}),
        ("/modes", {"venue": "kalshi", "fates": ["failed"]}),
        ("/modes", {"venue": "kalshi", "tier": "gold"}),
        ("/modes", {"venue": "kalshi", "allowance_u": 0}),
        ("/modes", {"venue": "polymarket", "allowance_u": -1}),
        ("/modes", {"venue": "kalshi", "stale_read_ms": -1}),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused_in_a_sentence(path: str, wish: object, control: httpx.AsyncClient):
    reply = await control.post(path, json=wish)
    assert reply.status_code == 400 and len(reply.json()["error"]) > 10
    assert (await control.get("/faults")).json()["scheduled"] == []


async def test_a_simulator_with_a_plan_of_its_own_takes_no_other():
    running = Simulator(SimulatorConfig(port=0, is_paused=True, games=1), faults=NoFaults())
    await running.start()
    try:
        async with httpx.AsyncClient(base_url=running.endpoints.control) as control:
            assert (await control.post("/faults", json={"fault": "swallow"})).status_code == 409
    finally:
        await running.stop()


async def reached(url: str) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            return (await client.get(url)).status_code == 200
        except httpx.ConnectError:
            return False


async def test_a_refusing_host_cannot_be_reached_until_it_is_let(simulator: Simulator, control: httpx.AsyncClient):
    url = f"{simulator.endpoints.clob}/ok"
    assert await reached(url)
    await set_fault(control, fault="refuse", match={"venue": "polymarket"})
    assert [await reached(url) for _ in range(2)] == [False, False]
    assert await reached(f"{simulator.endpoints.kalshi_rest}/exchange/status")
    await control.delete("/faults")
    assert await reached(url)
    await set_fault(control, fault="refuse", match={"venue": "polymarket"}, delay_ms=30)
    deadline = time.monotonic() + 60
    while not await reached(url):
        assert time.monotonic() < deadline


async def test_idle_connections_are_closed_under_a_client_that_keeps_them(
    simulator: Simulator, control: httpx.AsyncClient
):
    url, ports = f"{simulator.endpoints.clob}/ok", []
    async with httpx.AsyncClient() as client:
        for number in range(3):
            if number == 2:
                await set_fault(control, fault="close_idle", match={"venue": "polymarket"})
            reply = await client.get(url)
            ports.append(reply.extensions["network_stream"].get_extra_info("client_addr")[1])
    assert ports[0] == ports[1] != ports[2]


@pytest.mark.parametrize("fault", ["disconnect", "auth_expired", "storm"])
async def test_sockets_end_at_once_and_an_expired_login_is_refused(
    fault: str, simulator: Simulator, control: httpx.AsyncClient
):
    url = f"{simulator.endpoints.clob_ws}/ws/market"
    async with websockets.connect(url) as socket:
        await set_fault(
            control, fault=fault, match={"venue": "polymarket"}, **({"delay_ms": 40} if fault == "storm" else {})
        )
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 60)
    if fault == "auth_expired":
        with pytest.raises(websockets.InvalidStatus, match="401"):
            await websockets.connect(url)
        await control.delete("/faults")
    async with websockets.connect(url) as socket:
        if fault == "storm":
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 60)
        else:
            await socket.send("PING")
            assert await asyncio.wait_for(socket.recv(), 60) == "PONG"


async def test_modes_are_shown_and_the_world_lives_through_a_pause(simulator: Simulator, control: httpx.AsyncClient):
    for venue, mode in (("kalshi", "exchange_pause"), ("polymarket", "disabled")):
        assert (await control.post("/modes", json={"venue": venue, "mode": mode})).json()[venue]["mode"] == mode
    reply = await control.post("/clock", json={"step_ms": 120_000}, timeout=60)
    assert reply.status_code == 200, reply.text
    async with httpx.AsyncClient() as client:
        status = (await client.get(f"{simulator.endpoints.kalshi_rest}/exchange/status")).json()
        assert (status["exchange_active"], status["trading_active"]) == (False, False)
        for venue in ("kalshi", "polymarket"):
            await control.post("/modes", json={"venue": venue, "mode": "normal"})
        status = (await client.get(f"{simulator.endpoints.kalshi_rest}/exchange/status")).json()
        assert (status["exchange_active"], status["trading_active"]) == (True, True)
    assert simulator.is_running
    assert (await control.post("/clock", json={"step_ms": 20_000}, timeout=60)).status_code == 200


async def test_what_the_contracts_may_take_is_set_for_every_wallet(simulator: Simulator, control: httpx.AsyncClient):
    told = (await control.post("/modes", json={"venue": "polymarket", "allowance_u": 5})).json()["polymarket"]
    assert told["allowance_u"] == simulator.assembly.polymarket_face.approvals.limit_u == 5
