"""The simulator's own web server, by a socket of our own."""

from __future__ import annotations

import asyncio

import pytest

from venues.simulator.asgi import Router
from venues.simulator.asgi_server import HOST, AppServer

HTTPX_GIVES_UP_AFTER_S = 5.0


async def test_an_idle_connection_outlives_what_its_clients_keep():
    """A server and a client that give up in the same moment lose the request that is written in it."""
    server = AppServer(Router())
    await server.start()
    try:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(b"GET /nothing HTTP/1.1\r\nhost: simulator\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404")
        await reader.read(65_536)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), HTTPX_GIVES_UP_AFTER_S + 0.5)
        writer.close()
    finally:
        await server.stop()
