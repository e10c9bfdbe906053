"""Which halts hold for an order, and the limits of its account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import DateTimeField, Q, Value

from accounts.models import Mode, VenueAccount
from risk.limits import NAMES, Level, Limits, account_level, hard_caps
from risk.limits import strictest as strictest_limits
from risk.models import AccountLimits, HaltScope, HaltState, LevelLimits, LimitLevel, TradingHalt

Scope = tuple[HaltScope, str]

_STRICTNESS = {HaltState.ACTIVE: 0, HaltState.REDUCING: 1, HaltState.PAUSED: 2, HaltState.HALTED: 3}


@dataclass(frozen=True, slots=True)
class EffectiveState:
    """The strictest state of the scopes asked for, and which scope says so."""

    state: HaltState
    scope: str = ""
    reason: str = ""
    code: str = ""
    flatten: bool = False
    """A halt that says to leave every position: orders that only reduce still pass."""

    @property
    def allows_entries(self) -> bool:
        return self.state is HaltState.ACTIVE

    @property
    def allows_reducing(self) -> bool:
        return self.flatten or self.state in (HaltState.ACTIVE, HaltState.REDUCING)


class StoppedScope(NamedTuple):
    """One cause that holds now, as little of it as the guard needs fifty times a second."""

    scope: Scope
    state: HaltState
    flatten: bool


_STOPPED_SQL = "SELECT scope, scope_key, state, flatten FROM risk_tradinghalt WHERE state <> %s"


def stopped_scopes() -> list[StoppedScope]:
    """Everything that is stopped, by whatever cause; one small statement, written out because it runs every 20 ms."""
    with connection.cursor() as cursor:
        cursor.execute(_STOPPED_SQL, [HaltState.ACTIVE.value])
        told = cursor.fetchall()
    return [
        StoppedScope((HaltScope(scope), key), HaltState(state), bool(flatten)) for scope, key, state, flatten in told
    ]


def scopes_of(account: VenueAccount, *, strategy: str = "", market_id: str = "", game_id: str = "") -> list[Scope]:
    """Every scope that can stop an order of this account."""
    scopes = [
        (HaltScope.GLOBAL, ""),
        (HaltScope.VENUE, account.venue),
        (HaltScope.USER, str(account.user.uid)),
        (HaltScope.ACCOUNT, str(account.uid)),
    ]
    named = ((HaltScope.STRATEGY, strategy), (HaltScope.MARKET, market_id), (HaltScope.GAME, game_id))
    return scopes + [(scope, key) for scope, key in named if key]


def effective_state(scopes: Iterable[Scope]) -> EffectiveState:
    """One query; the strictest wins."""
    return strictest(halts_in(scopes))


def halts_in(scopes: Iterable[Scope]) -> list[TradingHalt]:
    """Every cause that stops one of the scopes now; one query."""
    named = Q(pk__in=[])
    for scope, key in scopes:
        named |= Q(scope=scope, scope_key=key)
    return list(TradingHalt.objects.filter(named).exclude(state=HaltState.ACTIVE))


def halts_of_kinds(*kinds: HaltScope) -> list[TradingHalt]:
    """Every cause that stops something of these kinds now; one query."""
    return list(TradingHalt.objects.filter(scope__in=kinds).exclude(state=HaltState.ACTIVE))


def strictest(halts: Iterable[TradingHalt]) -> EffectiveState:
    """The strictest of the causes; `flatten` if any of them that is HALTED says so: a person asked for it."""
    halts = list(halts)
    flatten = any(halt.flatten and halt.state == HaltState.HALTED for halt in halts)
    worst = max(halts, key=lambda halt: _STRICTNESS[HaltState(halt.state)], default=None)
    if worst is None:
        return EffectiveState(HaltState.ACTIVE)
    return EffectiveState(HaltState(worst.state), f"{worst.scope}:{worst.scope_key}", worst.reason, worst.code, flatten)


def limits_row(account: VenueAccount) -> AccountLimits:
    """The account's limits; the defaults of the model where nobody set any."""
    return AccountLimits.objects.filter(venue_account=account).first() or AccountLimits(venue_account=account)


@dataclass(frozen=True, slots=True)
class HeldLimits:
    """What holds for an order, and since when the account's losses count. `venue_limit_u`: what the venue's level says
    of the exposure of all its accounts together, µUSD."""

    limits: Limits
    losses_counted_from: datetime | None
    venue_limit_u: int | None = None


Said = tuple[Level, Any, tuple[int | None, ...]]
"""A level, since when losses count (the account's only), and its values in the order of `NAMES`."""


def limits_by_strategy(accounts: Iterable[VenueAccount]) -> dict[tuple[str, str], Limits]:
    """What holds for each account (by its key) and each strategy that has limits of its own; "" for all others. Two
    queries: a trader asks every second."""
    accounts = list(accounts)
    own = {
        row[0]: (Level.ACCOUNT, *row[1:2], row[2:])
        for row in AccountLimits.objects.filter(venue_account__in=accounts).values_list(
            "venue_account_id", "losses_counted_from", *NAMES
        )
    }
    others: dict[tuple[str, str], Said] = {
        (row[0], row[1]): (Level(row[0]), None, row[2:])
        for row in LevelLimits.objects.order_by().values_list("level", "key", *NAMES)
    }
    strategies = ["", *(key for level, key in others if level == LimitLevel.STRATEGY)]
    held = {}
    for account in accounts:
        for key in strategies:
            places = [(LimitLevel.VENUE, account.venue), (LimitLevel.STRATEGY, key)]
            said = [own.get(account.pk), *(others.get((str(level), name)) for level, name in places)]
            held[account.account_key, key] = held_of(account, [one for one in said if one is not None]).limits
    return held


def limits_held(account: VenueAccount, *, strategy: str) -> HeldLimits:
    """The strictest of hard cap, venue, account and strategy for an order of this strategy. One query."""
    columns = ("level", "losses_counted_from", *NAMES)
    never = Value(None, output_field=DateTimeField())
    named = Q(level=LimitLevel.VENUE, key=account.venue) | Q(level=LimitLevel.STRATEGY, key=strategy)
    own = AccountLimits.objects.filter(venue_account=account).annotate(level=Value(str(Level.ACCOUNT)))
    others = LevelLimits.objects.filter(named).order_by().annotate(losses_counted_from=never)
    rows = own.values_list(*columns).union(others.values_list(*columns), all=True)
    return held_of(account, [(Level(row[0]), row[1], row[2:]) for row in rows])


def held_of(account: VenueAccount, rows: Sequence[Said]) -> HeldLimits:
    """The strictest of what the levels say and the hard caps; an account that says nothing has its model's defaults."""
    return _held_of(account.mode == Mode.SIMULATED, tuple(rows))


@lru_cache(maxsize=512)
def _held_of(is_play: bool, rows: tuple[Said, ...]) -> HeldLimits:
    """Kept, because limits are read at every order and seldom changed."""
    said = [(level, dict(zip(NAMES, values, strict=True))) for level, _, values in rows]
    stored = next((values for level, values in said if level is Level.ACCOUNT), None) or AccountLimits().said()
    levels = [one for one in said if one[0] is not Level.ACCOUNT]
    own_level = (Level.ACCOUNT, account_level(stored, is_simulated=is_play))
    limits = strictest_limits([*levels, own_level], caps=hard_caps(is_simulated=is_play))
    since = next((since for level, since, _ in rows if level is Level.ACCOUNT), None)
    of_venue = next((values for level, values in levels if level is Level.VENUE), {})
    return HeldLimits(limits, since, of_venue.get("max_exposure_usd_u"))
