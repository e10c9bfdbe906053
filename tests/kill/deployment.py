"""The processes of one deployment, all real ones, started and ended by their ids: simulated venues, guard, trader, and
where a Redis can be started Redis and the worker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from core.kill_points import ENV_LOG, ENV_POINT, ENV_SIGNAL
from tests.kill import server
from tests.whole.program import CONTROL, ROOT, SIMULATOR_PORTS, free_ports

ENDS_WITHIN_S = 30.0
LOOK_EVERY_S = 0.02

REDIS = shutil.which("valkey-server") or shutil.which("redis-server") or ""
"""None: no worker runs, since without Redis it would have to live in the trader's process."""
BEAT = "django_celery_beat.schedulers:DatabaseScheduler"

T = TypeVar("T")


def redis_url(folder: Path) -> str:
    """Of the run's own Redis; "" where there is none."""
    return f"unix://{folder / 'redis.sock'}" if REDIS else ""


class Process:
    """One started program. `passed` are the kill points it went through, in their order."""

    def __init__(
        self, command: list[str], environment: Mapping[str, str], log: Path, *, runs_as: str | None = None
    ) -> None:
        self._is_killed = False
        self.hits = Path(environment.get(ENV_LOG, os.devnull))
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=runs_as,
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
        """With its children, also where it died alone; once."""
        if not self._is_killed:
            self._is_killed = True
            children = self._children() if self.is_alive else []
            for kill, number in [(os.killpg, self._process.pid), *((os.kill, child) for child in children)]:
                with suppress(ProcessLookupError):
                    kill(number, signal.SIGKILL)
            self._process.wait()

    def _children(self) -> list[int]:
        """A worker's beat is of its group; each process of a database server has a group of its own."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text("ascii").split()]

    def end(self) -> int:
        """SIGTERM, and its exit code."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self._process.wait(ENDS_WITHIN_S)


class Deployment:
    """Everything lives in `folder`; `environment` is what all processes share."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, seed: int, speed: float) -> None:
        self.port = free_ports(len(SIMULATOR_PORTS))
        self.environment = {**environment, "SIMULATOR_PORT": str(self.port)}
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
        """At a later start with the accounts and the world as they were."""
        process = self._start_python("venues", [*self._venues, "--port", str(self.port)])
        until(self._venues_answer, within_s=60.0, else_say="the simulator does not answer")
        return process

    @property
    def has_server(self) -> bool:
        """The database is a server of the run's own."""
        return (self._folder / server.PLACE).is_dir()

    def start_database(self) -> Process:
        """With the files as they are; what was committed before is there."""
        url = self.environment["DATABASE_URL"]
        command = server.command(self._folder / server.PLACE, port=urlsplit(url).port or 0)
        started: list[Process] = []

        def is_up() -> bool:
            if not started or not started[-1].is_alive:  # some process of the former one may have been left
                started.append(self._start("database", command, runs_as=server.RUNS_AS))
            return server.answers(url)

        until(is_up, within_s=60.0, else_say="the database server does not start")
        return started[-1]

    @property
    def has_redis(self) -> bool:
        return bool(self.environment["REDIS_URL"])

    def start_redis(self) -> Process:
        """On a socket in the folder, remembering nothing."""
        path = self.environment["REDIS_URL"].removeprefix("unix://")
        command = [REDIS, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"]
        return self._start("redis", command)

    def start_worker(self) -> Process:
        worker = ["-m", "celery", "-A", "tests.kill.hurried", "worker", "--loglevel", "WARNING"]
        schedule = ["--beat", "--scheduler", BEAT, "--schedule", str(self._folder / "beat")]
        return self._start_python("worker", [*worker, "--pool", "threads", "--concurrency", "4", *schedule])

    def start_guard(self) -> Process:
        return self._start_python("guard", ["manage.py", "guard"])

    def start_trader(self, *, point: str = "-", by: signal.Signals = signal.SIGKILL) -> Process:
        """One that signals itself at `point` ("P2.locked:3": at the third time); "-" only notes what it passes."""
        self._starts += 1
        hits = self._folder / f"trader-{self._starts}.points"
        armed = {ENV_POINT: point, ENV_LOG: str(hits), ENV_SIGNAL: by.name}
        return self._start_python("trader", ["manage.py", "trade"], armed)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """At the simulator's control port. Raises what httpx raises."""
        return self._control.request(method, self._url(path), json=body).raise_for_status().json()

    def close(self) -> None:
        for process in self._running:
            process.kill()
        self._control.close()

    def _start_python(self, name: str, command: list[str], more: Mapping[str, str] | None = None) -> Process:
        return self._start(name, [sys.executable, *command], more)

    def _start(
        self, name: str, command: list[str], more: Mapping[str, str] | None = None, *, runs_as: str | None = None
    ) -> Process:
        environment = {**self.environment, **(more or {})}
        process = Process(command, environment, self._folder / f"{name}.log", runs_as=runs_as)
        self._running.append(process)
        return process

    def _venues_answer(self) -> bool:
        try:
            return self._control.get(self._url("/health")).status_code == 200
        except httpx.TransportError:
            return False

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.control_port}{path}"


def until(seen: Callable[[], T], *, within_s: float, else_say: str) -> T:
    """What `seen` shows as soon as it shows something. Raises AssertionError with the sentence."""
    shown = wait_for(seen, within_s=within_s)
    assert shown, else_say
    return shown


def wait_for(seen: Callable[[], T], *, within_s: float, every_s: float = LOOK_EVERY_S) -> T:
    """As `until`, but what it shows at last is given back whatever it is."""
    deadline = time.monotonic() + within_s
    while not (shown := seen()) and time.monotonic() < deadline:
        time.sleep(every_s)
    return shown
