"""The same parts as processes, on the Redis of REDIS_URL or one of their own: they trade, and stop together."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole.program import Program, until

pytestmark = pytest.mark.whole

STOP_S = 5.0
HAS_SERVER = shutil.which("valkey-server") or shutil.which("redis-server")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    program.kill()


@pytest.mark.skipif(not HAS_SERVER and not os.environ.get("REDIS_URL"), reason="needs a Redis")
def test_the_processes_trade_and_stop_together(program: Program):
    program.start("--split", environment={} if HAS_SERVER else {"REDIS_URL": os.environ["REDIS_URL"]})
    until(lambda: program.our_books().orders)
    code, seconds = program.stop()
    assert (code, seconds < STOP_S) == (0, True), f"{code} after {seconds:.1f} s\n{program.output()}"
    assert "process_ended" not in program.output()
    assert "reconciliation_failed" not in program.output(), "the venues answer for as long as a trader asks"
