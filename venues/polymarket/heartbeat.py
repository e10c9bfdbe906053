"""The venue's dead-man switch: while heartbeats come, orders live; 10 to 15 s after the last one all are canceled.

The first accepted heartbeat arms it for every order of the API key, and nothing disarms it: two programs on one key
would cancel each other's orders. So it is never started by itself. Source: FACTS §2.10.
"""

from __future__ import annotations

import msgspec

from venues.errors import Fenced
from venues.polymarket.http import CANCELS_BUCKET, VenueHost, ok_body
from venues.polymarket.rejects import error_of, read_failure
from venues.polymarket.schemas import HeartbeatReply
from venues.transport.http import HttpReply
from venues.wire import decode


class DeadManSwitch:
    """`heartbeat_id` is the chain's last link, empty before the first."""

    def __init__(self, host: VenueHost) -> None:
        self.heartbeat_id = ""
        self._host = host
        self._is_answered = False
        """Our last beat was answered, so that the chain stands where we left it unless somebody else beats."""

    async def beat(self, *, takes_over: bool = False) -> str:
        """Send one heartbeat; a wrong id is answered with the right one, which is sent once more. Returns the new id.

        Raises Fenced where the chain went on without us (not when we take it over, nor after a beat whose answer was
        lost), and what the send raised: the switch then runs down unless a later beat arrives in time.
        """
        is_ours, self._is_answered = self._is_answered and not takes_over, False
        reply = await self._send(self.heartbeat_id)
        if reply.status == 400:
            expected = error_of(reply).heartbeat_id
            if not expected:
                raise read_failure(reply)
            if is_ours:
                raise Fenced("Another program beats the heart of this key: two of them end each other's orders.")
            reply = await self._send(expected)
        self.heartbeat_id = decode(ok_body(reply), HeartbeatReply, self._host.census).heartbeat_id
        self._is_answered = True
        return self.heartbeat_id

    async def _send(self, heartbeat_id: str) -> HttpReply:
        body = msgspec.json.encode({"heartbeat_id": heartbeat_id})
        return await self._host.call(
            "POST", "/v1/heartbeats", bucket=CANCELS_BUCKET, body=body, is_private=True, max_wait_s=2.0, deadline_s=3.0
        )
