"""Senders for the measurement of the stop: twenty at once, each order past the permit's gate and on the wire at once.

What stands before the gate in the program (the claim's own look at the halts) is left out: the permit alone must hold.
The venue answers with the moment at which an order came; an order that was on its way for long is written down with its
last look, so that a look that said yes too late is told from a process that was stopped behind its look.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import django

SENDERS = 20
DENIED_PAUSE_S = 0.002
LONG_NS = 40_000_000
HELD_FILE = "held"


async def send_for_ever(url: str, data_dir: Path) -> None:
    from risk.models import HaltScope
    from trading.engine.permit import FilePermit, PermitAsk
    from venues.errors import VenueError
    from venues.transport.departure import looked_at_last
    from venues.transport.http import HttpTransport

    permit = FilePermit(data_dir)
    ask = PermitAsk(((HaltScope.GLOBAL, ""), (HaltScope.VENUE, "kalshi")), reduces=False)
    transport = HttpTransport(base_url=url, name="venue", max_connections=SENDERS)

    held = (data_dir / HELD_FILE).open("a", buffering=1)

    async def sender() -> None:
        while True:
            if permit.refusal(ask) is not None:
                await asyncio.sleep(DENIED_PAUSE_S)
                continue
            looked_ns: list[int] = []
            try:
                with looked_at_last(lambda looked=looked_ns: looked.append(time.monotonic_ns()) or permit.refusal(ask)):
                    reply = await transport.send("POST", "/orders", body=b"{}")
            except VenueError:
                await asyncio.sleep(DENIED_PAUSE_S)
                continue
            if (arrived_ns := int(reply.body)) - looked_ns[0] > LONG_NS:
                held.write(f"{looked_ns[0]} {arrived_ns}\n")

    await asyncio.gather(*(sender() for _ in range(SENDERS)))


if __name__ == "__main__":
    django.setup()
    asyncio.run(send_for_ever(sys.argv[1], Path(sys.argv[2])))
