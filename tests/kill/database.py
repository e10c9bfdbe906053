"""A fresh database for every run: a copy of one that was migrated once. PostgreSQL where DATABASE_URL names one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]


class Template:
    """A migrated, empty database. `server`: the URL of a database on a PostgreSQL server; "": files in the folder."""

    def __init__(self, folder: Path, *, server: str) -> None:
        self._folder = folder
        self._server = server
        self._name = f"courtside_kill_{os.getpid()}"
        self._file = folder / "template.sqlite3"

    @property
    def vendor(self) -> str:
        return "PostgreSQL" if self._server else "SQLite"

    def make(self) -> None:
        """Migrate it, in a process of its own."""
        if self._server:
            self._on_server("CREATE DATABASE {}", self._name)
        environment = {**os.environ, "DATABASE_URL": self._url(self._name, self._file)}
        environment["COURTSIDE_DATA_DIR"] = str(self._folder)
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)

    def drop(self) -> None:
        if self._server:
            self._on_server("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._name)

    @contextmanager
    def copy(self, folder: Path, number: int) -> Iterator[str]:
        """The URL of a copy that lives as long as the block."""
        name, file = f"{self._name}_{number}", folder / "courtside.sqlite3"
        if self._server:
            self._on_server("CREATE DATABASE {} TEMPLATE {}", name, self._name)
        else:
            shutil.copy(self._file, file)
        try:
            yield self._url(name, file)
        finally:
            if self._server:
                self._on_server("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _url(self, name: str, file: Path) -> str:
        if not self._server:
            return f"sqlite:///{file}"
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{name}"))

    def _on_server(self, statement: str, *names: str) -> None:
        with closing(psycopg.connect(self._server, autocommit=True)) as connection:
            connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))
