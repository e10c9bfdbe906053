"""A message from any thread reaches a page's group on the server's own loop."""

from __future__ import annotations

import asyncio

import pytest
from channels.layers import get_channel_layer

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
