"""Kalshi's official asynchronous SDK signs in with both kinds of key, reads, rests, cancels and takes; frames stream.

Opt-in: COURTSIDE_KALSHI_SDK_PYTHON names a Python with
`pip install --ignore-requires-python kalshi_python_async==3.34.0`. Neither of Kalshi's Python SDKs has a client for the
socket, so the SDK signs the upgrade and the frames are judged by the published AsyncAPI file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.venues.simulator.kalshi_schemas import FrameJudge
from tests.venues.simulator.sdk_interpreter import interpreter, open_account, run_session
from venues.simulator.config import SimulatorConfig
from venues.simulator.kalshi_auth import KeyType
from venues.simulator.simulator import Simulator

HEARD = {
    "subscribed",
    "orderbook_snapshot",
    "orderbook_delta",
    "ticker",
    "trade",
    "fill",
    "user_order",
    "market_position",
}


@pytest.fixture(scope="module")
def python() -> str:
    return interpreter("COURTSIDE_KALSHI_SDK_PYTHON", "kalshi_python_async 3.34.0")


@pytest.fixture
async def simulator(python: str) -> AsyncIterator[Simulator]:
    running = Simulator(SimulatorConfig(port=0))
    await running.start()
    yield running
    await running.stop()


@pytest.mark.parametrize("key_type", [each.value for each in KeyType])
async def test_the_asynchronous_sdk_trades_and_its_signature_opens_the_stream(
    simulator: Simulator, python: str, shared: Path, key_type: str
) -> None:
    account = await open_account(simulator, venue="kalshi", key_type=key_type, balance_usd="1000.00")
    roots = {"kalshi_rest": simulator.endpoints.kalshi_rest, "kalshi_ws": simulator.endpoints.kalshi_ws}
    report = await run_session(python, "kalshi_session.py", {**account, **roots, "series": "KXNBAGAME"})
    assert report["reads"]["event"] and report["reads"]["is_two_sided"] and report["reads"]["trading_active"]
    assert report["rests"] == {
        "order": ["sdk-1", "0.0100", "5.00", "resting"],
        "is_listed": True,
        "reduced_by": "5.00",
        "after": "canceled",
    }
    assert report["takes"] == {"filled": "2.00", "fills": 2.0, "position": "2.00", "balance_fell": True}
    assert report["refused"] == 404
    judge = FrameJudge(shared)
    assert [fault for frame in report["frames"] for fault in judge.fault(frame)] == []
    assert {frame["type"] for frame in report["frames"]} >= HEARD
