"""A halt makes itself felt at once: it voids the permits of this host and tells the guards of the others.

Every path here only takes away, so each may fail alone: the halt's row holds for every claim whatever happens, and a
guard that hears nothing reads the row within 20 ms. `stop_everything` needs no database at all.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis
import structlog
from django.conf import settings

from trading.engine.permit import KILL_FILE, permit_revoke
from trading.engine.version import deployment_name

log = structlog.get_logger(__name__)

SOCKET_NAME = "guard.sock"
HALTED, KILL = "halted", "kill"
REDIS_WITHIN_S = 0.2

_woken: dict[Callable[[], object], None] = {}


def on_halt(wake: Callable[[], object]) -> Callable[[], None]:
    """`wake` is called, from whatever thread, after every halt that this process commits. Returns how to end that."""
    _woken[wake] = None
    return lambda: _woken.pop(wake, None)


def announce_halt(**_facts: Any) -> None:
    """Receiver of `trading_halted`."""
    permit_revoke(Path(settings.DATA_DIR))
    for wake in list(_woken):
        wake()
    tell_guard(HALTED, data_dir=Path(settings.DATA_DIR))
    publish(HALTED)


def channel() -> str:
    return f"courtside.halts.{deployment_name()}"


def publish(message: str) -> bool:
    """Tell the guards of all hosts, if there is a Redis. False when nobody could be told."""
    if not settings.REDIS_URL:
        return False
    try:
        with _client() as client:
            return bool(client.publish(channel(), message))
    except (redis.RedisError, OSError) as error:
        log.warning("halt_not_published", error=str(error))
        return False


def stop_everything(*, reason: str, data_dir: Path) -> list[str]:
    """The stop that works without a database: KILL file, permits, guards. Returns the paths that worked."""
    done = []
    with contextlib.suppress(OSError):
        (data_dir / KILL_FILE).write_text(f"{reason}\n", "utf-8")
        done.append("KILL file")
    if permit_revoke(data_dir):
        done.append("permit")
    if tell_guard(f"{KILL} {reason}", data_dir=data_dir):
        done.append("guard")
    if publish(f"{KILL} {reason}"):
        done.append("redis")
    return done


def tell_guard(message: str, *, data_dir: Path) -> bool:
    """One datagram to this host's guard. False when none listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, short_path(data_dir) as folder:
        try:
            sender.setblocking(False)
            sender.sendto(message.encode()[:1_000], f"{folder}/{SOCKET_NAME}")
        except OSError:
            return False
    return True


@contextlib.contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """A name of the folder that fits into a socket's address (108 bytes), however deep the folder is."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)


def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_WITHIN_S, socket_connect_timeout=REDIS_WITHIN_S
    )
