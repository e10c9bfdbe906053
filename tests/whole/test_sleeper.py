"""A trader process that is stopped (SIGSTOP) and wakes up again: shut out at the venue meanwhile, it sends nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.whole.program import CONTROL, ROOT, SIMULATOR_PORTS, UNSET, free_ports, until

pytestmark = pytest.mark.whole

SPEED = "40"


class Deployment:
    """Simulator, guard and trader as processes on one SQLite file, as a host that trades has them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_ports(len(SIMULATOR_PORTS))
        kept = {name: value for name, value in os.environ.items() if name not in UNSET}
        own = {"COURTSIDE_DATA_DIR": str(folder), "SIMULATOR_PORT": str(self.port), "TRADING_MODE": "simulated"}
        self._environment = {**kept, **own}
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        """All of it; the trader."""
        self._run("manage.py", "migrate", "-v0")
        self._launch("-m", "venues.simulator", "--port", str(self.port), "--seed", "7", "--speed", SPEED)
        until(lambda: self._answers())
        self._launch("manage.py", "guard")
        return self._launch("manage.py", "trade", "--demo")

    def end(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self.folder / 'courtside.sqlite3'}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def is_writable(self) -> bool:
        connection = sqlite3.connect(self.folder / "courtside.sqlite3", timeout=1.0, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()
        return True

    def at_the_venues(self) -> dict[str, str]:
        """Every order that ever arrived: our name of it (Kalshi) or its id there, and its state."""
        reply = httpx.get(f"http://127.0.0.1:{self.port + CONTROL}/ledger", timeout=30.0).raise_for_status()
        orders = [order for account in reply.json()["accounts"] for order in account["orders"]]
        return {order["order_id"]: order["state"] for order in orders}

    def _run(self, *args: str) -> None:
        subprocess.run([sys.executable, *args], cwd=ROOT, env=self._environment, check=True)

    def _launch(self, *args: str) -> subprocess.Popen[bytes]:
        with (self.folder / "output.txt").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *args], cwd=ROOT, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )
        self._processes.append(process)
        return process

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port + CONTROL}/clock", timeout=5.0).is_success
        except httpx.TransportError:
            return False


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path)
    yield deployment
    deployment.end()


def put_to_sleep(deployment: Deployment, trader: subprocess.Popen[bytes]) -> bool:
    """Stopped between two transactions: on SQLite, one that sleeps while it writes keeps everybody from writing."""
    trader.send_signal(signal.SIGSTOP)
    if deployment.is_writable():
        return True
    trader.send_signal(signal.SIGCONT)
    return False


def test_a_trader_that_sleeps_is_shut_out_and_sends_nothing_of_before_when_it_wakes(deployment: Deployment):
    trader = deployment.start()
    until(lambda: deployment.rows("SELECT 1 FROM trading_fill LIMIT 1") or trader.poll() is not None)
    assert trader.poll() is None, "it ended"
    until(lambda: put_to_sleep(deployment, trader))
    (epoch,) = deployment.rows("SELECT max(epoch) FROM trading_traderlease")[0]
    shut = "SELECT 1 FROM audit_auditentry WHERE kind = 'fence.closed' AND actor = 'guard'"
    until(lambda: deployment.rows(shut))
    until(lambda: deployment.rows("SELECT 1 FROM risk_killswitchpart WHERE proven_gone_at IS NOT NULL"))
    assert "resting" not in set(deployment.at_the_venues().values())
    paused = deployment.rows("SELECT code, state FROM risk_tradinghalt WHERE scope = 'user'")
    assert paused == [("trader_silent", "paused")]
    before = set(deployment.at_the_venues())
    trader.send_signal(signal.SIGCONT)
    until(lambda: deployment.rows("SELECT 1 FROM risk_tradinghalt WHERE code = 'trader_silent' AND state = 'active'"))
    until(lambda: deployment.rows(f"SELECT 1 FROM trading_order WHERE lease_epoch > {epoch} AND status = 'filled'"))
    of_before = f"SELECT venue_order_id FROM trading_order WHERE lease_epoch <= {epoch}"
    known = {name for (name,) in deployment.rows(of_before) if name}
    assert set(deployment.at_the_venues()) & known <= before, "an order of before arrived after the sleep"
    assert deployment.rows("SELECT 1 FROM risk_tradinghalt WHERE state = 'halted'") == []
