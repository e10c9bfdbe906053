"""What the guard hears beside the database: its Unix socket and, where there is one, Redis.

`halted`: a halt was just written, read it now. `kill <reason>`: stop everything; the guard lays down the KILL file, so
that it holds over a restart and needs no database. No message grants anything.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import redis
from django.conf import settings

from trading.engine.announcing import KILL, SOCKET_NAME, channel, short_path
from trading.engine.outage import Outage

LOOK_AGAIN_S = 0.5
RECONNECT_S = 1.0

Hear = Callable[[str], None]


def listen_on_socket(data_dir: Path, hear: Hear, asked_to_stop: threading.Event) -> None:
    """Datagrams from this host until asked to stop."""
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ear:
        with short_path(data_dir) as folder:
            (data_dir / SOCKET_NAME).unlink(missing_ok=True)
            ear.bind(f"{folder}/{SOCKET_NAME}")
        (data_dir / SOCKET_NAME).chmod(0o600)
        ear.settimeout(LOOK_AGAIN_S)
        while not asked_to_stop.is_set():
            with contextlib.suppress(TimeoutError):
                hear(ear.recv(1_024).decode("utf-8", "replace"))


def listen_on_redis(hear: Hear, asked_to_stop: threading.Event) -> None:
    """Messages from other hosts until asked to stop; a Redis that is away is tried again, and nothing waits for it."""
    outage = Outage("redis")
    while settings.REDIS_URL and not asked_to_stop.is_set():
        try:
            _listen_once(hear, asked_to_stop, outage)
        except (redis.RedisError, OSError) as error:
            outage.note(error)
            asked_to_stop.wait(RECONNECT_S)


def _listen_once(hear: Hear, asked_to_stop: threading.Event, outage: Outage) -> None:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5.0, socket_connect_timeout=1.0) as client:
        pubsub = client.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(channel())
        client.ping()
        outage.end()
        while not asked_to_stop.is_set():
            message = pubsub.get_message(timeout=LOOK_AGAIN_S)
            if message is not None:
                hear(bytes(message["data"]).decode("utf-8", "replace"))


def kill_reason(message: str) -> str | None:
    """What to write into the KILL file; None for a message that is only a hint."""
    word, _, reason = message.partition(" ")
    return (reason.strip() or "told to stop") if word == KILL else None
