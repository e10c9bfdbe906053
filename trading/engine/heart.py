"""The venue's dead-man switch, kept from falling while we live.

Story: where a venue cancels everything of an account that it does not hear from, one task tells it that we live.
Invariants: a beat that is missed stops new orders before the venue would act (`DeskAccount.alive_until_s`); a trader
whose lease ran out does not beat, so that it cannot disturb the one after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from trading.engine.desk import DeskAccount
from venues.errors import Fenced, VenueError

log = structlog.get_logger(__name__)

MISSED_AFTER = 1.6
"""Times the period, counted from the moment at which the last answered beat was sent."""
RETRY_S = 1.0


async def keep_beating(account: DeskAccount, fenced: Callable[[DeskAccount, str], None]) -> None:
    """Beat for ever; the first beat takes the switch over from the trader before us. Cancel to stop."""
    loop, every_s = asyncio.get_running_loop(), account.gateway.capabilities.beat_every_s
    is_first = True
    while True:
        began_s = loop.time()
        if began_s > account.lease_until_s:
            await asyncio.sleep(RETRY_S)
            continue
        try:
            await account.gateway.beat(takes_over=is_first)
        except Fenced as refusal:
            fenced(account, refusal.message)
            await asyncio.Event().wait()
        except VenueError as error:
            log.warning("heartbeat_missed", account=account.name, code=error.code, error=error.message)
            await asyncio.sleep(RETRY_S)
            continue
        account.alive_until_s, is_first = began_s + every_s * MISSED_AFTER, False
        await asyncio.sleep(every_s)
