"""The network between traders and venues, without sockets: requests and frames take virtual time, and get lost.

Story: httpx sends through `Wire`, websockets connect through `MemoryConnect`; both call the simulators' applications
directly. A request that left goes its way whether or not its sender still waits or lives. Invariant: the venue sees
every request that arrived exactly once, and `arrivals` tells which, when and from whom.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import httpx
from websockets.exceptions import ConnectionClosedError, InvalidHandshake

import venues.transport.socket as socket_module
from tests.chaos.process import CURRENT, Process
from tests.chaos.weather import HttpFault, Weather
from tests.swapped import swapped
from venues.simulator.asgi import NoHost, Router
from venues.transport.departure import depart

CREATES = {("POST", "/trade-api/v2/portfolio/events/orders"): "kalshi", ("POST", "/order"): "polymarket"}
_SHUTS_A_GROUP = re.compile(r"PUT \S+/order_groups/([^/]+)/trigger|DELETE \S+/order_groups/([^/]+)")


class Departure(NamedTuple):
    """What was so when an order left: the epoch that held its account's lease, and what was wrong with its book."""

    epoch: int
    book: str


class Arrival(NamedTuple):
    """An order that reached a venue: when it left, when it arrived, its bytes, and the newest epoch with a fence."""

    venue: str
    sender: str
    left_s: float
    departure: Departure
    arrived_s: float
    body: bytes
    status: int
    fence_epoch: int


class Onlooker(Protocol):
    """Sees what leaves and arrives, and what was so at that moment."""

    def log(self, *facts: object) -> None: ...
    def departure(self, venue: str, sender: str, body: bytes) -> Departure: ...
    def fence_epoch(self, venue: str) -> int: ...
    def shuts(self, sender: str, group_id: str) -> None: ...


class Answer(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    is_cut: bool


class Network:
    """`apps` by the last digit of the port."""

    def __init__(self, apps: Mapping[int, Router], weather: Weather, onlooker: Onlooker | None = None) -> None:
        self.apps = apps
        self.weather = weather
        self.throttled = 0
        """How often a venue itself said 429."""
        self._onlooker = onlooker
        self.arrivals: list[Arrival] = []
        self.on_the_way = 0
        self.requests = 0
        self.sockets: list[Connection] = []
        self._journeys: set[asyncio.Task[None]] = set()
        for app in apps.values():
            app.host = Lines(self)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Whoever opens an HTTP client or a socket meanwhile is connected here."""
        network, real = self, httpx.AsyncClient

        class Client(real):  # type: ignore[misc,valid-type]
            def __init__(self, **options: Any) -> None:
                super().__init__(**{**options, "transport": Wire(network)})

        def connector(url: str, **options: Any) -> MemoryConnect:
            return MemoryConnect(network, url, options.get("additional_headers") or {})

        with swapped(httpx, "AsyncClient", Client), swapped(socket_module, "_DirectConnect", connector):
            yield

    def app_at(self, url: str) -> Router:
        return self.apps[(urlsplit(url).port or 0) % 10]

    def send(self, request: httpx.Request, body: bytes) -> asyncio.Future[Answer]:
        """Put a request on its way; the future is its answer, which may never come."""
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Answer] = loop.create_future()
        sender = CURRENT.get()
        self.on_the_way += 1
        self.requests += 1
        name, venue = sender.name if sender is not None else "", CREATES.get((request.method, request.url.path))
        if self._onlooker is not None and (shut := _SHUTS_A_GROUP.fullmatch(f"{request.method} {request.url.path}")):
            self._onlooker.shuts(name, shut[1] or shut[2])
        is_order = venue is not None and self._onlooker is not None
        departure = self._onlooker.departure(venue, name, body) if is_order else None  # type: ignore[union-attr]
        journey = self._journey(request, body, reply, name, departure)
        task = loop.create_task(journey, context=Context())
        self._journeys.add(task)
        task.add_done_callback(self._journeys.discard)
        return reply

    async def _journey(
        self,
        request: httpx.Request,
        body: bytes,
        reply: asyncio.Future[Answer],
        sender: str,
        departure: Departure | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        venue = CREATES.get((request.method, request.url.path))
        fault = self.weather.http(request.method, request.url.path, is_create=venue is not None)
        left_s = loop.time()
        try:
            await asyncio.sleep(self.weather.latency_s() + fault.hold_s)
            if fault.is_lost:
                return
            answer = fault.answer_before
            if answer is None:
                answer = await call(self.app_at(str(request.url)), request, body)
                self.throttled += answer[0] == 429
                if venue is not None and departure is not None:
                    self._note_arrival(venue, sender, left_s, departure, body, answer[0])
        finally:
            self.on_the_way -= 1
        await asyncio.sleep(self.weather.latency_s() + fault.reply_hold_s)
        self._answer(reply, fault.spoiled(answer), fault)

    def _note_arrival(
        self, venue: str, sender: str, left_s: float, departure: Departure, body: bytes, status: int
    ) -> None:
        assert self._onlooker is not None
        now_s, fence_epoch = asyncio.get_running_loop().time(), self._onlooker.fence_epoch(venue)
        self.arrivals.append(Arrival(venue, sender, left_s, departure, now_s, body, status, fence_epoch))
        self._onlooker.log("arrived", venue, sender, status, body if venue == "kalshi" else b"")

    def _answer(self, reply: asyncio.Future[Answer], answer: tuple[Any, ...], fault: HttpFault) -> None:
        if not fault.is_reply_lost and not reply.done():
            reply.set_result(Answer(*answer))


class Lines(NoHost):
    """What a simulated venue can do to its connections here: break one."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def cut(self, client_port: int) -> None:
        for connection in self._network.sockets:
            if connection.number == client_port:
                connection.cut()


class Wire(httpx.AsyncBaseTransport):
    """One client's way out."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        process = CURRENT.get()
        if process is not None:
            await process.turn()
        if self._network.weather.refuses():
            raise httpx.ConnectError("refused", request=request)
        body = await request.aread()
        replies: list[asyncio.Future[Answer]] = []
        depart(lambda whole: replies.append(self._network.send(request, whole)), body)
        answer = await replies[0]
        if process is not None:
            await process.turn()
        if answer.is_cut:
            raise httpx.RemoteProtocolError("the connection was cut", request=request)
        return httpx.Response(answer.status, headers=answer.headers, stream=httpx.ByteStream(answer.body))


async def call(app: Router, request: httpx.Request, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool]:
    """One request through an ASGI application: status, headers, body, and whether the reply was broken off."""
    status, headers, chunks, is_whole = 0, [], [], False
    scope = {
        "type": "http",
        "method": request.method,
        "path": request.url.path,
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Mapping[str, Any]) -> None:
        nonlocal status, headers, is_whole
        if message["type"] == "http.response.start":
            status, headers = message["status"], message["headers"]
        else:
            chunks.append(message.get("body", b""))
            is_whole = is_whole or not message.get("more_body", False)

    await app(scope, receive, send)
    return status, headers, b"".join(chunks), not is_whole


class MemoryConnect:
    """`async with` gives a connection, as `websockets.connect` does."""

    def __init__(self, network: Network, url: str, headers: Mapping[str, str]) -> None:
        self._network, self._url, self._headers = network, url, headers
        self._connection: Connection | None = None

    async def __aenter__(self) -> Connection:
        process = CURRENT.get()
        if process is not None:
            await process.turn()
        await asyncio.sleep(self._network.weather.latency_s())
        if process is not None:
            await process.turn()
        if self._network.weather.refuses():
            raise ConnectionRefusedError("refused")
        self._connection = connection = Connection(self._network, self._url, self._headers, process)
        if not await connection.accepted:
            raise InvalidHandshake("the upgrade was refused")
        return connection

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.cut()


class Connection:
    """Both ends of one websocket; also the `transport` that its owner may abort."""

    def __init__(self, network: Network, url: str, headers: Mapping[str, str], process: Process | None) -> None:
        self._network = network
        self._process = process
        self.number = len(network.sockets) + 1
        network.sockets.append(self)
        self.local_address = ("127.0.0.1", self.number)
        self.transport = self
        self.is_open = True
        self._loop = asyncio.get_running_loop()
        self.accepted: asyncio.Future[bool] = self._loop.create_future()
        self._to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._to_client: deque[str] = deque()
        self._arrived = asyncio.Event()
        self._last_s = 0.0
        self._held: str | None = None
        self._path = urlsplit(url).path
        if process is not None:
            process.lines.add(self)
        self._to_server.put_nowait({"type": "websocket.connect"})
        self._server = self._loop.create_task(
            network.app_at(url)(self._scope(headers), self._to_server.get, self._from_server), context=Context()
        )

    # --- the client's end ---------------------------------------------------------------------------------------------

    async def send(self, text: str) -> None:
        if self._process is not None:
            await self._process.turn()
        if not self.is_open:
            raise ConnectionClosedError(None, None)
        self._to_server.put_nowait({"type": "websocket.receive", "text": text})

    def __aiter__(self) -> Connection:
        return self

    async def __anext__(self) -> str:
        while True:
            if self._process is not None:
                await self._process.turn()
            if self._to_client:
                return self._to_client.popleft()
            if not self.is_open:
                raise ConnectionClosedError(None, None)
            self._arrived.clear()
            await self._arrived.wait()

    def abort(self) -> None:
        self.cut()

    def cut(self) -> None:
        """The connection breaks; both ends notice."""
        if self.is_open:
            self.is_open = False
            self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1006})
            self._arrived.set()
            if self._process is not None:
                self._process.lines.discard(self)

    # --- the server's end ---------------------------------------------------------------------------------------------

    async def _from_server(self, message: Mapping[str, Any]) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self.accepted.set_result(True)
        elif kind == "websocket.send":
            self._deliver(message["text"])
        elif kind == "websocket.close":
            self.cut()
        elif not self.accepted.done():
            self.accepted.set_result(False)

    def _deliver(self, text: str) -> None:
        """Frames keep their order, but for those that the weather takes hold of."""
        if not self.is_open:
            raise RuntimeError("the client has gone")
        for delay_s in self._network.weather.frames(self):
            arrives_s = max(self._last_s + 1e-6, self._loop.time() + self._network.weather.latency_s())
            self._last_s = arrives_s
            self._loop.call_at(arrives_s + delay_s, self._arrive, text, context=Context())

    def _arrive(self, frame: str) -> None:
        if self.is_open:
            self._to_client.append(frame)
            self._arrived.set()

    def _scope(self, headers: Mapping[str, str]) -> dict[str, Any]:
        return {
            "type": "websocket",
            "path": self._path,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": self.local_address,
        }
