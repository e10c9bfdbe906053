"""The reconnecting socket against a real web socket server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from venues.errors import AuthFailed
from venues.transport.socket import Backoff, Keepalive, ReconnectingSocket, SendText

SLACK_S = 2.0
"""What a busy machine may add to a wait."""
QUICK = Backoff(first_s=0.01, ceiling_s=0.02, stable_s=60)


class Peer:
    """The other end: remembers what it got, and lets the test send and close."""

    def __init__(self) -> None:
        self.connections: list[ServerConnection] = []
        self.received: list[str | bytes] = []
        self.headers: list[str | None] = []
        self.url = ""

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        self.headers.append(connection.request.headers.get("x-key") if connection.request else None)
        async for frame in connection:
            self.received.append(frame)

    @property
    def last(self) -> ServerConnection:
        return self.connections[-1]


class Owner:
    """Collects what the socket reports."""

    def __init__(self) -> None:
        self.frames: list[str | bytes] = []
        self.downs: list[str] = []
        self.opened = 0

    async def on_open(self, send: SendText) -> None:
        self.opened += 1
        await send(f"subscribe {self.opened}")

    def on_frame(self, frame: str | bytes, received_us: int) -> None:
        assert received_us > 1_600_000_000_000_000
        self.frames.append(frame)


async def until(condition: Callable[[], object], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + 60
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"never: {what}"
        await asyncio.sleep(0.002)


@asynccontextmanager
async def peer(
    answer: Callable[[ServerConnection, Request], Response | Awaitable[Response | None] | None] | None = None,
) -> AsyncIterator[Peer]:
    other = Peer()
    async with serve(other.handle, "127.0.0.1", 0, process_request=answer) as server:
        other.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
        yield other


@asynccontextmanager
async def running(other: Peer, owner: Owner, **settings: object) -> AsyncIterator[ReconnectingSocket]:
    socket = ReconnectingSocket(
        name="test",
        url=other.url,
        on_open=owner.on_open,
        on_frame=owner.on_frame,
        on_down=owner.downs.append,
        **{"backoff": QUICK, **settings},
    )
    task = asyncio.ensure_future(socket.run())
    try:
        yield socket
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_subscribes_on_open_and_hands_on_every_frame_in_order() -> None:
    owner = Owner()
    async with peer() as other, running(other, owner) as socket:
        await until(lambda: other.received, "the subscription")
        for at in range(100):
            await other.last.send(f"frame {at}")
        await other.last.send(b"binary")
        await until(lambda: socket.frames_received == 101, "all frames")
        assert owner.frames == [*(f"frame {at}" for at in range(100)), b"binary"]
        assert other.received == ["subscribe 1"]
        assert socket.is_up
        assert socket.local_port == other.last.remote_address[1]


async def test_it_comes_back_and_subscribes_again_after_a_loss() -> None:
    owner = Owner()
    async with peer() as other, running(other, owner) as socket:
        await until(lambda: other.received, "the first subscription")
        await other.last.send("one")
        await until(lambda: socket.frames_received == 1, "a frame")
        await other.last.close(1012, "restart")
        await until(lambda: len(other.received) == 2, "the second subscription")
        assert other.received == ["subscribe 1", "subscribe 2"]
        assert owner.downs == ["closed with code 1012 restart"]
        assert (socket.frames_received, socket.connections) == (0, 2)


async def test_headers_are_made_anew_for_each_connection() -> None:
    owner, made = Owner(), iter(range(100))
    async with peer() as other, running(other, owner, headers=lambda: {"x-key": str(next(made))}):
        await until(lambda: other.connections, "a connection")
        await other.last.close()
        await until(lambda: len(other.connections) == 2, "another")
        assert other.headers == ["0", "1"]


async def test_nothing_is_queued_while_it_is_down() -> None:
    owner = Owner()
    async with peer() as other, running(other, owner, backoff=Backoff(first_s=30)) as socket:
        await until(lambda: other.received, "the subscription")
        assert await socket.send("now")
        await other.last.close()
        await until(lambda: owner.downs, "the loss")
        assert not await socket.send("lost")
        assert not socket.is_up
        assert socket.local_port is None
        assert other.received == ["subscribe 1", "now"]


async def test_silence_counts_as_a_loss() -> None:
    owner = Owner()
    async with peer() as other, running(other, owner, keepalive=Keepalive(silence_s=0.1)):
        await until(lambda: len(other.connections) >= 2, "a reconnect")
        assert owner.downs[0] == "silent for 0.1 s"


async def test_the_text_keepalive_is_sent_and_its_answer_is_not_handed_on() -> None:
    owner = Owner()
    keepalive = Keepalive(text="PING", text_every_s=0.02, silence_s=5)
    async with peer() as other, running(other, owner, keepalive=keepalive) as socket:
        await until(lambda: other.received.count("PING") >= 2, "two pings")
        await other.last.send("PONG")
        await other.last.send("data")
        await until(lambda: owner.frames == ["data"], "the data frame")
        assert socket.frames_received == 1  # answers follow the wall clock: a replay must not count them


async def test_a_refused_handshake_is_reported_with_its_status_and_tried_again() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(401, "no key")

    owner = Owner()
    async with peer(refuse) as other, running(other, owner):
        await until(lambda: len(owner.downs) >= 2, "two refusals")
        assert owner.downs[0] == "the handshake was refused with HTTP 401"


async def test_a_redirect_is_not_followed() -> None:
    def redirect(connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/ws":
            return None
        response = connection.respond(307, "")
        response.headers["Location"] = "/elsewhere"
        return response

    owner = Owner()
    async with peer(redirect) as other, running(other, owner):
        await until(lambda: owner.downs, "the refusal")
        assert owner.downs[0] == "the handshake was refused with HTTP 307"
        assert other.connections == []


async def test_a_frame_above_the_limit_drops_the_connection() -> None:
    owner = Owner()
    async with peer() as other, running(other, owner, max_frame=1000):
        await until(lambda: other.received, "the subscription")
        await other.last.send("x" * 2000)
        await until(lambda: len(other.connections) == 2, "a reconnect")
        assert owner.frames == []
        assert "1009" in owner.downs[0]


async def test_sixteen_megabytes_in_one_frame_are_welcome() -> None:
    owner = Owner()
    async with peer() as other, running(other, owner) as socket:
        await until(lambda: other.received, "the subscription")
        await other.last.send("x" * (16 * 1024 * 1024))
        await until(lambda: socket.frames_received == 1, "the frame")


async def test_an_error_of_the_venue_in_on_open_counts_as_a_loss() -> None:
    owner = Owner()

    async def refuse(send: SendText) -> None:
        raise AuthFailed("no such key")

    async with peer() as other:
        socket = ReconnectingSocket(
            name="t", url=other.url, on_open=refuse, on_frame=owner.on_frame, on_down=owner.downs.append, backoff=QUICK
        )
        task = asyncio.ensure_future(socket.run())
        await until(lambda: len(owner.downs) >= 2, "two losses")
        task.cancel()
        assert owner.downs[0] == "AuthFailed: no such key"


async def test_its_owner_can_cut_it() -> None:
    owner = Owner()
    async with peer() as other, running(other, owner) as socket:
        await until(lambda: other.received, "the subscription")
        socket.drop("sequence gap")
        await until(lambda: len(other.connections) == 2, "a reconnect")
        assert owner.downs == ["sequence gap"]


def test_waits_double_from_a_quarter_of_a_second_to_fifteen_with_jitter() -> None:
    waits = [Backoff().wait_s(attempt) for attempt in range(1, 12)]
    for attempt, wait in enumerate(waits):
        full = min(15, 0.25 * 2**attempt)
        assert 0.75 * full <= wait <= full
    assert len({Backoff().wait_s(11) for _ in range(20)}) > 1, "many clients must not come back together"


async def test_a_venue_that_hangs_up_each_time_is_called_ever_more_rarely_the_first_time_at_once() -> None:
    calls: list[float] = []
    now_s = asyncio.get_running_loop().time

    def busy(connection: ServerConnection, request: Request) -> Response:
        calls.append(now_s())
        return connection.respond(503, "come back later")

    owner = Owner()
    async with peer(busy) as other, running(other, owner, backoff=Backoff()):
        await until(lambda: len(calls) == 4, "the fourth call")
    waits = [after - before for before, after in pairwise(calls)]
    assert [wait >= 0.75 * full for wait, full in zip(waits, (0.25, 0.5, 1.0), strict=True)] == [True] * 3
    assert waits[0] < 0.25 + SLACK_S
    assert owner.downs[0] == "the handshake was refused with HTTP 503"


async def test_after_a_connection_that_lasted_the_waits_begin_anew() -> None:
    owner = Owner()
    lasting = Backoff(first_s=0.01, ceiling_s=60, stable_s=0.0)
    async with peer() as other, running(other, owner, backoff=lasting):
        for times in range(1, 20):
            await until(lambda times=times: len(other.received) == times, "a connection")
            await other.last.close()


@pytest.mark.parametrize("port", [1])
async def test_a_refused_connection_is_reported(port: int) -> None:
    owner, other = Owner(), Peer()
    other.url = f"ws://127.0.0.1:{port}/"
    async with running(other, owner):
        await until(lambda: owner.downs, "the refusal")
        assert "refused" in owner.downs[0].lower() or "connect" in owner.downs[0].lower()
