"""The application under the simulated venues."""

from __future__ import annotations

import asyncio

from venues.simulator.asgi import Router, Socket


async def test_open_sockets_are_known_in_the_order_in_which_they_were_opened():
    app, over = Router(), asyncio.Event()

    async def listen(socket: Socket) -> None:
        await socket.accept()
        await over.wait()

    app.websocket("/ws", listen)
    ports = list(range(40))
    connected: list[int] = []

    async def connect(port: int) -> None:
        async def receive() -> dict[str, str]:
            return {"type": "websocket.connect"}

        async def send(message: object) -> None:
            connected.append(port)

        scope = {"type": "websocket", "path": "/ws", "query_string": b"", "headers": [], "client": ("127.0.0.1", port)}
        await app(scope, receive, send)

    async with asyncio.TaskGroup() as tasks:
        for port in ports:
            tasks.create_task(connect(port))
        while len(connected) < len(ports):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert [socket.client_port for socket in app.sockets] == ports
        over.set()
