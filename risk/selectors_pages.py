"""Read model of the risk page: whether this person's trading is halted, by what, and the limits of each account."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from accounts.models import User, VenueAccount
from accounts.selectors import accounts_of
from core.errors import NotFound
from risk.models import OWN, AccountLimits, HaltScope, HaltState, TradingHalt
from risk.selectors import limits_row
from risk.selectors_receipts import Receipt, receipt_of, stops_for

STOPS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class AccountRisk:
    account: VenueAccount
    limits: AccountLimits


@dataclass(frozen=True, slots=True)
class RiskOverview:
    """`own_halt`: what this person set and may lift; `others`: what else holds for them and only others lift."""

    own_halt: TradingHalt | None
    others: list[TradingHalt]
    accounts: list[AccountRisk]
    stops: list[Receipt]


def risk_overview(user: User) -> RiskOverview:
    accounts = accounts_of(user, mode=settings.TRADING_MODE)
    own = own_halt(user)
    return RiskOverview(
        own_halt=own,
        others=[halt for halt in _halts_for(user, accounts) if own is None or halt.pk != own.pk],
        accounts=[AccountRisk(account, limits_row(account)) for account in accounts],
        stops=[receipt_of(event, reader=user) for event in stops_for(user)[:STOPS_SHOWN]],
    )


def own_halt(user: User) -> TradingHalt | None:
    """The halt that this person set on this page and may lift here; an operator's or the guard's is another cause."""
    halts = TradingHalt.objects.filter(scope=HaltScope.USER, scope_key=str(user.uid), code=OWN)
    return halts.exclude(state=HaltState.ACTIVE).first()


def halts_for(user: User) -> list[TradingHalt]:
    """Every cause that holds for this person now; an operator sees all."""
    if user.is_superuser:
        return list(TradingHalt.objects.exclude(state=HaltState.ACTIVE))
    return _halts_for(user, accounts_of(user, mode=settings.TRADING_MODE))


def _halts_for(user: User, accounts: list[VenueAccount]) -> list[TradingHalt]:
    """Every cause that holds for this person: their own scopes, and the scopes that are nobody's."""
    theirs = Q(scope=HaltScope.USER, scope_key=str(user.uid))
    theirs |= Q(scope=HaltScope.ACCOUNT, scope_key__in=[str(account.uid) for account in accounts])
    anybodys = ~Q(scope__in=[HaltScope.USER, HaltScope.ACCOUNT])
    return list(TradingHalt.objects.filter(theirs | anybodys).exclude(state=HaltState.ACTIVE))


def account_risk(user: User, uid: object) -> AccountRisk:
    """One of the user's accounts. Raises NotFound, also for another user's."""
    found = next((one for one in risk_overview(user).accounts if str(one.account.uid) == str(uid)), None)
    if found is None:
        raise NotFound
    return found
