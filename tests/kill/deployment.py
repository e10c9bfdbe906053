"""The processes of one deployment, all real ones: simulated venues, guard, trader. Started and ended by their ids."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from core.kill_points import ENV_LOG, ENV_POINT, ENV_SIGNAL
from tests.whole.program import ROOT

CONTROL = 9
ENDS_WITHIN_S = 30.0
LOOK_EVERY_S = 0.02
_CONTROL_AT = re.compile(r"^Simulator: control at \S+:(\d+)", re.MULTILINE)

T = TypeVar("T")


class Process:
    """One started program. `passed` are the kill points it went through, in their order."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.hits = Path(environment.get(ENV_LOG, os.devnull))
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=dict(environment), stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def is_stopped(self) -> bool:
        """By SIGSTOP, as the kernel tells it."""
        state = Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
        return state == "T"

    @property
    def died_of(self) -> int:
        """The signal that ended it; 0 where it lives or went by itself."""
        return max(0, -(self._process.poll() or 0))

    def passed(self) -> list[str]:
        return self.hits.read_text("ascii").split() if self.hits.is_file() else []

    def signal(self, number: signal.Signals) -> None:
        if self.is_alive:
            self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()

    def end(self) -> int:
        """SIGTERM, and its exit code."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self._process.wait(ENDS_WITHIN_S)


class Deployment:
    """Everything lives in `folder`; `environment` is what all processes share."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, seed: int, speed: float) -> None:
        self.port = 0
        self.environment = dict(environment)
        self._folder = folder
        self._venues = ["-m", "venues.simulator", "--seed", str(seed), "--speed", str(speed)]
        self._venues += ["--state", str(folder / "simulator.sqlite3"), "--polymarket-settle-hours", "0.05"]
        self._running: list[Process] = []
        self._starts = 0
        self._control = httpx.Client(timeout=30.0)

    @property
    def control_port(self) -> int:
        return self.port + CONTROL

    def start_venues(self) -> Process:
        """On free ports; at a later start on the same ones, with the accounts and the world as they were."""
        process = self._start("venues", [*self._venues, "--port", str(self.port)])
        if not self.port:
            told = until(self._told_port, within_s=60.0, else_say="the simulator does not start")
            self.port = int(told[1]) - CONTROL
            self.environment["SIMULATOR_PORT"] = str(self.port)
        until(self._venues_answer, within_s=60.0, else_say="the simulator does not answer")
        return process

    def start_guard(self) -> Process:
        return self._start("guard", ["manage.py", "guard"])

    def start_trader(self, *, point: str = "-", by: signal.Signals = signal.SIGKILL) -> Process:
        """One that signals itself at `point` ("P2.locked:3": at the third time); "-" only notes what it passes."""
        self._starts += 1
        hits = self._folder / f"trader-{self._starts}.points"
        armed = {ENV_POINT: point, ENV_LOG: str(hits), ENV_SIGNAL: by.name}
        return self._start("trader", ["manage.py", "trade"], armed)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """At the simulator's control port. Raises what httpx raises."""
        return self._control.request(method, self._url(path), json=body).raise_for_status().json()

    def close(self) -> None:
        for process in self._running:
            process.kill()
        self._control.close()

    def _start(self, name: str, command: list[str], more: Mapping[str, str] | None = None) -> Process:
        environment = {**self.environment, **(more or {})}
        process = Process([sys.executable, *command], environment, self._folder / f"{name}.log")
        self._running.append(process)
        return process

    def _venues_answer(self) -> bool:
        try:
            return self._control.get(self._url("/health")).status_code == 200
        except httpx.TransportError:
            return False

    def _told_port(self) -> re.Match[str] | None:
        return _CONTROL_AT.search((self._folder / "venues.log").read_text("utf-8"))

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.control_port}{path}"


def until(seen: Callable[[], T], *, within_s: float, else_say: str) -> T:
    """What `seen` shows as soon as it shows something. Raises AssertionError with the sentence."""
    shown = wait_for(seen, within_s=within_s)
    assert shown, else_say
    return shown


def wait_for(seen: Callable[[], T], *, within_s: float) -> T:
    """As `until`, but what it shows at last is given back whatever it is."""
    deadline = time.monotonic() + within_s
    while not (shown := seen()) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    return shown
