"""How a request leaves: as a whole, in the step that looked last, and on a connection that was waiting for it."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.contract.bench import until
from tests.venues.test_transport_http import RawServer, answering, reply, serving
from venues.errors import NotSent, OutcomeUnknown
from venues.transport.departure import DirectTransport, Lines, departing, looked_at_last
from venues.transport.http import HttpTransport

HALTED = NotSent("Not sent: halted.", code="permit_halted")
LARGE = b"x" * 3_000_000


@contextmanager
def a_venue() -> Iterator[socket.socket]:
    """A venue that listens and does nothing by itself: what arrived is read when the test wants it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


@asynccontextmanager
async def a_transport(port: int) -> AsyncIterator[HttpTransport]:
    transport = HttpTransport(base_url=f"http://127.0.0.1:{port}", name="venue")
    try:
        yield transport
    finally:
        await transport.aclose()


async def test_the_whole_request_is_at_the_venue_when_the_step_that_looked_ends() -> None:
    arrived: list[bytes] = []
    with a_venue() as listener:
        async with a_transport(listener.getsockname()[1]) as transport:

            def look() -> None:
                asyncio.get_running_loop().call_soon(arrive)

            def arrive() -> None:
                line, _ = listener.accept()
                with line:
                    line.setblocking(False)
                    arrived.append(line.recv(65_536))

            with looked_at_last(look), pytest.raises(OutcomeUnknown):
                await transport.send("POST", "/orders", body=b'{"n":1}')
    assert arrived[0].startswith(b"POST /orders HTTP/1.1\r\n")
    assert arrived[0].endswith(b'\r\n\r\n{"n":1}')


async def test_what_the_last_look_refuses_leaves_no_byte_and_ends_its_connection() -> None:
    async with serving(answering(reply(b"ok"))) as (transport, raw):
        await transport.send("GET", "/warm")
        with looked_at_last(lambda: HALTED), pytest.raises(NotSent) as caught:
            await transport.send("POST", "/orders", body=b"{}")
        assert caught.value is HALTED
        assert (await transport.send("GET", "/after")).body == b"ok"
    assert [request.split()[1] for request in raw.requests] == [b"/warm", b"/after"]


async def test_a_look_is_asked_once_for_each_request_and_only_inside() -> None:
    asked: list[str] = []
    async with serving(answering(reply(b"ok"))) as (transport, _):
        with looked_at_last(lambda: asked.append("look")):
            await transport.send("POST", "/a", body=b"{}")
            await transport.send("POST", "/b", body=b"{}")
        await transport.send("POST", "/c", body=b"{}")
    assert asked == ["look", "look"]


async def test_a_second_answer_to_the_last_request_is_no_answer_to_the_next() -> None:
    """Believed, it would be taken for the acknowledgement of an order that nobody saw."""
    two = reply(b"first") + reply(b"second")
    async with serving(answering(two)) as (transport, raw):
        assert (await transport.send("POST", "/a", body=b"{}")).body == b"first"
        with pytest.raises(NotSent, match="before it was asked"):
            await transport.send("POST", "/b", body=b"{}")
        assert (await transport.send("POST", "/c", body=b"{}")).body == b"first"
    assert [request.split()[1] for request in raw.requests] == [b"/a", b"/c"]


async def test_a_venue_that_answers_at_once_and_hangs_up_is_sent_nothing() -> None:
    """A door that is overloaded says 503 to whoever comes, without reading a byte."""
    with a_venue() as listener:
        line = await Lines().connect_tcp(*listener.getsockname())
        there, _ = listener.accept()
        with there:
            there.sendall(reply(b"full", "503 Service Unavailable"))
            there.shutdown(socket.SHUT_WR)
            await until(lambda: line.get_extra_info("socket").fileno() < 0)
            await line.write(b"POST /orders HTTP/1.1")
            with departing() as departure, pytest.raises(ConnectionResetError):
                await line.read(100)
            await line.aclose()
            assert not departure.has_begun
            there.setblocking(False)
            assert await read_all(there) == 0


async def test_what_was_given_up_half_way_does_not_leave_later() -> None:
    body = b"y" * 40_000_000
    with a_venue() as listener:
        async with a_transport(listener.getsockname()[1]) as transport:
            with pytest.raises(OutcomeUnknown):
                await transport.send("POST", "/orders", body=body, deadline_s=0.3)
            line, _ = listener.accept()
            with line:
                line.setblocking(False)
                assert await read_all(line) < len(body)


async def read_all(line: socket.socket) -> int:
    """Bytes until the end of the connection."""
    count = 0
    async with asyncio.timeout(10):
        while chunk := await asyncio.get_running_loop().sock_recv(line, 1_000_000):
            count += len(chunk)
    return count


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file with a key and a certificate for this machine's own name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(since).not_valid_after(since + datetime.timedelta(days=9))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def secured(certificate: Path, data: bytes) -> AsyncIterator[tuple[httpx.AsyncClient, RawServer, str]]:
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(certificate)
    raw = RawServer(answering(data))
    server = await asyncio.start_server(raw, "localhost", 0, ssl=there)
    here = ssl.create_default_context(cafile=str(certificate))
    line = DirectTransport(tls=here, max_connections=2, keepalive_expiry_s=4.0)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    async with httpx.AsyncClient(transport=line, trust_env=False) as client:
        yield client, raw, url
    server.close()


async def test_over_tls_a_large_answer_comes_back_whole_and_the_connection_is_kept(certificate: Path) -> None:
    async with secured(certificate, reply(LARGE)) as (client, raw, url):
        lines = {await port_of(client, url) for _ in range(3)}
    assert len(raw.requests) == 3
    assert len(lines) == 1


async def port_of(client: httpx.AsyncClient, url: str) -> int:
    async with client.stream("POST", url, content=b"{}") as answer:
        assert await answer.aread() == LARGE
        return answer.extensions["network_stream"].get_extra_info("sockname")[1]


async def test_over_tls_a_refused_look_leaves_no_byte(certificate: Path) -> None:
    async with secured(certificate, reply(b"ok")) as (client, raw, url):
        with looked_at_last(lambda: HALTED), departing() as departure, pytest.raises(NotSent):
            await client.post(url, content=b"{}")
        assert not departure.has_begun
        with departing() as departure:
            assert (await client.post(url, content=b"{}")).content == b"ok"
        assert departure.has_begun
    assert len(raw.requests) == 1


async def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(certificate: Path) -> None:
    async with secured(certificate, reply(b"ok")) as (_, raw, url):
        transport = HttpTransport(base_url=url, name="venue")
        with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
            await transport.send("POST", "/orders", body=b"{}")
        await transport.aclose()
    assert raw.requests == []
