"""The seam for faults: every face asks a `FaultPlan` before and after an effect, and before each frame.

The default plan never disturbs anything. A plan sees what is about to happen and answers with a `Disturbance`: the face
then waits, answers something else, drops the connection or withholds the frame. Whether the effect took place depends
only on which of the two questions was answered: `before` keeps it from happening, `after` only spoils the answer.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec

from venues.simulator.asgi import Reply


class Call(msgspec.Struct, frozen=True):
    """One operation at a face: `op` is the face's own word for it (create, cancel, orders, subscribe …)."""

    venue: str
    op: str
    account_id: str = ""
    reference: str = ""


class Disturbance(msgspec.Struct, frozen=True):
    """`delay_ms` in real time, then: `drop` the connection, or answer `status` and `body` instead (status 0: go on)."""

    delay_ms: int = 0
    drop: bool = False
    status: int = 0
    body: bytes = b""


class FaultPlan(Protocol):
    def before(self, call: Call) -> Disturbance | None:
        """Asked when a request is understood and nothing has happened yet."""
        ...

    def after(self, call: Call) -> Disturbance | None:
        """Asked when the effect is durable and the answer is ready."""
        ...

    def frame(self, call: Call) -> Disturbance | None:
        """Asked before a frame is queued; `drop` withholds this frame only."""
        ...


class NoFaults:
    """The plan of an undisturbed day."""

    def before(self, call: Call) -> Disturbance | None:
        return None

    def after(self, call: Call) -> Disturbance | None:
        return None

    def frame(self, call: Call) -> Disturbance | None:
        return None


async def suffered(disturbance: Disturbance | None) -> Reply | None:
    """Wait as told; the reply to give instead of the real one, if any."""
    if disturbance is None:
        return None
    if disturbance.delay_ms:
        await asyncio.sleep(disturbance.delay_ms / 1000)
    if disturbance.drop:
        return Reply(drop=True)
    return Reply(status=disturbance.status, body=disturbance.body) if disturbance.status else None
