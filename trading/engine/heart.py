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
from venues.errors import AuthFailed, Fenced, VenueError

log = structlog.get_logger(__name__)

MISSED_AFTER = 1.6
"""Times the period, counted from the moment at which the last answered beat was sent."""
RETRY_S = 1.0
REFUSED_S = 30.0
"""The longest pause after a key that the venue refuses; the first is `RETRY_S`, and each one twice as long."""


async def keep_beating(account: DeskAccount, fenced: Callable[[DeskAccount, str], None]) -> None:
    """Beat for ever; the first beat takes the switch over from the trader before us. Cancel to stop."""
    loop, every_s = asyncio.get_running_loop(), account.gateway.capabilities.beat_every_s
    is_first, refused_s = True, RETRY_S
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
        except AuthFailed as error:
            log.warning("heartbeat_refused", account=account.name, error=error.message, again_in_s=refused_s)
            await asyncio.sleep(refused_s)
            refused_s = min(REFUSED_S, refused_s * 2)
            continue
        except VenueError as error:
            log.warning("heartbeat_missed", account=account.name, code=error.code, error=error.message)
            await asyncio.sleep(RETRY_S)
            continue
        account.alive_until_s, is_first, refused_s = began_s + every_s * MISSED_AFTER, False, RETRY_S
        await asyncio.sleep(every_s)
