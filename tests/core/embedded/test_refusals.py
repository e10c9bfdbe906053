"""What cannot run is refused in a sentence, with code 2; the whole program's refusals are in tests/whole."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from core.embedded import setup
from core.embedded.parts import RunRefused
from tests.whole.program import free_ports

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def folder(tmp_path: Path, settings, monkeypatch) -> Path:
    """The run's: with something of a former run in it."""
    settings.DATA_DIR, settings.SIMULATOR_PORT, settings.REDIS_URL = tmp_path, free_ports(10), ""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("PORT", str(free_ports(1)))
    (tmp_path / "credentials.key").write_text("kept")
    return tmp_path


def refusal(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    with pytest.raises(SystemExit) as stop:
        call_command("run", *args)
    assert stop.value.code == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return said


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_it_runs_on_simulated_venues_only(folder, settings, capsys, mode):
    settings.TRADING_MODE = mode
    assert f"TRADING_MODE is {mode}" in refusal(capsys)


def test_a_port_that_is_no_number_is_named(folder, capsys, monkeypatch):
    monkeypatch.setenv("PORT", "abc")
    assert refusal(capsys) == "PORT is 'abc'; it must be a whole number."


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--exit-at-end",), "give it the recorded game with --tape"),
        (("--split", "--tape", "a.jsonl.gz"), "--split cannot replay"),
        (("--split", "--exit-at-end"), "--exit-at-end ends a replay"),
    ],
)
def test_what_does_not_go_together_is_not_silently_ignored(folder, capsys, args, words):
    assert words in refusal(capsys, *args)


def test_processes_without_redis_are_refused_before_anything_is_removed(folder, settings, capsys, monkeypatch):
    settings.REDIS_URL = NOBODY
    assert "REDIS_URL does not answer" in refusal(capsys, "--split", "--reset")
    settings.REDIS_URL = ""
    monkeypatch.setenv("PATH", str(folder))
    assert "--split needs Redis. Set REDIS_URL" in refusal(capsys, "--split", "--reset")
    assert [path.name for path in folder.iterdir()] == ["credentials.key"]


def test_processes_whose_simulator_has_no_ports_are_refused(folder, settings, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.SIMULATOR_PORT + 9))
        taken.listen()
        said = refusal(capsys, "--split", "--reset")
    assert f"Port {settings.SIMULATOR_PORT + 9} on 127.0.0.1 is in use" in said
    assert [path.name for path in folder.iterdir()] == ["credentials.key"]


def test_processes_on_venues_that_cannot_go_on_are_refused(folder, capsys, monkeypatch):
    server = folder / "redis-server"
    server.touch(mode=0o700)
    monkeypatch.setenv("PATH", str(folder))
    (folder / "simulator.sqlite3").write_bytes(b"this is no state" * 100)
    assert "simulator.sqlite3 cannot be read" in refusal(capsys, "--split")


def test_to_start_over_where_the_database_is_elsewhere_is_not_what_reset_refuses(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert "--reset" in setup.start_over()
    monkeypatch.setenv("DATABASE_URL", "postgres://ann@db.example/courtside")
    assert "--reset" not in setup.start_over() and "DATABASE_URL" in setup.start_over()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server to be away")
@pytest.mark.django_db
def test_a_server_that_is_away_is_named_and_not_started_over():
    def away(*_: object) -> None:
        raise OperationalError("connection refused\nIs the server running?")

    with connection.execute_wrapper(away), pytest.raises(RunRefused) as refused:
        setup.require_usable_database()
    assert "does not answer (connection refused)" in str(refused.value) and "--reset" not in str(refused.value)
