"""A run ends within five seconds of Ctrl-C or SIGTERM, with nobody at the other end of REDIS_URL too."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.embedded.parts import RunContext
from tests.whole.program import ROOT, free_ports

STOP_S = 5.0
SERVE = """
import sys, pathlib, django
django.setup()
from django.conf import settings
settings.EMBEDDED_LOGIN, settings.EMBEDDED_PARTS = f"{sys.argv[1]}.a_login", [f"{sys.argv[1]}.{sys.argv[2]}"]
from core.embedded.parts import RunOptions
from core.embedded.run import serve
serve(RunOptions(data_dir=pathlib.Path(sys.argv[3]), port=int(sys.argv[4])))
"""


def a_login(data_dir: Path) -> SimpleNamespace:
    """Nobody's: the run under test has no database."""
    return SimpleNamespace(email="ann@example.org", password="-")


class SmallPart:
    """Says when it starts and when it stops."""

    name = "small"

    def __init__(self, context: RunContext) -> None:
        self._lives = False

    async def start(self) -> None:
        self._lives = True
        print("part started", flush=True)

    async def stop(self) -> None:
        print("part stopped", flush=True)

    def is_alive(self) -> bool:
        return self._lives


class SlowPart(SmallPart):
    """Waits at its start for what does not come."""

    async def start(self) -> None:
        await super().start()
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("number", "part", "last"),
    [
        (signal.SIGINT, "SmallPart", "part stopped"),
        pytest.param(signal.SIGTERM, "SlowPart", "Stopping ...", marks=pytest.mark.whole),
    ],
)
def test_it_stops_when_asked_although_redis_is_away(tmp_path: Path, number: signal.Signals, part: str, last: str):
    arguments = [__name__, part, str(tmp_path), str(free_ports(1))]
    places = {"COURTSIDE_DATA_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"}
    environment = {**os.environ, **places, "DJANGO_SETTINGS_MODULE": "config.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            lines = told(process)
            assert "REDIS_URL does not answer" in next(lines)
            assert "part started" in lines
            began = time.monotonic()
            process.send_signal(number)
            rest = list(lines)
            assert (process.wait(), rest[-1]) == (0, last)
            assert time.monotonic() - began < STOP_S
        finally:
            process.kill()


def told(process: subprocess.Popen[str]) -> Iterator[str]:
    """What it says, without what it logs."""
    assert process.stdout is not None
    for line in process.stdout:
        if "[warning" not in line and "[info" not in line:
            yield line.rstrip()
