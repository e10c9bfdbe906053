"""Senders for the measurement of the stop: twenty at once, each order past the permit's gate and on the wire at once.

What stands before the gate in the program (the claim's own look at the halts) is left out: the permit alone must hold.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import django

SENDERS = 20
DENIED_PAUSE_S = 0.002


async def send_for_ever(url: str, data_dir: Path) -> None:
    from risk.models import HaltScope
    from trading.engine.permit import FilePermit, PermitAsk
    from venues.errors import VenueError
    from venues.transport.http import HttpTransport, looked_at_last

    permit = FilePermit(data_dir)
    ask = PermitAsk(((HaltScope.GLOBAL, ""), (HaltScope.VENUE, "kalshi")), reduces=False)
    transport = HttpTransport(base_url=url, name="venue", max_connections=SENDERS)

    async def sender() -> None:
        while True:
            if permit.refusal(ask) is not None:
                await asyncio.sleep(DENIED_PAUSE_S)
                continue
            try:
                with looked_at_last(lambda: permit.refusal(ask)):
                    await transport.send("POST", "/orders", body=b"{}")
            except VenueError:
                await asyncio.sleep(DENIED_PAUSE_S)

    await asyncio.gather(*(sender() for _ in range(SENDERS)))


if __name__ == "__main__":
    django.setup()
    asyncio.run(send_for_ever(sys.argv[1], Path(sys.argv[2])))
