"""The venue's dead-man switch: while heartbeats come, orders live; 10 to 15 s after the last one all are canceled.

The first accepted heartbeat arms it for every order of the API key, and nothing disarms it: two programs on one key
would cancel each other's orders. So it is never started by itself. Source: FACTS §2.10.
"""

from __future__ import annotations

import asyncio

import msgspec

from venues.errors import VenueError
from venues.polymarket.constants import HEARTBEAT_EVERY_S
from venues.polymarket.http import CANCELS_BUCKET, VenueHost, ok_body
from venues.polymarket.rejects import error_of, read_failure
from venues.polymarket.schemas import HeartbeatReply
from venues.transport.http import HttpReply
from venues.wire import decode


class DeadManSwitch:
    """`beat` once or `run` for ever. `heartbeat_id` is the chain's last link, empty before the first."""

    def __init__(self, host: VenueHost) -> None:
        self.heartbeat_id = ""
        self._host = host

    async def beat(self) -> str:
        """Send one heartbeat; a wrong id is answered with the right one, which is sent once more. Returns the new id.

        Raises what the send raised: the switch then runs down unless a later beat arrives in time.
        """
        reply = await self._send(self.heartbeat_id)
        if reply.status == 400:
            expected = error_of(reply).heartbeat_id
            if not expected:
                raise read_failure(reply)
            reply = await self._send(expected)
        self.heartbeat_id = decode(ok_body(reply), HeartbeatReply, self._host.census).heartbeat_id
        return self.heartbeat_id

    async def run(self, *, every_s: float = HEARTBEAT_EVERY_S) -> None:
        """Keep beating until cancelled; a failed beat is tried again after a second."""
        while True:
            try:
                await self.beat()
            except VenueError:
                await asyncio.sleep(min(1.0, every_s))
                continue
            await asyncio.sleep(every_s)

    async def _send(self, heartbeat_id: str) -> HttpReply:
        body = msgspec.json.encode({"heartbeat_id": heartbeat_id})
        return await self._host.call(
            "POST", "/v1/heartbeats", bucket=CANCELS_BUCKET, body=body, is_private=True, max_wait_s=2.0, deadline_s=3.0
        )
