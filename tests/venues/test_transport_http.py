"""The HTTP transport against a raw server that misbehaves byte by byte."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from venues.errors import NotSent, OutcomeUnknown, VenueError
from venues.transport.departure import looked_at_last
from venues.transport.http import HttpTransport, Timeouts

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """Reads one request after the other and lets the test write whatever it wants back."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[bytes] = []
        self._answer = answer

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                await self._answer(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def serving(answer: Answer, **settings: object) -> AsyncIterator[tuple[HttpTransport, RawServer]]:
    raw = RawServer(answer)
    server = await asyncio.start_server(raw, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = HttpTransport(base_url=f"http://127.0.0.1:{port}/", name="venue", **settings)
    try:
        yield transport, raw
    finally:
        await transport.aclose()
        server.close()


def reply(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def answering(data: bytes, *, close: bool = False) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        if close:
            await writer.drain()
            writer.close()

    return answer


async def test_a_reply_comes_back_whole_with_lower_case_headers() -> None:
    async with serving(answering(reply(b'{"a":1}', "201 Created", "X-Request-ID: 7"))) as (transport, raw):
        got = await transport.send("POST", "/orders?x=1", headers={"KALSHI-ACCESS-KEY": "k"}, body=b'{"n":1}')
    assert (got.status, got.body, got.headers["x-request-id"]) == (201, b'{"a":1}', "7")
    assert raw.requests[0].startswith(b"POST /orders?x=1 HTTP/1.1\r\n")
    assert b"kalshi-access-key: k" in raw.requests[0].lower()
    assert raw.requests[0].endswith(b'\r\n\r\n{"n":1}')


async def test_error_statuses_and_redirects_are_replies_and_are_not_followed() -> None:
    async with serving(answering(reply(b"", "307 Temporary Redirect", "Location: /elsewhere"))) as (transport, raw):
        got = await transport.send("POST", "/orders", body=b"{}")
    assert (got.status, got.headers["location"], len(raw.requests)) == (307, "/elsewhere", 1)


@pytest.mark.parametrize(
    ("status", "failed"),
    [("200 OK", False), ("404 Not Found", False), ("429 Too Many Requests", True), ("503 Service Unavailable", True)],
)
async def test_calls_tell_which_requests_a_venue_did_not_serve(status: str, failed: bool) -> None:
    async with serving(answering(reply(b"{}", status))) as (transport, _):
        before_ms = asyncio.get_running_loop().time() * 1_000
        await transport.send("GET", "/")
        ((at_ms, has_failed),) = transport.calls
    assert (has_failed, at_ms >= round(before_ms)) == (failed, True)


async def test_a_call_without_a_reply_has_failed_and_one_that_we_kept_back_is_none() -> None:
    async with serving(answering(b"", close=True)) as (transport, _):
        with pytest.raises(OutcomeUnknown):
            await transport.send("GET", "/")
        with looked_at_last(lambda: NotSent("halted")), pytest.raises(NotSent):
            await transport.send("POST", "/", body=b"{}")
    with pytest.raises(NotSent):
        await transport.send("GET", "/")
    assert [failed for _, failed in transport.calls] == [True, True]


@pytest.mark.parametrize("place", ["http://xn--a/", "http://[", "http://a:99999/", "http://\xff\xfe/", "//", "\x00"])
async def test_a_redirect_to_nowhere_leaves_the_outcome_unknown_or_is_a_reply(place: str) -> None:
    moved = reply(b"", "302 Found", f"Location: {place}")
    async with serving(answering(moved)) as (transport, raw):
        with suppress(OutcomeUnknown):
            assert (await transport.send("POST", "/orders", body=b"{}")).status == 302
    assert len(raw.requests) == 1


async def test_a_refused_connection_was_never_sent() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    transport = HttpTransport(base_url=f"http://127.0.0.1:{port}", name="venue")
    with pytest.raises(NotSent, match="venue: GET /x was not sent"):
        await transport.send("GET", "/x?secret=1")
    await transport.aclose()


async def test_a_name_without_an_address_was_never_sent() -> None:
    transport = HttpTransport(base_url="http://no-such-host.invalid", name="venue")
    with pytest.raises(NotSent):
        await transport.send("GET", "/")
    await transport.aclose()


async def test_a_failed_tls_handshake_was_never_sent() -> None:
    async with serving(answering(b"")) as (plain, _):
        transport = HttpTransport(base_url=plain.base_url.replace("http://", "https://"), name="venue")
        with pytest.raises(NotSent):
            await transport.send("GET", "/", deadline_s=1)
        await transport.aclose()


async def test_no_free_connection_in_time_was_never_sent() -> None:
    is_busy = asyncio.Event()

    async def never(writer: asyncio.StreamWriter) -> None:
        is_busy.set()
        await asyncio.Event().wait()

    async with serving(never, max_connections=1, timeouts=Timeouts(pool_s=0.05, total_s=5)) as (transport, raw):
        first = asyncio.ensure_future(transport.send("POST", "/a", body=b"{}"))
        await is_busy.wait()
        with pytest.raises(NotSent):
            await transport.send("POST", "/b", body=b"{}")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert len(raw.requests) == 1


async def test_a_malformed_header_of_our_own_was_never_sent() -> None:
    async with serving(answering(reply(b""))) as (transport, raw):
        with pytest.raises(NotSent):
            await transport.send("GET", "/", headers={"bad": "line\nbreak"})
    assert raw.requests == []


async def test_a_connection_dropped_after_the_request_is_unknown() -> None:
    async with serving(answering(b"", close=True)) as (transport, raw):
        with pytest.raises(OutcomeUnknown):
            await transport.send("POST", "/orders", body=b"{}")
    assert len(raw.requests) == 1


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
        b"what is this?\r\n\r\n",
        reply(b"not gzip", "200 OK", "Content-Encoding: gzip"),
        reply(gzip.compress(b"a" * 1000, mtime=0)[:20], "200 OK", "Content-Encoding: gzip"),
        reply(b"??", "200 OK", "Content-Encoding: br"),
    ],
)
async def test_a_reply_that_cannot_be_read_is_unknown(broken: bytes) -> None:
    async with serving(answering(broken, close=True)) as (transport, _):
        with pytest.raises(OutcomeUnknown):
            await transport.send("POST", "/orders", body=b"{}")


async def test_a_reply_that_drips_byte_by_byte_ends_at_the_total_deadline() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(drip) as (transport, _):
        started = asyncio.get_running_loop().time()
        with pytest.raises(OutcomeUnknown, match="TimeoutError"):
            await transport.send("POST", "/orders", body=b"{}", deadline_s=0.2)
        assert asyncio.get_running_loop().time() - started < 1


async def test_a_silent_venue_is_unknown_after_the_read_timeout() -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(silent, timeouts=Timeouts(read_s=0.1)) as (transport, _):
        with pytest.raises(OutcomeUnknown):
            await transport.send("POST", "/orders", body=b"{}")


async def test_compressed_replies_are_unpacked() -> None:
    body = b'{"events":[]}' * 100
    for packed, encoding in ((gzip.compress(body), "gzip"), (zlib.compress(body), "deflate")):
        async with serving(answering(reply(packed, "200 OK", f"Content-Encoding: {encoding}"))) as (transport, _):
            assert (await transport.send("GET", "/")).body == body


@pytest.mark.parametrize("packed", [True, False])
async def test_a_bomb_costs_its_limit_and_no_more(packed: bool) -> None:
    data = gzip.compress(b"0" * 50_000_000, mtime=0) if packed else b"0" * 2_000_000
    headers = ["Content-Encoding: gzip"] if packed else []
    async with serving(answering(reply(data, "200 OK", *headers)), max_reply_bytes=1_000_000) as (transport, _):
        with pytest.raises(OutcomeUnknown, match="1000000 bytes"):
            await transport.send("GET", "/")


async def test_a_kept_connection_closed_by_the_venue_never_makes_a_second_post() -> None:
    """The venue closes after each reply without saying so; each order is on the wire at most once."""
    async with serving(answering(reply(b"ok"), close=True)) as (transport, raw):
        outcomes: list[str] = []
        for at in range(20):
            try:
                outcomes.append((await transport.send("POST", f"/{at}", body=b"{}")).body.decode())
            except VenueError as error:
                outcomes.append(error.code)
    sent = [request.split()[1] for request in raw.requests]
    assert len(sent) == len(set(sent)), "an order was sent twice"
    assert outcomes.count("ok") + outcomes.count("outcome_unknown") + outcomes.count("not_sent") == 20


async def test_the_user_agent_is_the_librarys_own_unless_one_is_given() -> None:
    async with serving(answering(reply(b""))) as (transport, raw):
        await transport.send("GET", "/")
    assert b"user-agent: python-httpx/" in raw.requests[0].lower()
    async with serving(answering(reply(b"")), user_agent="courtside/1") as (transport, raw):
        await transport.send("GET", "/")
    assert b"user-agent: courtside/1" in raw.requests[0].lower()


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with serving(answering(reply(b"direct"))) as (transport, _):
        assert (await transport.send("GET", "/")).body == b"direct"
