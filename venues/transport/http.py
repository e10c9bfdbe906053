"""One HTTP request is at most one request on the wire, and its failure says what the caller may believe.

`NotSent` is raised only with proof: `departure` knows the step in which a request leaves, and a failure before it
cannot have reached the venue (refused, DNS, TLS, no free connection, a last look that said no). Everything later,
including a reply that cannot be read, is `OutcomeUnknown`: the venue may have acted. There is no retry and no redirect;
a 3xx is a reply like any other. Sockets idle for 4 s are dropped, because a venue that closes one while we write would
make it unknown.

With `departure` the only module that knows httpx. Replies are unpacked here, with a bound, so that no body can fill the
memory.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
import zlib
from collections.abc import Mapping
from types import MappingProxyType

import httpx
import msgspec

from venues.errors import NotSent, OutcomeUnknown, VenueError
from venues.transport.calls import Calls
from venues.transport.departure import Departure, DirectTransport, departing

MAX_REPLY_BYTES = 32 * 1024 * 1024
KEEPALIVE_EXPIRY_S = 4.0
MAX_WRITE_REPLY_BYTES = 1024 * 1024
"""The answer to an order or a cancel is a few hundred bytes: what is larger by far is not that answer."""
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds. `total_s` bounds the whole call, a reply that drips byte by byte included."""

    connect_s: float = 3.0
    read_s: float = 10.0
    write_s: float = 3.0
    pool_s: float = 2.0
    total_s: float = 10.0


class HttpReply(msgspec.Struct, frozen=True):
    """Any complete reply, whatever its status. Header names are lower case; `body` is unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: int


class HttpTransport:
    """HTTP/1.1 to one host. TLS is always verified; proxies of the environment are ignored.

    `user_agent=None` leaves the library's own header, which ESPN wants (it answers 403 to any other).
    """

    def __init__(
        self,
        *,
        base_url: str,
        name: str,
        timeouts: Timeouts | None = None,
        user_agent: str | None = None,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        max_connections: int = 20,
    ) -> None:
        self.name = name
        self.base_url = base_url.rstrip("/")
        self.calls = Calls()
        self._timeouts = timeouts or Timeouts()
        self._max_reply_bytes = max_reply_bytes
        headers = {"accept-encoding": "gzip, deflate"}
        if user_agent is not None:
            headers["user-agent"] = user_agent
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=_httpx_timeout(self._timeouts),
            transport=DirectTransport(
                tls=_tls_context(), max_connections=max_connections, keepalive_expiry_s=KEEPALIVE_EXPIRY_S
            ),
            follow_redirects=False,
            trust_env=False,
        )

    async def send(
        self,
        method: str,
        path_with_query: str,
        *,
        headers: Mapping[str, str] = NO_HEADERS,
        body: bytes | None = None,
        deadline_s: float | None = None,
        max_bytes: int | None = None,
    ) -> HttpReply:
        """One request and its whole reply, unpacked and of `max_bytes` at most.

        Raises NotSent (no byte left) or OutcomeUnknown (some may have).
        """
        with departing() as departure:
            try:
                async with asyncio.timeout(self._timeouts.total_s if deadline_s is None else deadline_s):
                    url = self.base_url + path_with_query
                    request = self._client.build_request(method, url, headers=headers, content=body)
                    reply = await self._exchange(request, departure, max_bytes or self._max_reply_bytes)
            except NotSent:  # the last look before it leaves said no
                raise
            except VenueError:
                self.calls.failed()
                raise
            except Exception as error:  # a library's view of a strange reply: what matters is whether it had left
                self.calls.failed()
                raise self._typed(error, method, path_with_query, departure) from error
        self.calls.answered(reply.status)
        return reply

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _exchange(self, request: httpx.Request, departure: Departure, max_bytes: int) -> HttpReply:
        started = time.monotonic()
        response = await self._client.send(request, stream=True)
        try:
            if not departure.has_begun:  # what followed the last reply on this line is no answer to this request
                await response.extensions["network_stream"].aclose()
                raise ConnectionResetError("the venue answered before it was asked")
            content = await self._read_body(response, max_bytes)
        finally:
            await response.aclose()
        elapsed_ms = int((time.monotonic() - started) * 1000)
        return HttpReply(response.status_code, dict(response.headers), content, elapsed_ms)

    async def _read_body(self, response: httpx.Response, max_bytes: int) -> bytes:
        packed = bytearray()
        async for chunk in response.aiter_raw():
            packed += chunk
            if len(packed) > max_bytes:
                raise OutcomeUnknown(f"{self.name}: a reply larger than {max_bytes} bytes was cut off.")
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding in ("", "identity"):
            return bytes(packed)
        return self._unpack(bytes(packed), encoding, max_bytes)

    def _unpack(self, packed: bytes, encoding: str, max_bytes: int) -> bytes:
        """gzip or deflate, never more than the limit: a bomb costs its limit and no more."""
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise OutcomeUnknown(f"{self.name}: a reply came in the unknown encoding {encoding!r}.")
        unpacker = zlib.decompressobj(_ZLIB_OR_GZIP)
        try:
            content = unpacker.decompress(packed, max_bytes)
        except zlib.error as error:
            raise OutcomeUnknown(f"{self.name}: a compressed reply is damaged ({error}).") from error
        if unpacker.unconsumed_tail:
            raise OutcomeUnknown(f"{self.name}: a reply unpacks to more than {max_bytes} bytes.")
        if not unpacker.eof and packed:
            raise OutcomeUnknown(f"{self.name}: a compressed reply ended early.")
        return content

    def _typed(self, error: Exception, method: str, path: str, departure: Departure) -> NotSent | OutcomeUnknown:
        what = f"{self.name}: {method} {path.partition('?')[0]}"
        cause = f"{type(error).__name__}: {error}".rstrip(": ")
        if not departure.has_begun:
            return NotSent(f"{what} was not sent ({cause}).")
        return OutcomeUnknown(f"{what} has no readable reply ({cause}).")


def _httpx_timeout(timeouts: Timeouts) -> httpx.Timeout:
    return httpx.Timeout(connect=timeouts.connect_s, read=timeouts.read_s, write=timeouts.write_s, pool=timeouts.pool_s)


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """One verified context for all transports: loading the certificates costs 20 ms and a megabyte each time."""
    return httpx.create_ssl_context(verify=True, trust_env=False)
