"""The sockets of live pages: who gets one, what comes first, and that changes add up to a fresh page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from config.asgi import application
from core import broadcast, live
from core.consumers import GONE, PAGES_GROUP, RESTART, SIGNED_OUT
from core.figures import moment_text
from tests.builders import a_claimed_order, a_market, a_user, an_account
from tests.shown import Shown

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 60.0
ORIGIN = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
PART = re.compile(r'<div id="([\w-]+)" hx-swap-oob="innerHTML">')


@pytest.fixture
async def shown() -> Shown:
    cache.clear()
    return await sync_to_async(Shown)()


def cookies_of(user: User) -> SimpleCookie:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies


@asynccontextmanager
async def socket(path: str, user: User | None = None) -> AsyncIterator[WebsocketCommunicator]:
    headers = list(ORIGIN)
    if user is not None:
        cookies = await sync_to_async(cookies_of)(user)
        headers.append((b"cookie", cookies.output(header="", sep=";").strip().encode()))
    page = WebsocketCommunicator(application, path, headers=headers)
    connected, _ = await page.connect(timeout=PATIENCE_S)
    assert connected
    try:
        yield page
    finally:
        await page.disconnect(timeout=PATIENCE_S)


def parts_of(html: str) -> dict[str, str]:
    """Part id → its content."""
    pieces = PART.split(html)[1:]
    return dict(zip(pieces[::2], (piece.removesuffix("</div>") for piece in pieces[1::2]), strict=True))


async def received(page: WebsocketCommunicator) -> dict[str, str]:
    return parts_of(await page.receive_from(timeout=PATIENCE_S))


async def received_until(page: WebsocketCommunicator, shown_parts: dict[str, str], moment: str) -> None:
    """Apply what comes to what is shown, as a browser does, until the page has reached a moment."""
    while moment not in shown_parts.get("pulse", ""):
        shown_parts.update(await received(page))


def without_pulse(parts: dict[str, str]) -> dict[str, str]:
    return {name: html for name, html in parts.items() if name != "pulse"}


async def closed_with(page: WebsocketCommunicator) -> int:
    output = await page.receive_output(timeout=PATIENCE_S)
    assert output["type"] == "websocket.close"
    return int(output["code"])


PAGES = ["/ws/", "/ws/games/", "/ws/positions/", "/ws/orders/", "/ws/fills/", "/ws/decisions/?show=all", "/ws/alerts/"]


async def happenings(shown: Shown) -> None:
    """A dip, a score, a fill and an alert, each told to the pages; one payload is lost on the way."""
    await sync_to_async(shown.quote)(48, 50)
    await shown.publish()
    await sync_to_async(shown.score)(34, 36)
    await sync_to_async(shown.fill)()
    await shown.publish()
    await sync_to_async(shown.warn)()
    shown.lose_one()
    await sync_to_async(shown.quote)(61, 63)
    await shown.publish()


@pytest.mark.parametrize("path", [*PAGES, "game"])
async def test_snapshot_and_events_add_up_to_a_fresh_snapshot(shown, path):
    path = f"/ws/games/{shown.game.uid}/" if path == "game" else path
    await shown.publish()
    async with socket(path, shown.user) as page:
        parts = await received(page)
        await happenings(shown)
        last = (await sync_to_async(live.latest)(live.desk_topic(shown.user.uid)))["at_ms"]
        await received_until(page, parts, moment_text(last))
        while not await page.receive_nothing(timeout=0.3):
            parts.update(await received(page))
        async with socket(path, shown.user) as fresh:
            assert without_pulse(parts) == without_pulse(await received(fresh))


async def test_a_page_that_opens_before_the_trader_says_so_and_then_lives(shown):
    async with socket("/ws/", shown.user) as page:
        first = await received(page)
        assert "No word from the trader yet" in first["pulse"]
        assert 'data-event="0"' in first["pulse"]
        await shown.publish()
        later = dict(first)
        while "$10,000.00" not in later["desk"]:
            later.update(await received(page))
        assert 'data-event="1"' in later["pulse"]


async def test_only_what_changed_is_sent(shown):
    await shown.publish()
    async with socket(f"/ws/games/{shown.game.uid}/", shown.user) as page:
        assert {"score", "board-home", "why", "held"} <= (await received(page)).keys()
        await shown.publish()
        parts: dict[str, str] = {}
        while not await page.receive_nothing(timeout=0.3):
            parts.update(await received(page))
        assert parts.keys() == {"pulse"}


async def test_an_open_page_keeps_its_topics_watched(shown):
    topic = live.game_topic(shown.game.uid)
    assert await sync_to_async(live.watched)([topic]) == set()
    async with socket(f"/ws/games/{shown.game.uid}/", shown.user) as page:
        await received(page)
        assert await sync_to_async(live.watched)([topic]) == {topic}


async def test_a_stranger_is_closed_out(shown):
    async with socket("/ws/") as page:
        assert await closed_with(page) == SIGNED_OUT


async def test_a_session_that_ended_ends_the_page(shown):
    cookies = await sync_to_async(cookies_of)(shown.user)
    await sync_to_async(Session.objects.filter(session_key=cookies["sessionid"].value).delete)()
    headers = [*ORIGIN, (b"cookie", f"sessionid={cookies['sessionid'].value}".encode())]
    page = WebsocketCommunicator(application, "/ws/", headers=headers)
    await page.connect(timeout=PATIENCE_S)
    assert await closed_with(page) == SIGNED_OUT


async def test_another_persons_order_has_no_socket(shown):
    order = await sync_to_async(lambda: a_claimed_order(an_account(a_user("eve@example.org")), a_market("OTHER")))()
    async with socket(f"/ws/orders/{order.uid}/", shown.user) as page:
        assert await closed_with(page) == GONE


async def test_a_foreign_site_cannot_open_a_socket(shown):
    headers = [(b"host", b"localhost"), (b"origin", b"https://evil.example")]
    page = WebsocketCommunicator(application, "/ws/", headers=headers)
    connected, _ = await page.connect(timeout=PATIENCE_S)
    assert not connected


async def test_a_restart_of_the_server_asks_pages_to_come_back(shown):
    async with socket("/ws/", shown.user) as page:
        await received(page)
        await broadcast.send_async(PAGES_GROUP, "live.stopping", {})
        assert await closed_with(page) == RESTART


async def test_what_a_client_sends_is_ignored(shown):
    async with socket("/ws/", shown.user) as page:
        await received(page)
        await page.send_to(text_data='{"type": "live.changed", "topic": "desk", "payload": {}}')
        await shown.publish()
        assert "pulse" in await received(page)
