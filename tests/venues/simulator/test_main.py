"""`python -m venues.simulator` as a process: starts, ends by signal, and refuses bad input in one sentence."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from venues.simulator.__main__ import parse

ROOT = Path(__file__).resolve().parents[3]


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "venues.simulator", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def control_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip().rpartition(" ")[2]


def ask(url: str, body: dict[str, object] | None = None) -> dict[str, object]:
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=5) as reply:
        found: dict[str, object] = json.load(reply)
        return found


def refused(*arguments: str) -> str:
    process = start(*arguments)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    lines = errors.strip().splitlines()
    assert len(lines) == 1, errors
    return lines[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_ends_within_a_second(number: signal.Signals) -> None:
    process = start("--port", "0", "--seed", "7")
    url = control_url(process)
    assert ask(f"{url}/health")["status"] == "ok"
    began = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")
    assert time.monotonic() - began < 2.0


def test_a_replay_runs_from_the_command_line(shared: Path) -> None:
    tape = shared / "sports/data/stream_replay/nba_ATL_at_WSH_2025-12-06.jsonl.gz"
    process = start("--port", "0", "--tape", str(tape), "--speed", "60", "--paused")
    url = control_url(process)
    state = ask(f"{url}/state")
    assert (state["mode"], state["finished"]) == ("replay", False)
    ask(f"{url}/clock", {"step_ms": 6 * 3_600_000})
    state = ask(f"{url}/state")
    process.terminate()
    process.communicate(timeout=10)
    assert state["finished"] is True
    games = state["games"]
    assert isinstance(games, list)
    assert (games[0]["away_score"], games[0]["home_score"], games[0]["winner"]) == (131, 116, "away")


def test_a_port_in_use_is_one_sentence_and_exit_code_two() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}" in refused("--port", str(min(port, 65_526)))


def test_a_tape_that_cannot_be_replayed_is_one_sentence_and_exit_code_two(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    assert "no file" in refused("--port", "0", "--tape", str(tape))
    tape.write_text("this is no tape\n")
    assert "no JSON" in refused("--port", "0", "--tape", str(tape))


def test_a_state_file_that_is_none_is_one_sentence_and_exit_code_two(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite3"
    state.write_bytes(b"not a database, by any means" * 40)
    assert "state file" in refused("--port", "0", "--state", str(state))


@pytest.mark.parametrize("arguments", [["--speed", "0"], ["--games", "0"], ["--port", "99999"], ["--seed", "x"]])
def test_a_bad_option_ends_with_code_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2


def test_everything_told_survives_a_kill(tmp_path: Path) -> None:
    options = ("--port", "0", "--state", str(tmp_path / "state.sqlite3"), "--paused")
    process = start(*options)
    url = control_url(process)
    made = ask(f"{url}/accounts", {"venue": "kalshi", "balance_usd": "123.45"})
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    process = start(*options)
    url = control_url(process)
    accounts = ask(f"{url}/ledger")["accounts"]
    process.terminate()
    process.communicate(timeout=10)
    assert isinstance(accounts, list)
    assert [(each["account_id"], each["cash_u"]) for each in accounts] == [(made["account_id"], 123_450_000)]
