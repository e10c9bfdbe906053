"""What the engine follows beside the venues: its user's wish, the halts, and the emergency stops that they set off.

The wish and the halts are read every second; a halt of this host is felt within 20 ms, one that this very process
commits without delay. Invariant: hearing of a halt early is only speed; the rows that every claim reads decide.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from risk.receipts import TRADER
from trading.domain.messages import TradingState, TradingStateChanged
from trading.domain.strategies.dip_reversion import NAME as STRATEGY
from trading.engine.announcing import on_halt
from trading.engine.database import DatabaseThread
from trading.engine.desk import Desk, DeskAccount
from trading.engine.permit import Permit
from trading.engine.stopper import Stopper
from trading.selectors.halts import desk_state
from trading.selectors.status import is_wanted

STOPPED_BY_USER = "stopped by the user"
EVERY_S = 1.0
_STRICTNESS = tuple(TradingState).index


class Following:
    """Two tasks of an engine; `wishes` reads what is wanted and lets the session hear it."""

    def __init__(
        self,
        *,
        wishes: Callable[[], Awaitable[None]],
        doors: Callable[[], Iterable[DeskAccount]],
        database: DatabaseThread,
        permit: Permit,
    ) -> None:
        self._wishes = wishes
        self._now = asyncio.Event()
        self.stopper = Stopper(
            doors=doors, database=database, by=TRADER, generation=permit.generation, on_change=self._now.set
        )

    async def wishes_for_ever(self) -> None:
        """Every second, and at once after a halt."""
        while True:
            self._now.clear()
            await self._wishes()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._now.wait()

    async def stops_for_ever(self) -> None:
        """Emergency stops of the desk's accounts."""
        loop = asyncio.get_running_loop()
        deaf = on_halt(lambda: loop.call_soon_threadsafe(self.stopper.wake))
        try:
            await self.stopper.run()
        finally:
            deaf()


def wishes(desk: Desk) -> TradingStateChanged:
    """The halts, and at least a pause for a user who stopped: a stopped trader may not add or close, but a halt that
    says to sell what is held is still obeyed."""
    halts = desk_state([account.row for account in desk.accounts.values()], strategy=STRATEGY)
    if is_wanted(desk.user):
        return halts
    state = max(halts.state, TradingState.PAUSED, key=_STRICTNESS)
    return msgspec.structs.replace(halts, state=state, reason=STOPPED_BY_USER)


def strictest_of(wish: TradingStateChanged) -> TradingState:
    """What the status card shows: the strictest state of any account."""
    states = [wish.state, *(one.state for one in wish.narrow if one.account)]
    return max(states, key=_STRICTNESS)
