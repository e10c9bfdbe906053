"""What must be in place before the parts start: a free port, a folder of our own, a database that fits, static files.

Nothing is written before everything that can refuse has been asked. Every refusal is a sentence (`RunRefused`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import sqlite3
from pathlib import Path
from typing import IO

import redis
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.embedded.parts import RunRefused

LOCK_NAME = "run.lock"
KEPT_AT_RESET = {LOCK_NAME}


def require_free_port(port: int) -> None:
    """Raises RunRefused where something else listens on 127.0.0.1:port, or where there is no such port."""
    if not 0 < port < 65_536:
        raise RunRefused(f"There is no port {port}: choose one from 1 to 65535, such as: make run PORT=8001")
    if reason := why_taken(port):
        raise RunRefused(
            f"Port {port} on 127.0.0.1 is in use ({reason}). Stop what listens there, or choose another: "
            f"make run PORT={port + 1}"
        )


def why_taken(port: int) -> str:
    """Why nobody can listen on 127.0.0.1:port now; empty where somebody can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror or "it cannot be bound"
    return ""


def lock_data_dir(data_dir: Path) -> IO[str]:
    """One run per folder: the returned file holds the lock until it is closed or the process dies."""
    data_dir.mkdir(parents=True, exist_ok=True)
    handle = (data_dir / LOCK_NAME).open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise RunRefused(
            f"Another run already uses {data_dir.name}/. Stop it first, or give this one a folder of its own: "
            "COURTSIDE_DATA_DIR=other-var make run PORT=8001"
        ) from error
    return handle


def require_own_database() -> None:
    """Raises RunRefused where the database is elsewhere: it would outlive the key of its credentials."""
    if _is_elsewhere():
        raise RunRefused(
            "--reset starts over in the data folder, but DATABASE_URL names a database elsewhere that would stay, with "
            "credentials nobody could read any more. Unset DATABASE_URL, or empty that database and folder yourself."
        )


def clear_data_dir(data_dir: Path) -> None:
    """Start over: remove everything a former run kept (database, venue state, tapes, keys, passwords).

    Raises RunRefused, removing nothing, where the database is elsewhere.
    """
    require_own_database()
    connection.close()
    for path in data_dir.iterdir() if data_dir.is_dir() else ():
        if path.name in KEPT_AT_RESET:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def require_usable_database() -> None:
    """Raises RunRefused where the database does not answer, cannot be read, or was written by a version we do not
    know."""
    try:
        applied = set(MigrationExecutor(connection).loader.applied_migrations)
        known = set(MigrationExecutor(connection).loader.disk_migrations)
    except (DatabaseError, sqlite3.DatabaseError) as error:
        if connection.vendor != "sqlite" and isinstance(error, OperationalError):
            raise RunRefused(
                f"The database that DATABASE_URL names does not answer ({_first_line(error)}). Start it or correct "
                "DATABASE_URL; without one the run keeps a database in its own folder."
            ) from error
        raise RunRefused(
            f"The database cannot be read ({_first_line(error)}). Point DATABASE_URL at another one, or {start_over()}"
        ) from error
    ours = {label for label, _ in known}
    strangers = sorted(f"{label}.{name}" for label, name in applied - known if label in ours)
    if strangers:
        raise RunRefused(
            f"The database was made by another version of Courtside (it knows {strangers[0]}, this one does not). "
            f"Use that version, or {start_over()}"
        )


def prepare_database() -> None:
    """Bring the schema up to date. Raises RunRefused where a migration fails; SQLite rolls the failed one back."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except (DatabaseError, sqlite3.DatabaseError) as error:
        raise RunRefused(
            f"The database could not be brought up to date ({_first_line(error)}). Restore a backup, or {start_over()}"
        ) from error


def start_over() -> str:
    """The end of a sentence: how to begin anew where nothing else helps. `--reset` keeps off a database elsewhere."""
    if _is_elsewhere():
        return "start over: empty the database that DATABASE_URL names and the data folder."
    return "start over with: make run ARGS=--reset (this removes the run's data)."


def _is_elsewhere() -> bool:
    return bool(os.environ.get("DATABASE_URL"))


def has_database() -> bool:
    """SQLite makes its file when it is first asked: a look must not."""
    return connection.vendor != "sqlite" or Path(connection.settings_dict["NAME"]).exists()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def redis_trouble() -> str:
    """Why REDIS_URL cannot be used, in the words of who tried; empty where it answers, or where none is set."""
    if not settings.REDIS_URL:
        return ""
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0)
        ) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        return str(error).rstrip(".")
    return ""


def prepare_static_files() -> None:
    """Collect what the pages need; quick when nothing changed."""
    call_command("collectstatic", interactive=False, verbosity=0)


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(path.suffix + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    draft.replace(path)


def data_dir() -> Path:
    return Path(settings.DATA_DIR)
