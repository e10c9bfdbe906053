"""A venue on loopback that answers what a test tells it to, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from venues.kalshi.constants import KalshiEndpoints, KalshiKey
from venues.kalshi.rest import KalshiRest

PREFIX = "/trade-api/v2"


class Asked:
    """One request as it arrived."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode().strip().split("\r\n")
        self.method, target, _ = first.split(" ")
        path, _, self.query = target.partition("?")
        self.path = path.removeprefix(PREFIX)
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.body = body


class Script:
    """Answers each request with the next `(status, body)`; the last one again and again."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(await self._answer(reader))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        self.asked.append(Asked(head, await reader.readexactly(int(lengths[0]) if lengths else 0)))
        status, answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return f"HTTP/1.1 {status} X\r\nlocation: /elsewhere\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def scripted(*answers: tuple[int, object]) -> AsyncIterator[tuple[KalshiEndpoints, Script]]:
    script = Script(*answers)
    server = await asyncio.start_server(script, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{PREFIX}"
    try:
        yield KalshiEndpoints(rest_url=base, ws_url="ws://127.0.0.1:9/trade-api/ws/v2"), script
    finally:
        server.close()


@asynccontextmanager
async def scripted_rest(
    key: KalshiKey | None, *answers: tuple[int, object]
) -> AsyncIterator[tuple[KalshiRest, Script]]:
    async with scripted(*answers) as (endpoints, script):
        rest = KalshiRest(endpoints, key, name="kalshi.test")
        try:
            yield rest, script
        finally:
            await rest.aclose()
