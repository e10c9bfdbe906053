"""What a disturbance does to an answer on the wire."""

from __future__ import annotations

import asyncio

from venues.simulator.asgi import Reply
from venues.simulator.faults import Disturbance


async def suffered(disturbance: Disturbance | None) -> Reply | None:
    """Wait as told; the reply to give instead of the real one, if any."""
    if disturbance is None:
        return None
    if disturbance.delay_ms:
        await asyncio.sleep(disturbance.delay_ms / 1000)
    if disturbance.drop:
        return Reply(drop=True)
    return Reply(status=disturbance.status, body=disturbance.body) if disturbance.status else None
