"""A PostgreSQL server of a run's own, so that it can be killed as everything else: a copy of a migrated one.

Where the programs of a server are installed and DATABASE_URL asks for PostgreSQL. Nobody but the run's processes knows
it; it listens on loopback and lets everybody in. It flushes what it commits as any server does.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from tests.kill.database import ROOT
from tests.whole.program import free_ports, until

PLACE = "postgres"
"""Of its files in the run's folder."""
RUNS_AS = "postgres" if os.geteuid() == 0 else None
"""The server refuses to run as root."""
NAME = "courtside"
ENDS_WITHIN_S = 60.0


def programs() -> Path | None:
    """The folder of the newest server's programs; None where there are none."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name), reverse=True)
    return next((place for place in places if (place / "initdb").is_file() and (place / "postgres").is_file()), None)


def command(place: Path, *, port: int) -> list[str]:
    """What starts the server of these files."""
    where = programs()
    assert where is not None
    given = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "64MB"}
    return [
        str(where / "postgres"),
        "-D",
        str(place),
        "-p",
        str(port),
        *(f"--{key}={one}" for key, one in given.items()),
    ]


def url_of(port: int, name: str = NAME) -> str:
    return f"postgres://{NAME}@127.0.0.1:{port}/{name}"


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


class ServerTemplate:
    """The files of a server with a migrated, empty database."""

    vendor = "PostgreSQL (a server for each run)"

    def __init__(self, folder: Path) -> None:
        self._place = folder / PLACE

    def make(self) -> None:
        _open_to_server(self._place.parent)
        self._place.mkdir()
        if RUNS_AS:
            shutil.chown(self._place, RUNS_AS, RUNS_AS)
        where, port = programs(), free_ports(1)
        assert where is not None
        made = ["-U", NAME, "-A", "trust", "-E", "UTF8", "--locale=C", "--wal-segsize=1", "--no-sync"]
        initdb = [str(where / "initdb"), "-D", str(self._place), *made]
        subprocess.run(initdb, user=RUNS_AS, stdout=subprocess.DEVNULL, check=True)
        with (self._place.parent / "template.log").open("wb") as log:
            server = subprocess.Popen(command(self._place, port=port), user=RUNS_AS, stdout=log, stderr=log)
        try:
            self._migrate(port)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(ENDS_WITHIN_S)

    def _migrate(self, port: int) -> None:
        until(lambda: answers(url_of(port, "postgres")), within_s=ENDS_WITHIN_S)
        with closing(psycopg.connect(url_of(port, "postgres"), autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE {NAME}")
        environment = {**os.environ, "DATABASE_URL": url_of(port), "COURTSIDE_DATA_DIR": str(self._place.parent)}
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)

    def drop(self) -> None:
        """Its files go with the folder."""

    @contextmanager
    def copy(self, folder: Path, number: int) -> Iterator[str]:
        """The URL of a copy, whose server the run starts."""
        _open_to_server(folder)
        subprocess.run(["cp", "-a", str(self._place), str(folder / PLACE)], check=True)
        yield url_of(free_ports(1))
        shutil.rmtree(folder / PLACE)


def _open_to_server(folder: Path) -> None:
    """Its user may pass through, and see nothing."""
    if RUNS_AS:
        folder.chmod(0o711)
