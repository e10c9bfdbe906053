"""A server that says just what a test wants it to."""

from __future__ import annotations

from typing import Any

import msgspec


class Script:
    """An ASGI server that gives one reply to everything and keeps what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b"{}"
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, str, bytes, dict[str, str]]] = []
        self.queries: list[str] = []
        self.url = ""

    def says(self, status: int, body: object, **headers: str) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else msgspec.json.encode(body)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["method"], scope["raw_path"].decode(), body, headers))
        self.queries.append(scope["query_string"].decode())
        sent = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": sent})
        await send({"type": "http.response.body", "body": self.body})
