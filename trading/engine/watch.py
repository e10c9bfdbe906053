"""The trader's watch over risk: limits read anew, what the session must remember, and the triggers.

Story: every look reads the limits and what stops each account's entries, and tells the session, so that its gates say
no before an order is made; the triggers are asked after fills and settlements and every few seconds of venue time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

import structlog
from django.db import DatabaseError

from core.clock import from_ms
from core.errors import CODES
from core.figures import money_text
from risk.checks import Verdict
from risk.limits import Limits
from risk.selectors import limits_by_strategy
from risk.triggers import DEFAULTS, TriggerLimits, Trip, api_error_rate, clock_skew, db_lost, lost_lease, stale_data
from trading.domain.messages import AccountBlocked
from trading.domain.session import Session
from trading.engine.clock import Clock
from trading.engine.database import DatabaseThread
from trading.engine.desk import Desk, DeskAccount
from trading.engine.pretrade import PreTrade
from trading.engine.views import unrealized_losses_u
from trading.engine.vitals import Vitals
from trading.selectors.account_risk import account_verdict
from trading.services.oddities import clock_skew_tell
from trading.services.triggers import (
    COMPARED_FIRST,
    breach_act,
    market_calm,
    markets_jumping,
    triggers_check,
    trip_act,
    trip_clear,
)
from venues.types import FillReport, Message, PublicTrade, SettlementReport, Venue

log = structlog.get_logger(__name__)

TRIGGERS_EVERY_MS = 30_000
RHYTHM_S = 1.0


class RiskWatch:
    """One per engine."""

    def __init__(
        self,
        *,
        desk: Desk,
        session: Session,
        clock: Clock,
        database: DatabaseThread,
        limits: TriggerLimits = DEFAULTS,
    ) -> None:
        self.limits = limits
        self.vitals = Vitals()
        self.pretrade = PreTrade(session, clock, self.vitals, self.silent_ms)
        self._desk = desk
        self._session = session
        self._clock = clock
        self._database = database
        self._is_due = True
        self._asked_ms = 0
        self._lifted: set[tuple[str, str]] = set()
        self._looked_s: float | None = None
        self._away_ms = 0

    def note(self, message: Message) -> None:
        """Prints tell the venue's clock, fills how it settles; both make the triggers worth asking."""
        match message:
            case PublicTrade():
                market = self._session.markets.get(message.market_id)
                if market is not None and market.listing is not None:
                    skew = self.vitals.skew(market.listing.venue)
                    skew.note(venue_ms=message.venue_ms, now_ms=self._clock.now_ms())
            case FillReport():
                self.vitals.note_fill(message)
                self._is_due = True
            case SettlementReport():
                self._is_due = True

    def silent_ms(self, venue: Venue) -> int:
        """Venue milliseconds since anything was read of this venue's market stream; none pass in lock-step."""
        sockets = getattr(self._desk.feeds.get(venue), "sockets", ())
        silent_s = max((socket.silent_s for socket in sockets), default=0.0)
        return round(silent_s * 1_000 * self._clock.pace)

    async def refresh(self) -> list[AccountBlocked]:
        """Read limits and blocks; what changed for the session. Asks the triggers where they are due."""
        accounts = list(self._desk.accounts.values())
        self.pretrade.limits = await self._database.call(_limits, accounts)
        changed = []
        for account in accounts:
            verdict = await self._database.call(
                account_verdict, account.row, at=self._now(), unrealized_u=self._unrealized_u(account)
            )
            words = _words(verdict) if verdict is not None else ""
            if words != self._session.desk.blocks.get(account.name, ""):
                changed.append(AccountBlocked(account.name, words))
        await self._calm_markets()
        if (
            self._is_due
            or self._has_own_trouble(accounts)
            or self._clock.now_ms() - self._asked_ms >= TRIGGERS_EVERY_MS
        ):
            self._is_due, self._asked_ms = False, self._clock.now_ms()
            await self._ask_triggers(accounts)
        return changed

    async def act(self, account: DeskAccount, verdict: Verdict, *, market_id: str = "") -> None:
        """What a breach does beside refusing the order."""
        try:
            await self._database.call(breach_act, venue_account=account.row, verdict=verdict, market_id=market_id)
        except DatabaseError as error:
            log.error("breach_not_acted_on", code=verdict.breach.code, error=str(error))

    async def _calm_markets(self) -> None:
        """Lift the pause of a market whose price has not jumped for ten seconds of the venue's time; in one that is not
        known here the check itself would refuse."""
        for market_id in await self._database.call(markets_jumping):
            market = self._session.markets.get(market_id)
            if market is None or self.pretrade.is_calm(market):
                await self._database.call(market_calm, market_id=market_id)

    def _has_own_trouble(self, accounts: list[DeskAccount]) -> bool:
        """What cannot wait for the next round. Measures how long the database was silent: the rhythm of this look is
        a second, and it needs an answer."""
        now_s = asyncio.get_running_loop().time()
        self._away_ms = 0 if self._looked_s is None else round((now_s - self._looked_s - RHYTHM_S) * 1_000)
        self._looked_s = now_s
        if self._clock.pace != 1.0:
            return False
        return any(
            self._lost_lease(account) or db_lost(self._away_ms, self.limits) or self._stale(account)
            for account in accounts
        )

    def _lost_lease(self, account: DeskAccount) -> Trip | None:
        """Only while it is still ours: one that has run out is its next holder's business."""
        left_ms = round((account.lease_until_s - asyncio.get_running_loop().time()) * 1_000)
        return lost_lease(left_ms, self.limits) if account.fence_token and left_ms > 0 else None

    async def _ask_triggers(self, accounts: list[DeskAccount]) -> None:
        for account in accounts:
            for trip in await self._database.call(
                triggers_check, venue_account=account.row, at=self._now(), unrealized_u=self._unrealized_u(account)
            ):
                log.critical("trigger_fired", account=account.name, code=trip.code, value=trip.value, limit=trip.limit)
            for code, trip_now in self._own_trips(account):
                await self._follow(account, code, trip_now)
            await self._tell_of_skew(account)

    async def _tell_of_skew(self, account: DeskAccount) -> None:
        """Clocks that drift apart are told long before they stop anything."""
        skew_ms = self.vitals.skew(Venue(account.row.venue)).ms
        if self._clock.pace == 1.0 and abs(skew_ms) > self.limits.skew_told_ms:
            await self._database.call(clock_skew_tell, venue_account=account.row, skew_ms=skew_ms)

    def _own_trips(self, account: DeskAccount) -> list[tuple[str, Trip | None]]:
        """What only this process knows, by its code. Ages are judged where venue time is real time."""
        venue, now_s = Venue(account.row.venue), asyncio.get_running_loop().time()
        is_real = self._clock.pace == 1.0
        return [
            ("api_error_rate", api_error_rate(_calls(account), round(now_s * 1_000), self.limits)),
            ("clock_skew", clock_skew(self.vitals.skew(venue).ms, self.limits) if is_real else None),
            ("stale_data", self._stale(account) if is_real else None),
            ("lost_lease", self._lost_lease(account) if is_real else None),
            ("db_lost", db_lost(self._away_ms, self.limits) if is_real else None),
        ]

    def _stale(self, account: DeskAccount) -> Trip | None:
        """Blind at this venue: a stream of its markets or the account's own is down, and silent for too long. One that
        has nothing to say is alive while its connection answers pings (`is_up`)."""
        doors = (self._desk.feeds.get(Venue(account.row.venue)), account.reader)
        down = [socket.silent_s for door in doors for socket in getattr(door, "sockets", ()) if not socket.is_up]
        return stale_data(round(max(down, default=0.0) * 1_000), self.limits)

    async def _follow(self, account: DeskAccount, code: str, trip: Trip | None) -> None:
        key = (account.name, code)
        if trip is not None and await self._database.call(trip_act, venue_account=account.row, trip=trip):
            self._lifted.discard(key)
            log.critical("trigger_fired", account=account.name, code=code, value=trip.value, limit=trip.limit)
        elif trip is None and key not in self._lifted:
            is_lifted = await self._database.call(trip_clear, venue_account=account.row, code=code)
            if is_lifted or code not in COMPARED_FIRST:
                self._lifted.add(key)

    def _unrealized_u(self, account: DeskAccount) -> int:
        return unrealized_losses_u(self._session, account.name)

    def _now(self) -> datetime:
        return from_ms(self._clock.now_ms())


def _calls(account: DeskAccount) -> list[tuple[int, bool]]:
    """The last requests of all its doors; none where nothing is asked of a venue."""
    doors = (account.reader, account.gateway)
    return [call for door in doors for calls in getattr(door, "calls", ()) for call in calls]


def _limits(accounts: list[DeskAccount]) -> Mapping[tuple[str, str], Limits]:
    return limits_by_strategy(account.row for account in accounts)


def _words(verdict: Verdict) -> str:
    """For the gate: the code's sentence with its limit, which does not change with every price."""
    breach = verdict.breach
    limit = money_text(breach.limit) if breach.code == "daily_loss" and isinstance(breach.limit, int) else breach.limit
    return f"{CODES[breach.code].rstrip('.').lower()} ({breach.pt}, limit {limit})"
