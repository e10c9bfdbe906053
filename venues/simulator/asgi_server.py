"""Serving an ASGI app inside the running event loop, on loopback, without touching the process's signals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from venues.simulator.asgi import Router

HOST = "127.0.0.1"


class PortInUse(Exception):
    """The port is taken by somebody else."""


class _LoopServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the program that embeds the server."""
        yield


class AppServer:
    """One app on one port. `port` 0 picks a free one at `start`."""

    def __init__(self, app: Router, port: int = 0) -> None:
        self._app = app
        self.port = port
        self._server: _LoopServer | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises PortInUse."""
        # asyncio switches Nagle's algorithm off only for sockets that name TCP: without it each reply waits 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, self.port))
        except OSError as error:
            listener.close()
            raise PortInUse(f"port {self.port} on {HOST} is in use: choose another with --port") from error
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws_per_message_deflate=False,  # loopback: compressing every frame costs more than it saves
            ws_ping_interval=10.0,
            ws_ping_timeout=20.0,
            timeout_graceful_shutdown=1,
        )
        self._server = _LoopServer(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.ready.wait()

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
