"""A newcomer's run: it greets, trades, stops at once, goes on the next time, and survives being killed."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole.program import Program, free_ports, until

pytestmark = pytest.mark.whole

FIRST_FILL_S = 60.0
STOP_S = 5.0
KILLS = 3


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    program.kill()


def test_it_trades_stops_and_goes_on_where_it_was(program: Program):
    program.start()
    fills = until(lambda: program.rows("/api/fills"), within_s=FIRST_FILL_S)
    orders = program.rows("/api/orders")
    assert orders and program.rows("/api/games")
    assert program.get("/api/bot/status")["status"] == "running"
    password = program.password
    code, seconds = program.stop()
    assert (code, seconds < STOP_S) == (0, True), f"{code} after {seconds:.1f} s\n{program.output()}"

    program.start()
    assert program.password == password
    known = {order["uid"] for order in program.rows("/api/orders?page_size=200")}
    assert {order["uid"] for order in orders} <= known
    assert program.get("/api/fills")["count"] >= len(fills)
    program.books_equal()


def test_ctrl_c_stops_it_at_once_with_nobody_at_redis(program: Program):
    program.launch(environment={"REDIS_URL": f"redis://127.0.0.1:{free_ports(1)}/0"})
    until(lambda: program.health() == 200)
    assert "REDIS_URL does not answer" in program.output()
    until(lambda: program.our_books().orders)
    code, seconds = program.stop(signal.SIGINT)
    assert (code, seconds < STOP_S) == (0, True), f"{code} after {seconds:.1f} s\n{program.output()}"
    assert "Traceback" not in program.output()


def test_ctrl_c_while_it_sets_up_ends_it_without_a_traceback(program: Program):
    process = program.launch()
    until((program.folder / "run.lock").exists)
    process.send_signal(signal.SIGINT)
    assert process.wait(STOP_S) in {0, 130}
    assert "Traceback" not in program.output()


def test_killed_at_any_moment_it_knows_every_order_and_cent_the_venues_know(program: Program):
    dice = random.Random(11)
    for _ in range(KILLS):
        program.start()
        until(lambda: program.our_books().orders)
        time.sleep(dice.uniform(0.0, 3.0))
        program.kill()
    program.start()
    books = program.books_equal()
    assert books.fills
