"""The whole program as a process of its own: started as a user starts it, asked over its API, stopped or killed by pid.

Its folder is empty at first; nothing is configured but ports. Its database may be looked into while it runs, and the
simulated venues' ledger is asked at their control port.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import httpx

from core.embedded.setup import why_taken
from tests.books import Books, Key, on_their_way, our_books, venue_books

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 150.0
SIMULATOR_PORTS = range(10)
CONTROL = 9
UNSET = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
_LOGIN = re.compile(r"^Demo login: (?P<email>\S+)  Password: (?P<password>\S+)$", re.MULTILINE)
_LISTENS = re.compile(r"simulator_started .*\bport=(\d+)")
"""In the log: the venues move to free ports where theirs are taken."""

T = TypeVar("T")


def _as_in_a_terminal() -> None:
    """Ctrl-C reaches it: what runs in the background of a shell ignores SIGINT, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Program:
    """`manage.py run` on ports and in a folder of its own."""

    def __init__(self, folder: Path, *, speed: float = 40.0) -> None:
        self.folder = folder / "var"
        self.port = free_ports(1)
        self.simulator_port = free_ports(len(SIMULATOR_PORTS))
        self.url = f"http://127.0.0.1:{self.port}"
        self.password = ""
        self._speed = speed
        self._output = folder / "output.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""
        self._cut_off: set[Key] = set()

    # --- life -------------------------------------------------------------------------------------------------------

    def launch(self, *args: str, environment: Mapping[str, str] = MappingProxyType({})) -> subprocess.Popen[bytes]:
        """Start it and return at once. `environment` is added to this process's own."""
        places = {"COURTSIDE_DATA_DIR": str(self.folder), "SIMULATOR_PORT": str(self.simulator_port), **environment}
        inherited = {name: value for name, value in os.environ.items() if name not in UNSET}
        command = [sys.executable, "manage.py", "run", "--port", str(self.port), "--speed", str(self._speed), *args]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**inherited, **places},
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_as_in_a_terminal,
            )
        return self._process

    def start(self, *args: str, environment: Mapping[str, str] = MappingProxyType({})) -> float:
        """Wait until it greets and is well; the seconds this took."""
        began = time.monotonic()
        process = self.launch(*args, environment=environment)

        def greeted() -> re.Match[str] | None:
            assert process.poll() is None, self.output()
            return _LOGIN.search(self.output())

        login = until(greeted)
        self.password = login["password"]
        until(lambda: self.health() == 200)
        signed_in = httpx.post(
            f"{self.url}/api/auth/login", json={"email": login["email"], "password": self.password}, timeout=10.0
        )
        assert signed_in.status_code == 200 and signed_in.json().keys() >= {"access", "refresh"}, signed_in.text
        self._token = signed_in.json()["access"]
        return time.monotonic() - began

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """The exit code after this signal and the seconds until it was there."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(number)
        code = self._process.wait(PATIENCE_S)
        self._process = None
        return code, time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL, or nothing where it has ended. Orders that had no answer then may never have arrived."""
        if self._process is not None:
            was_running = self._process.poll() is None
            self._process.kill()
            self._process.wait()
            self._process = None
            if was_running and (self.folder / "courtside.sqlite3").is_file():
                self._cut_off |= self._read(on_their_way)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def output(self) -> str:
        return self._output.read_text("utf-8", "replace")

    # --- asking -----------------------------------------------------------------------------------------------------

    def health(self) -> int:
        """The status of /api/health, 0 while nobody listens."""
        try:
            return httpx.get(f"{self.url}/api/health", timeout=10.0).status_code
        except httpx.TransportError:
            return 0

    def get(self, path: str) -> Any:
        reply = httpx.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {self._token}"}, timeout=10.0)
        assert reply.status_code == 200, f"{path}: {reply.status_code} {reply.text[:300]}"
        return reply.json()

    def rows(self, path: str) -> list[dict[str, Any]]:
        """The first page of a list."""
        page = self.get(path)
        assert page.keys() == {"count", "next", "previous", "results"}
        results: list[dict[str, Any]] = page["results"]
        return results

    def pause_venues(self) -> None:
        self._control("POST", "/clock", {"paused": True})

    def resume_venues(self) -> None:
        self._control("POST", "/clock", {"paused": False})

    def venue_books(self) -> Books:
        return venue_books(self._control("GET", "/ledger").json())

    def our_books(self) -> Books:
        return self._read(our_books)

    def _read(self, reading: Callable[[sqlite3.Cursor], T]) -> T:
        connection = sqlite3.connect(f"file:{self.folder / 'courtside.sqlite3'}?mode=ro", uri=True)
        try:
            return reading(connection.cursor())
        finally:
            connection.close()

    def books_equal(self) -> Books:
        """Stop the venues' time and wait until both books are the same, but for requests that a kill cut off."""
        self.pause_venues()
        deadline = time.monotonic() + PATIENCE_S
        while differences := (ours := self.our_books()).differences(self.venue_books(), cut_off=self._cut_off):
            assert time.monotonic() < deadline, "\n".join(differences)
            time.sleep(0.2)
        return ours

    def _control(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        listens_at = int(_LISTENS.findall((self.folder / "run.log").read_text("utf-8"))[-1])
        url = f"http://127.0.0.1:{listens_at + CONTROL}{path}"
        return httpx.request(method, url, json=body, timeout=30.0).raise_for_status()


def until(see: Callable[[], T | None], *, within_s: float = PATIENCE_S) -> T:
    """What `see` shows as soon as it shows something."""
    deadline = time.monotonic() + within_s
    while not (seen := see()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return seen


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that nobody has, below those that this machine's connections come from."""
    starts = range(20_000, 32_000, count)
    return next(
        first
        for first in random.sample(starts, len(starts))
        if not any(why_taken(port) for port in range(first, first + count))
    )
