"""A message from any thread reaches a page's group on the server's own loop, and is lost without harm."""

from __future__ import annotations

import asyncio
import time

import pytest
import structlog.testing
from channels.layers import get_channel_layer
from django.test import override_settings

from core import broadcast


@pytest.fixture
async def server_loop():
    broadcast.register_server_loop(asyncio.get_running_loop())
    yield
    broadcast.register_server_loop(None)


async def test_a_thread_publishes_onto_the_servers_loop(server_loop):
    layer = get_channel_layer()
    name = await layer.new_channel()
    await layer.group_add("user.1", name)
    await asyncio.to_thread(broadcast.send, "user.1", "page.changed", {"seq": 7})
    message = await asyncio.wait_for(layer.receive(name), timeout=2)
    assert message == {"type": "page.changed", "seq": 7}


NOBODY = "redis://127.0.0.1:1/0"


async def test_a_hint_is_lost_in_no_time_and_quietly_while_redis_is_away():
    nobody = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [NOBODY]}}
    with override_settings(CHANNEL_LAYERS={"default": nobody}), structlog.testing.capture_logs() as told:
        began = time.monotonic()
        for _ in range(2):
            await broadcast.send_async("user.1", "page.changed", {"seq": 7})
        assert time.monotonic() - began < 2.5 * broadcast.WITHIN_S
    assert [line["event"] for line in told] == ["broadcast_lost"]
    with structlog.testing.capture_logs() as told:
        await broadcast.send_async("user.1", "page.changed", {"seq": 8})
    assert [line["event"] for line in told] == ["broadcast_back"]


async def test_a_hint_to_a_redis_that_never_answers_is_given_up():
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{silent.sockets[0].getsockname()[1]}/0"
    nobody = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [url]}}
    with override_settings(CHANNEL_LAYERS={"default": nobody}):
        began = time.monotonic()
        await broadcast.send_async("user.1", "page.changed", {"seq": 7})
        assert time.monotonic() - began < 2 * broadcast.WITHIN_S
    silent.close()
