"""Tell open pages that something changed. A hint, never a fact about money: it may be lost, the row is the truth.

Channel layers belong to an event loop. In the one-process run every thread publishes by hopping onto the server's
loop (the in-memory layer is not thread-safe and an idle loop would not wake up); elsewhere a loop is made for the call.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

log = structlog.get_logger(__name__)
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
    """The same from the server's own loop."""
    await _group_send(group, {"type": kind, **payload})


async def _group_send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        await layer.group_send(group, message)
    except OSError as problem:
        log.warning("broadcast_lost", group=group, problem=str(problem))
