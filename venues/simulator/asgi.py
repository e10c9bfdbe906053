"""A router for raw ASGI, as small as the simulator's faces need: REST routes, websocket endpoints, nothing else.

Handlers take a `Request` and return a `Reply`, at once or as a coroutine. A `Socket` queues what is sent and counts
what was handed to the network, per client port: the deterministic replay compares that with what the client received.

    router = Router()
    router.get("/markets/{ticker}", handler)
    router.websocket("/ws", endpoint)          # async def endpoint(socket: Socket) -> None
"""

from __future__ import annotations

import asyncio
import inspect
from bisect import insort
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

import msgspec

from venues.simulator.asgi_reply import Receive, Reply, Send, json_reply, write_reply

__all__ = ["Reply", "Request", "Router", "Socket", "SocketClosed", "json_reply"]

Scope = dict[str, Any]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`headers` have lower-cased names; `query` keeps every value of a repeated parameter, in order."""

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    client_port: int

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def many(self, name: str) -> list[str]:
        """All values of a parameter, whether repeated or comma separated."""
        return [part for value in self.query.get(name, ()) for part in value.split(",") if part]


Handler = Callable[[Request], Reply | Awaitable[Reply]]


class Host(Protocol):
    """What the server can do to its connections; one is named by the client's port."""

    def cut(self, client_port: int) -> None: ...
    def mute(self, client_port: int) -> None: ...
    def close_idle(self) -> int: ...
    def refuse(self) -> None: ...
    async def listen_again(self) -> None: ...


class NoHost:
    """Where no server runs the router, connections cannot be broken."""

    def cut(self, client_port: int) -> None: ...
    def mute(self, client_port: int) -> None: ...
    def refuse(self) -> None: ...
    async def listen_again(self) -> None: ...

    def close_idle(self) -> int:
        return 0


class SocketClosed(Exception):
    """The other end has gone."""


class Socket:
    """One websocket connection. `send` never blocks; frames leave in order; `sent` counts those that left, but for the
    answers to keep-alives: these follow the wall clock, and who steps virtual time by `sent` must not see them."""

    MAX_QUEUED = 200_000

    def __init__(self, scope: Scope, receive: Receive, send: Send, params: Mapping[str, str], *, host: Host) -> None:
        self.path: str = scope["path"]
        self.headers = _headers(scope)
        self.params = params
        self.client_port = _port(scope)
        self.account_id = ""
        self.sent = 0
        self.is_open = True
        self._host = host
        self._receive = receive
        self._send = send
        self._queue: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None

    async def accept(self) -> None:
        await self._send({"type": "websocket.accept"})
        self._writer = asyncio.create_task(self._write())

    async def refuse(self, reply: Reply) -> None:
        """Answer the upgrade with an HTTP status and body instead."""
        self.is_open = False
        headers = [(b"content-type", reply.content_type.encode()), (b"content-length", b"%d" % len(reply.body))]
        await self._send({"type": "websocket.http.response.start", "status": reply.status, "headers": headers})
        await self._send({"type": "websocket.http.response.body", "body": reply.body})

    async def turn_away(self, status: int, body: bytes) -> None:
        """Refuse the upgrade with a status; without one end the connection."""
        if status:
            await self.refuse(Reply(status=status, body=body))
        else:
            self.cut()

    def send(self, text: str) -> None:
        """Queue a text frame; silently nothing once the connection is closing."""
        self._put(text, 1)

    def answer_keepalive(self, text: str) -> None:
        """Queue the answer to a text ping, uncounted."""
        self._put(text, 0)

    async def receive(self) -> str:
        """The next frame as text. Raises SocketClosed."""
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self.is_open = False
            raise SocketClosed
        text: str | None = message.get("text")
        return text if text is not None else message["bytes"].decode("utf-8", "replace")

    async def flushed(self) -> None:
        """Wait until all queued frames have been written."""
        await self._queue.join()

    async def close(self, code: int = 1000) -> None:
        if self.is_open:
            self.is_open = False
            await self._send({"type": "websocket.close", "code": code})

    def cut(self) -> None:
        """End the connection without a word."""
        self.is_open = False
        self._host.cut(self.client_port)

    def mute(self) -> None:
        """Keep the connection and say nothing more, not even to pings."""
        self.is_open = False
        self._host.mute(self.client_port)

    def end(self) -> None:
        """Stop writing; called by the router when the endpoint is done."""
        self.is_open = False
        if self._writer is not None:
            self._writer.cancel()
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()

    def _put(self, text: str, counts: int) -> None:
        if self.is_open and self._queue.qsize() < self.MAX_QUEUED:
            self._queue.put_nowait((text, counts))

    async def _write(self) -> None:
        while True:
            text, counts = await self._queue.get()
            try:
                await self._send({"type": "websocket.send", "text": text})
                self.sent += counts
            except (RuntimeError, OSError):  # the client went away between two frames
                self.is_open = False
            finally:
                self._queue.task_done()


Endpoint = Callable[[Socket], Awaitable[None]]


class Route(msgspec.Struct, frozen=True):
    method: str
    parts: tuple[str, ...]
    handler: Handler | None = None
    endpoint: Endpoint | None = None

    def match(self, parts: list[str]) -> dict[str, str] | None:
        if len(parts) != len(self.parts):
            return None
        params: dict[str, str] = {}
        for expected, actual in zip(self.parts, parts, strict=True):
            if expected.startswith("{"):
                params[expected[1:-1]] = unquote(actual)
            elif expected != actual:
                return None
        return params


class Router:
    """An ASGI application. Literal path segments win over parameters, whatever the order of their adding."""

    def __init__(self, *, not_found: Reply | None = None) -> None:
        self.sockets: dict[Socket, None] = {}
        """The open ones, in the order in which they were opened: whoever ends them all does so by it."""
        self.host: Host = NoHost()
        self._routes: list[Route] = []
        self._not_found = not_found or Reply(status=404, body=b"404 page not found", content_type="text/plain")

    def get(self, path: str, handler: Handler) -> None:
        self.route("GET", path, handler)

    def route(self, method: str, path: str, handler: Handler) -> None:
        self._add(Route(method, tuple(path.split("/")), handler=handler))

    def websocket(self, path: str, endpoint: Endpoint) -> None:
        self._add(Route("WEBSOCKET", tuple(path.split("/")), endpoint=endpoint))

    def sent_counts(self) -> list[tuple[int, str, int]]:
        """`(client port, path, frames written)` of every open socket, by port."""
        return sorted((socket.client_port, socket.path, socket.sent) for socket in self.sockets)

    async def flush(self) -> None:
        """Wait until every queued frame has been written."""
        await asyncio.gather(*(socket.flushed() for socket in self.sockets))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connect(scope, receive, send)

    def _add(self, route: Route) -> None:
        insort(self._routes, route, key=lambda each: [part.startswith("{") for part in each.parts])

    def _find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        parts = path.split("/")
        for route in self._routes:
            if route.method == method and (params := route.match(parts)) is not None:
                return route, params
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope["method"], scope["path"])
        body = await _read_body(receive)
        reply = self._not_found
        if found is not None and found[0].handler is not None:
            result = found[0].handler(_request(scope, found[1], body))
            reply = await result if inspect.isawaitable(result) else result
        await write_reply(reply, receive, send, lambda: self.host.cut(_port(scope)))

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        found = self._find("WEBSOCKET", scope["path"])
        socket = Socket(scope, receive, send, found[1] if found else {}, host=self.host)
        if found is None or found[0].endpoint is None:
            await socket.refuse(self._not_found)
            return
        self.sockets[socket] = None
        try:
            await found[0].endpoint(socket)
        except SocketClosed:
            return
        finally:
            self.sockets.pop(socket, None)
            socket.end()


def _port(scope: Scope) -> int:
    client = scope.get("client")
    return client[1] if client else 0


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _request(scope: Scope, params: Mapping[str, str], body: bytes) -> Request:
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return Request(
        method=scope["method"],
        path=scope["path"],
        params=params,
        query=query,
        headers=_headers(scope),
        body=body,
        client_port=_port(scope),
    )


async def _read_body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
