"""Polymarket's maintained SDK signs in, reads, rests, cancels, takes, waits for settlement and listens: all here.

Opt-in: COURTSIDE_POLYMARKET_SDK_PYTHON names a Python with `pip install polymarket-client==0.14.0`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.venues.simulator.sdk_interpreter import interpreter, open_account, run_session
from venues.simulator.config import SimulatorConfig
from venues.simulator.simulator import Simulator

WALLETS = {0: "EOA", 1: "POLY_PROXY", 2: "GNOSIS_SAFE", 3: "DEPOSIT_WALLET"}
HEARD = {
    "market.book",
    "market.price_change",
    "market.best_bid_ask",
    "market.last_trade_price",
    "user.order",
    "user.trade",
    "sports.sport_result",
}


@pytest.fixture(scope="module")
def python() -> str:
    return interpreter("COURTSIDE_POLYMARKET_SDK_PYTHON", "polymarket-client 0.14.0")


@pytest.fixture
async def simulator(python: str) -> AsyncIterator[Simulator]:
    running = Simulator(SimulatorConfig(port=0))
    await running.start()
    yield running
    await running.stop()


async def session(simulator: Simulator, python: str, *, league: str, signature_type: int) -> dict[str, Any]:
    wish = {"venue": "polymarket", "signature_type": signature_type, "balance_usd": "1000.00"}
    roots, account = simulator.endpoints, await open_account(simulator, **wish)
    urls = {name: getattr(roots, name) for name in ("clob", "clob_ws", "gamma", "data", "sports_ws")}
    report = await run_session(python, "polymarket_session.py", {**account, **urls, "league": league})
    assert (report["wallet"], report["api_key"]) == (account["funder"], account["api_key"])
    return report


def assert_traded(report: dict[str, Any], placed_as: str) -> None:
    assert report["rests"] == {
        "order": ["0.02", "25", "0", "LIVE"],
        "is_listed": True,
        "canceled": True,
        "open_after": 0,
    }
    assert report["batch"] == {"by_list": True, "by_token": True, "all": True}
    assert report["takes"]["status"] == placed_as
    assert [trade[0] for trade in report["takes"]["trades"]] == ["CONFIRMED"]
    assert report["account"]["positions"] == report["account"]["public_trades"] == [True]
    assert report["refused"].startswith("HTTP 400: not enough balance / allowance")
    assert report["streams"].keys() >= HEARD
    assert report["unread_frames"] == [0, 0, 0]


@pytest.mark.parametrize("signature_type", WALLETS)
async def test_the_maintained_sdk_trades_with_every_kind_of_wallet(
    simulator: Simulator, python: str, signature_type: int
) -> None:
    report = await session(simulator, python, league="nba", signature_type=signature_type)
    assert report["wallet_type"] == WALLETS[signature_type]
    assert_traded(report, "matched")
    assert report["takes"]["hashes"] == 1
    assert report["blocking"] == {"wallet": report["wallet"], "open": 0}


@pytest.mark.parametrize("league", ["nfl", "mls"])
async def test_the_maintained_sdk_hears_of_a_delayed_order_by_stream(
    simulator: Simulator, python: str, league: str
) -> None:
    """Football is delayed by a second; the second league's markets are of negative risk as well."""
    report = await session(simulator, python, league=league, signature_type=3)
    assert_traded(report, "delayed")
    assert report["takes"]["hashes"] == 0
