"""The status card: the wish, the fact, the mode, money and whether trading is halted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings

from accounts.models import User, VenueAccount
from accounts.selectors import accounts_of
from core import clock
from core.health import Reading
from trading.models import DesiredState, Order, TraderState, TraderStatus
from trading.selectors.halts import trading_state
from trading.selectors.ledgers import cash_balance, positions_of
from trading.selectors.pending import Pending, pending_of
from trading.selectors.risk import WORKING, realized_on

STALE_AFTER = timedelta(seconds=15)
VENUE_NOW = "venue_now_ms"
"""The key of a heartbeat's stats under which the trader tells the venues' clock."""
UNKNOWN_FIELDS = "unknown_fields"
"""The key under which it tells what the venues sent that no struct declares: `venues.unknown_fields.Summary` each."""
ALIVE = (TraderStatus.STARTING, TraderStatus.RUNNING, TraderStatus.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStatus:
    """Amounts in µUSD over all enabled accounts of the mode. `is_stale`: the trader has not been heard lately."""

    mode: str
    desired: str
    status: str
    is_stale: bool
    detail: str
    heartbeat_at: datetime | None
    started_at: datetime | None
    trading_state: str
    cash_u: int
    reserved_u: int
    open_positions: int
    pending: Pending
    realized_today_u: int
    stats: dict[str, Any]


def bot_status(user: User) -> BotStatus:
    accounts = accounts_of(user, mode=settings.TRADING_MODE)
    state = TraderState.objects.filter(user=user).first() or TraderState(user=user)
    balances = [cash_balance(account) for account in accounts]
    today = _venue_day(state)
    return BotStatus(
        mode=settings.TRADING_MODE,
        desired=state.desired,
        status=_true_status(state, accounts),
        is_stale=is_stale(state),
        detail=state.detail,
        heartbeat_at=state.heartbeat_at,
        started_at=state.started_at,
        trading_state=trading_state(accounts),
        cash_u=sum(balance.cash_u for balance in balances),
        reserved_u=sum(balance.reserved_u for balance in balances),
        open_positions=positions_of(user, is_open=True).count(),
        pending=pending_of(user, mode=settings.TRADING_MODE),
        realized_today_u=sum(realized_on(account, today) for account in accounts),
        stats=state.stats,
    )


def _true_status(state: TraderState, accounts: list[VenueAccount]) -> str:
    """A trader that is alive and was asked to stop is stopping while orders of its own still work, then stopped."""
    if state.desired == DesiredState.RUNNING or state.status not in ALIVE:
        return state.status
    own = Order.objects.filter(venue_account__in=accounts, status__in=WORKING, is_external=False)
    return TraderStatus.STOPPING if own.exists() else TraderStatus.STOPPED


def _venue_day(state: TraderState) -> date:
    """The day that `PnlDay` is kept by: the venues' clock as the trader last told it, gone on since; else our own."""
    told_ms, now = state.stats.get(VENUE_NOW), clock.now()
    if told_ms is None:
        return now.date()
    since = now - state.heartbeat_at if state.heartbeat_at else timedelta(0)
    return (clock.from_ms(int(told_ms)) + since).date()


def is_stale(state: TraderState) -> bool:
    """A trader that called itself alive and has not told so for a while. What was told in the future says nothing: our
    clock has run back since."""
    if state.status not in ALIVE:
        return False
    return state.heartbeat_at is None or abs(clock.now() - state.heartbeat_at) > STALE_AFTER


def trader_reading() -> Reading:
    """For /api/health: well while every trader that should run is heard."""
    wanted = list(TraderState.objects.filter(desired=DesiredState.RUNNING))
    silent = [state for state in wanted if is_stale(state) or state.status == TraderStatus.FAILED]
    running = sum(state.status == TraderStatus.RUNNING for state in wanted)
    return Reading(not silent, f"{running} of {len(wanted)} running")


def venue_fields_reading() -> Reading:
    """For /api/health: fields of the venues' messages that nobody here knows. News to look at, not an outage."""
    worst: dict[str, dict[str, Any]] = {}
    for state in TraderState.objects.filter(desired=DesiredState.RUNNING):
        for venue, met in state.stats.get(UNKNOWN_FIELDS, {}).items():
            if venue not in worst or met["names"] > worst[venue]["names"]:
                worst[venue] = met
    told = [
        f"{venue} {met['names']} ({met['times']} times, latest {met['latest']})" for venue, met in sorted(worst.items())
    ]
    return Reading(True, f"unknown: {'; '.join(told) or 'none'}")


def wanted_users() -> list[User]:
    """Whose trader should run, for the process that runs traders."""
    states = TraderState.objects.filter(desired=DesiredState.RUNNING, user__is_active=True)
    return [state.user for state in states.select_related("user").order_by("user_id")]


def is_wanted(user: User) -> bool:
    """True while the user wants the trader to run."""
    return TraderState.objects.filter(user=user, desired=DesiredState.RUNNING).exists()
