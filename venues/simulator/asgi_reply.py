"""An answer, and the ways in which it can fail to arrive: cut off, swallowed, dripping.

A healthy answer is one message with its length. The others exist for faults: they need the connection's own end, which
the server lends as `cut`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Cut = Callable[[], None]

WHOLE = -1


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """`drop`: end the connection without a byte. `swallow`: say nothing until the client goes away. `cut_after`: end
    it after so many bytes of the body. `drip_ms`: one byte of the body each so many ms."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}
    drop: bool = False
    swallow: bool = False
    cut_after: int = WHOLE
    drip_ms: int = 0


def json_reply(value: object, status: int = 200) -> Reply:
    """A JSON body in the order of the value's keys."""
    return Reply(status=status, body=msgspec.json.encode(value))


async def write_reply(reply: Reply, receive: Receive, send: Send, cut: Cut) -> None:
    if reply.drop or reply.swallow:
        if reply.drop:
            cut()
        while (await receive())["type"] != "http.disconnect":
            continue
    else:
        await send({"type": "http.response.start", "status": reply.status, "headers": _headers(reply)})
        await _write_body(reply, receive, send, cut)


async def _write_body(reply: Reply, receive: Receive, send: Send, cut: Cut) -> None:
    if reply.cut_after != WHOLE:
        await send({"type": "http.response.body", "body": reply.body[: reply.cut_after], "more_body": True})
        cut()
        while (await receive())["type"] != "http.disconnect":
            continue
        return
    if reply.drip_ms:
        for index in range(len(reply.body)):
            await send({"type": "http.response.body", "body": reply.body[index : index + 1], "more_body": True})
            await asyncio.sleep(reply.drip_ms / 1000)
        await send({"type": "http.response.body"})
        return
    await send({"type": "http.response.body", "body": reply.body})


def _headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", reply.content_type.encode()), (b"content-length", b"%d" % len(reply.body))]
    return headers + [(name.encode(), value.encode()) for name, value in reply.headers.items()]
