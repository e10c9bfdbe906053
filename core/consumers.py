"""The socket of a live page: push only, one per page.

Story: authenticate, authorise (by opening the page's read model), join the groups of its topics, send a snapshot; then
every change re-renders the parts it touches. Changes that arrive while one is being rendered are folded into the next
sending: each payload is whole, so nothing is lost but time. Commands never come this way: what a client sends is
ignored.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, ClassVar

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.http import QueryDict

from core import live
from core.errors import DomainError
from core.pages import LivePage, Shown

log = structlog.get_logger(__name__)

PAGES_GROUP = "pages"
WATCH_EVERY_S = 10.0
SIGNED_OUT, GONE, RESTART, BROKEN = 4401, 4404, 1012, 1011


class PageConsumer(AsyncWebsocketConsumer):
    """`page(user, query, **url)` gives the read model of the page; the rest is the same for every page."""

    page: ClassVar[Callable[..., LivePage]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pump: asyncio.Task[None] | None = None
        self._arrived: dict[str, dict[str, Any]] = {}
        self._wake = asyncio.Event()
        self._watch_at = 0.0

    async def connect(self) -> None:
        await self.accept()
        if not self.scope["user"].is_authenticated:
            return await self.close(SIGNED_OUT)
        try:
            self._model = await database_sync_to_async(self._open)()
        except DomainError:
            return await self.close(GONE)
        self._groups = [*self._model.topics.values(), PAGES_GROUP]
        for group in self._groups:
            await self.channel_layer.group_add(group, self.channel_name)
        self._pump = asyncio.create_task(self._run(), name="page-pump")

    async def disconnect(self, code: int) -> None:
        if self._pump is None:
            return
        self._pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pump
        for group in self._groups:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing is taken from this side."""

    async def live_changed(self, message: dict[str, Any]) -> None:
        """A new payload of one of the topics; the newest replaces one that is still waiting."""
        self._arrived[message["topic"]] = message["payload"]
        self._wake.set()

    async def live_stopping(self, _message: dict[str, Any]) -> None:
        """The server goes down for a restart: 1012 makes pages come back."""
        await self.close(RESTART)

    def _open(self) -> LivePage:
        query = QueryDict(self.scope.get("query_string", b"")).dict()
        return type(self).page(self.scope["user"], query, **self.scope["url_route"]["kwargs"])

    async def _run(self) -> None:
        """Snapshot, then changes, until the page goes or its session ends."""
        try:
            shown = await database_sync_to_async(Shown)(self._model)
            while await self._is_watching():
                await self.send(text_data=await database_sync_to_async(self._render)(shown))
                await self._wait()
        except Exception:  # the supervisor's seam of one page: 1011 makes it connect again
            log.exception("page_socket_failed", path=self.scope.get("path"))
            await self.close(BROKEN)

    def _render(self, shown: Shown) -> str:
        arrived, self._arrived = self._arrived, {}
        for topic, payload in arrived.items():
            shown.take(topic, payload)
        return shown.html()

    async def _wait(self) -> None:
        """Until something arrived; meanwhile keep the topics watched."""
        while not self._arrived:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), WATCH_EVERY_S)
            if not await self._is_watching():
                return

    async def _is_watching(self) -> bool:
        """Every ten seconds: say that the topics are shown, and see whether the session still holds."""
        now = asyncio.get_running_loop().time()
        if now < self._watch_at:
            return True
        self._watch_at = now + WATCH_EVERY_S
        if await database_sync_to_async(self._watch)():
            return True
        await self.close(SIGNED_OUT)
        return False

    def _watch(self) -> bool:
        for topic in self._model.topics.values():
            live.watch(topic)
        session = self.scope["session"]
        return bool(session.exists(session.session_key))
