"""Tell open pages that something changed. A hint, never a fact about money: it may be lost, the row is the truth.

Channel layers belong to an event loop. In the one-process run every thread publishes by hopping onto the server's
loop (the in-memory layer is not thread-safe and an idle loop would not wake up); elsewhere a loop is made for the call.
A Redis that is away costs a hint at most `WITHIN_S`, and the log one line when it goes and one when it is back.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

AWAY = (OSError, RedisError)
"""What the channel layer and the cache raise while their Redis is away (its own errors are no OSError)."""

WITHIN_S = 0.4

_is_lost = False
_server_loop: asyncio.AbstractEventLoop | None = None


def register_server_loop(loop: asyncio.AbstractEventLoop | None) -> None:
    """The loop that serves this process's sockets; None when it ends."""
    global _server_loop
    _server_loop = loop


def user_group(uid: object) -> str:
    """The group of everything one user's pages listen to."""
    return f"user.{uid}"


def send(group: str, kind: str, payload: dict[str, Any]) -> None:
    """From any thread without a running event loop. Never raises for a lost hint."""
    message = {"type": kind, **payload}
    if _server_loop is not None and _server_loop.is_running():
        asyncio.run_coroutine_threadsafe(_group_send(group, message), _server_loop)
    else:
        async_to_sync(_group_send)(group, message)


async def send_async(group: str, kind: str, payload: dict[str, Any]) -> None:
    """The same from the server's own loop; back within `WITHIN_S`."""
    await _group_send(group, {"type": kind, **payload})


async def _group_send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async with asyncio.timeout(WITHIN_S):
            await layer.group_send(group, message)
    except AWAY as problem:
        _note(is_lost=True, group=group, problem=repr(problem))
    else:
        _note(is_lost=False)


def _note(*, is_lost: bool, **what: str) -> None:
    """Log the first of a row of lost hints, and the first that arrived again."""
    global _is_lost
    if is_lost and not _is_lost:
        log.warning("broadcast_lost", **what)
    elif _is_lost and not is_lost:
        log.info("broadcast_back")
    _is_lost = is_lost
