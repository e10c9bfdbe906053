"""`manage.py run --split`: the same parts as processes, so that the trader does not share an interpreter with the web.

Needs a Redis (the channel layer, the cache and Celery's broker go through it): the one in `REDIS_URL`, else a private
`redis-server` on a socket in the data folder when the program is installed. What would keep a process from starting (a
taken port, a Redis that does not answer, what a former run kept) is refused before anything is written or removed; a
process that ends all the same is started again with a growing pause. Ctrl-C or SIGTERM ends all of them, first asked,
then killed: the trader says goodbye to venues that still answer.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from core.embedded import setup
from core.embedded.parts import RunOptions, RunRefused
from core.embedded.startable import require_startable
from core.simulated import note_port

log = structlog.get_logger(__name__)

ASGI = "config.asgi:application"
SIMULATOR_PORTS = 10
ASK_S, ASK_SERVERS_S = 3.7, 0.6
SERVERS = frozenset({"redis", "simulators"})
"""The other processes work with these to their end."""
LOOK_EVERY_S = 0.5
RESTART_PAUSE_MAX_S = 30.0


def run_split(options: RunOptions, *, reset: bool) -> None:
    """Blocks until Ctrl-C or SIGTERM. Raises RunRefused."""
    setup.require_free_port(options.port)
    _require_free_simulator_ports()
    environment, processes = _redis(options.data_dir)
    lock = setup.lock_data_dir(options.data_dir)
    try:
        require_startable(options, reset=reset)
        if reset:
            setup.clear_data_dir(options.data_dir)
        note_port(options.data_dir, settings.SIMULATOR_PORT)
        setup.prepare_database()
        setup.prepare_static_files()
        login = import_string(settings.EMBEDDED_LOGIN)(options.data_dir)
        processes |= _commands(options)
        _Processes(processes, environment).serve(
            f"URL: http://127.0.0.1:{options.port}/\nDemo login: {login.email}  Password: {login.password}"
        )
    finally:
        lock.close()


def _require_free_simulator_ports() -> None:
    first, last = settings.SIMULATOR_PORT, settings.SIMULATOR_PORT + SIMULATOR_PORTS - 1
    for port in range(first, last + 1):
        if setup.why_taken(port):
            raise RunRefused(
                f"Port {port} on 127.0.0.1 is in use, and the simulated venues listen on {first} to {last}. Stop what "
                f"listens there, or move them: SIMULATOR_PORT={last + 1} make run ARGS=--split"
            )


def _commands(options: RunOptions) -> dict[str, list[str]]:
    python = sys.executable
    simulator = [python, "-m", "venues.simulator", "--port", str(settings.SIMULATOR_PORT)]
    simulator += ["--seed", str(options.seed), "--speed", str(options.speed)]
    simulator += ["--state", str(options.data_dir / "simulator.sqlite3")]
    beat = "django_celery_beat.schedulers:DatabaseScheduler"
    return {
        "simulators": simulator,
        "web": [python, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(options.port), ASGI],
        "worker": [python, "-m", "celery", "-A", "config", "worker", "--pool", "threads", "-c", "2", "-l", "WARNING"],
        "beat": [python, "-m", "celery", "-A", "config", "beat", "-l", "WARNING", "--scheduler", beat, "--pidfile="],
        "trader": [python, "manage.py", "trade", "--demo"],
        "guard": [python, "manage.py", "guard"],
    }


def _redis(data_dir: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The environment for all processes, and our own Redis among them where none is configured."""
    if settings.REDIS_URL:
        if trouble := setup.redis_trouble():
            raise RunRefused(
                f"--split needs Redis, and REDIS_URL does not answer ({trouble}). Start it, correct REDIS_URL, or "
                "leave --split out: the one-process run needs none."
            )
        return dict(os.environ), {}
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        raise RunRefused(
            "--split needs Redis. Set REDIS_URL, install redis-server (apt-get install redis-server), or leave "
            "--split out: the one-process run needs none."
        )
    path = data_dir / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"]
    return {**os.environ, "REDIS_URL": f"unix://{path}"}, {"redis": command}


class _Processes:
    """Keeps one process per command alive until it is told to stop."""

    def __init__(self, commands: Mapping[str, list[str]], environment: dict[str, str]) -> None:
        self._commands = dict(commands)
        self._environment = environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._pauses: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._woken, self._wake = os.pipe()

    def serve(self, greeting: str) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        for name in self._commands:
            self._start(name)
        print(greeting, flush=True)
        while not select.select([self._woken], [], [], LOOK_EVERY_S)[0]:
            self._restart_ended()
        print("Stopping ...", flush=True)
        self._stop()

    def _ask_to_stop(self, _number: int, _frame: object) -> None:
        os.write(self._wake, b"!")

    def _start(self, name: str) -> None:
        self._running[name] = subprocess.Popen(
            self._commands[name], env=self._environment, cwd=settings.BASE_DIR, start_new_session=True
        )
        log.info("process_started", process=name, pid=self._running[name].pid)

    def _restart_ended(self) -> None:
        now = time.monotonic()
        for name, process in list(self._running.items()):
            if process.poll() is None:
                continue
            if name not in self._due:
                pause_s = self._pauses.get(name, 1.0)
                self._pauses[name] = min(pause_s * 2, RESTART_PAUSE_MAX_S)
                self._due[name] = now + pause_s
                log.error("process_ended", process=name, code=process.returncode, restart_in_s=pause_s)
            elif now >= self._due[name]:
                del self._due[name]
                self._start(name)

    def _stop(self) -> None:
        self._end([process for name, process in self._running.items() if name not in SERVERS], within_s=ASK_S)
        self._end(list(self._running.values()), within_s=ASK_SERVERS_S)

    def _end(self, processes: list[subprocess.Popen[bytes]], *, within_s: float) -> None:
        """Ask all in reverse order of their start; kill what is left after the time for it."""
        for process in reversed(processes):
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and any(process.poll() is None for process in processes):
            time.sleep(0.02)
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
