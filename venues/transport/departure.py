"""A request leaves as a whole, in the same step as the last look at whether it may.

Story: httpcore hands over a request in pieces (headers, body) and then reads. `Line` keeps the pieces and lets them go
at the first read: it asks the look, marks the departure and writes, without an await in between. So a process that was
stopped anywhere before wakes up in front of the look, not behind it, and no byte has left until `has_begun`. A venue
that spoke or hung up before it was asked gets nothing. What is left are the microseconds between the look and the
system call: who is stopped there, and goes on after a halt, is stopped by the venue's fence alone.
A connection that is given up is dropped with all that it still holds: nothing of ours leaves later.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from venues.errors import NotSent

LastLook = Callable[[], NotSent | None]
"""Asked when all waiting is over and nothing has been written: a reason not to write after all."""
EYEBALLS_S = 0.25
"""A host's next address is tried beside one that has not answered for so long."""
_MOST_UNREAD_BYTES = 256 * 1024
_last_look: ContextVar[LastLook | None] = ContextVar("last_look", default=None)


@contextmanager
def looked_at_last(look: LastLook) -> Iterator[None]:
    """Every request that this task sends inside is asked about once more, after all waiting: for tokens of a rate
    limit, for a connection, for TLS. What `look` gives is raised, and no byte leaves."""
    token = _last_look.set(look)
    try:
        yield
    finally:
        _last_look.reset(token)


class Departure:
    """One request's way out. `has_begun` from the moment its first byte may leave."""

    __slots__ = ("has_begun",)

    def __init__(self) -> None:
        self.has_begun = False


_departure: ContextVar[Departure | None] = ContextVar("departure", default=None)


@contextmanager
def departing() -> Iterator[Departure]:
    """The one request that this task sends inside."""
    departure = Departure()
    token = _departure.set(departure)
    try:
        yield departure
    finally:
        _departure.reset(token)


def depart(write: Callable[[bytes], object], whole: bytes) -> None:
    """The last look, and at once `write(whole)`. Raises what the look says: then nothing was written. All else is done
    before it, for what lies between the two is the only place where a stopped process may still let an order go."""
    departure, look = _departure.get() or Departure(), _last_look.get() or _nobody_looks
    departure.has_begun = True
    if (refusal := look()) is None:
        write(whole)
        return
    departure.has_begun = False
    raise refusal


def _nobody_looks() -> None:
    return None


class Line(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """One connection. What httpcore does not know how to map is an OSError or TimeoutError, as asyncio has them."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._outgoing: list[bytes] = []
        self._arrived = bytearray()
        self._is_over = False
        self._error: Exception | None = None
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        if len(self._arrived) > _MOST_UNREAD_BYTES:
            self._transport.pause_reading()
        self._news.set()

    def eof_received(self) -> None:
        self._is_over = True
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over, self._error = True, exc
        self._news.set()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Kept until the request is complete, which it is when its answer is read."""
        self._outgoing.append(buffer)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to `max_bytes`, none at the end. Raises OSError, TimeoutError and, at the first read, what `depart` does
        and ConnectionError where the venue did not wait to be asked."""
        if self._outgoing:
            self._let_go()
        async with asyncio.timeout(timeout):
            while not (self._arrived or self._is_over):
                self._news.clear()
                await self._news.wait()
        if not self._arrived and self._error is not None:
            raise self._error
        chunk = bytes(self._arrived[:max_bytes])
        del self._arrived[:max_bytes]
        if len(self._arrived) <= _MOST_UNREAD_BYTES:
            self._transport.resume_reading()
        return chunk

    def _let_go(self) -> None:
        whole = b"".join(self._outgoing)
        self._outgoing.clear()
        if self._arrived or self._is_over or self._transport.is_closing():
            raise ConnectionResetError("the venue closed or answered before it was asked")
        depart(self._transport.write, whole)

    async def aclose(self) -> None:
        self._transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        start = asyncio.get_running_loop().start_tls
        try:
            async with asyncio.timeout(timeout):
                secured = await start(self._transport, self, ssl_context, server_hostname=server_hostname)
        except BaseException:
            self._transport.abort()
            raise
        assert secured is not None
        self._transport = secured
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._is_readable() if info == "is_readable" else self._transport.get_extra_info(info)

    def _is_readable(self) -> bool:
        """Of a connection at rest: the venue hung up, or said what nobody asked for. The loop may not know it yet."""
        if self._arrived or self._is_over or self._transport.is_closing():
            return True
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))


class Lines(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore's pool."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """The last two are another caller's business: our pool names neither."""
        create = asyncio.get_running_loop().create_connection
        async with asyncio.timeout(timeout):
            _, line = await create(Line, host, port, happy_eyeballs_delay=EYEBALLS_S)
        return line


class DirectTransport(httpx.AsyncBaseTransport):
    """httpx over a pool of lines: HTTP/1.1, no proxies, no retries. Raises httpcore's errors, OSError, TimeoutError."""

    def __init__(self, *, tls: ssl.SSLContext, max_connections: int, keepalive_expiry_s: float) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=max_connections,
            keepalive_expiry=keepalive_expiry_s,
            network_backend=Lines(),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                target,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """What httpcore reads, as httpx wants it."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()
