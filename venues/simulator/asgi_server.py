"""Serving an ASGI app inside the running event loop, on loopback, without touching the process's signals.

The server also lends its connections to faults: it can cut one, let one fall silent, drop the idle ones, and refuse to
be reached at all while its port stays its own.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from venues.simulator.asgi import Router

HOST = "127.0.0.1"
HEARTBEAT = b"heartbeat"
IDLE_S = 60
"""How long an unused connection stays open, as at the venues' load balancers. httpx gives one up after five seconds: a
server that does so in the same moment cuts a request off."""


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


class _Pinging(WebSocketsSansIOProtocol):
    """Pings with the body `heartbeat`, as Kalshi does, and can fall silent: then pings of the client go unanswered."""

    is_mute = False

    def handle_ping(self) -> None:
        if self.is_mute:
            self.conn.data_to_send()
        else:
            super().handle_ping()

    def send_keepalive_ping(self) -> None:
        if self.is_mute or self.close_sent or self.transport.is_closing():
            return
        self.conn.send_ping(HEARTBEAT)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.schedule_ping()


class AppServer:
    """One app on one port. `port` 0 picks a free one at `start`."""

    def __init__(self, app: Router, port: int = 0, *, ping_every_s: float = 10.0) -> None:
        self._app = app
        self.port = port
        self._ping_every_s = ping_every_s
        self._server: _LoopServer | None = None
        self._task: asyncio.Task[None] | None = None
        self._placeholder: socket.socket | None = None

    async def start(self) -> None:
        """Listen. Raises PortInUse."""
        listener = _bound(self.port)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws_per_message_deflate=False,  # loopback: compressing every frame costs more than it saves
            ws=_Pinging,
            ws_ping_interval=self._ping_every_s,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=1,
        )
        self._server = _LoopServer(config)
        self._app.host = self
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.ready.wait()

    async def stop(self) -> None:
        self._release()
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task

    def cut(self, client_port: int) -> None:
        """End the connection of that client port at once; nothing more is written to it."""
        for connection in self._connections():
            if connection.client is not None and connection.client[1] == client_port:
                connection.transport.abort()

    def mute(self, client_port: int) -> None:
        """Let a websocket fall silent: it stays open, and not even a ping is answered."""
        for connection in self._connections():
            if isinstance(connection, _Pinging) and connection.client is not None:
                connection.is_mute = connection.is_mute or connection.client[1] == client_port

    def close_idle(self) -> int:
        """Close the kept-alive connections on which no request is under way; their number."""
        idle = [each for each in self._connections() if _is_idle(each)]
        for connection in idle:
            connection.transport.close()
        return len(idle)

    def refuse(self) -> None:
        """Take no more connections, and end those there are: who connects is refused by TCP itself."""
        if self._server is None or self._placeholder is not None:
            return
        for server in self._server.servers:
            server.close()
        self._placeholder = _bound(self.port)
        for connection in self._connections():
            connection.transport.abort()

    async def listen_again(self) -> None:
        if self._server is None or self._placeholder is None:
            return
        self._release()
        config = self._server.config
        make: Callable[..., asyncio.Protocol] = config.http_protocol_class
        factory = functools.partial(make, config=config, server_state=self._server.server_state, app_state={})
        loop = asyncio.get_running_loop()
        self._server.servers.append(await loop.create_server(factory, sock=_bound(self.port)))

    def _release(self) -> None:
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None

    def _connections(self) -> list[Any]:
        return list(self._server.server_state.connections) if self._server is not None else []


def _bound(port: int) -> socket.socket:
    """A socket at this port (0: a free one). Raises PortInUse."""
    # asyncio switches Nagle's algorithm off only for sockets that name TCP: without it each reply waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise PortInUse(f"port {port} on {HOST} is in use: choose another with --port") from error
    return listener


def _is_idle(connection: Any) -> bool:
    if isinstance(connection, WebSocketsSansIOProtocol):
        return False
    return connection.cycle is None or connection.cycle.response_complete
