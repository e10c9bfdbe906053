"""What halts mean for the accounts of one trader: a state per account, and the markets in which nothing may rest.

Invariant: a halt stops exactly its scope here as it does in a claim: a venue's only the accounts at that venue, a
market's only that market.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import VenueAccount
from markets.models import Market
from risk.models import HaltScope, TradingHalt
from risk.selectors import halts_in, halts_of_kinds, scopes_of, strictest
from trading.domain.messages import Narrowed, TradingState, TradingStateChanged
from trading.models import Order
from trading.selectors.risk import WORKING

_MILDEST = tuple(TradingState).index


def trading_state(accounts: list[VenueAccount]) -> TradingState:
    """The strictest state over all of the accounts: what the status card shows."""
    return _state(halts_in(scope for account in accounts for scope in scopes_of(account)))


def trading_states(accounts: list[VenueAccount]) -> dict[str, TradingState]:
    """The state of each account by its `account_key`; one query for all."""
    scopes = {account.account_key: scopes_of(account) for account in accounts}
    halts = halts_in(scope for named in scopes.values() for scope in named)
    return {
        key: _state(halt for halt in halts if (halt.scope, halt.scope_key) in named) for key, named in scopes.items()
    }


def desk_state(accounts: list[VenueAccount], *, strategy: str) -> TradingStateChanged:
    """What stops a trader of these accounts that runs `strategy`: everywhere what stops all of them, and beside it
    what stops one account or market."""
    scopes = {account.account_key: scopes_of(account, strategy=strategy) for account in accounts}
    halts = halts_in(scope for named in scopes.values() for scope in named)
    told = {
        key: strictest(halt for halt in halts if (halt.scope, halt.scope_key) in named) for key, named in scopes.items()
    }
    state = min((TradingState(one.state.value) for one in told.values()), key=_MILDEST, default=TradingState.ACTIVE)
    flatten = bool(told) and all(one.flatten for one in told.values())
    narrow = [
        Narrowed(account=key, state=TradingState(one.state.value), flatten=one.flatten)
        for key, one in sorted(told.items())
        if (one.state.value, one.flatten) != (state.value, flatten)
    ]
    narrow += [
        Narrowed(market_id=market_id, state=_state(named), flatten=strictest(named).flatten)
        for market_id, named in _market_halts(accounts).items()
    ]
    reasons = {one.reason for one in told.values() if one.reason}
    return TradingStateChanged(state, "; ".join(sorted(reasons))[:200], flatten, tuple(narrow))


def halted_markets(accounts: list[VenueAccount]) -> dict[str, TradingState]:
    """Markets that a halt of the market, its game or a strategy stops, by `market_id`, each in its strictest state.

    A strategy's halt names the markets in which the accounts have orders of that strategy working. One query while
    nothing of the kind is halted.
    """
    return {market_id: _state(named) for market_id, named in _market_halts(accounts).items()}


def _market_halts(accounts: list[VenueAccount]) -> dict[str, list[TradingHalt]]:
    causes: dict[str, list[TradingHalt]] = {}
    for halt in halts_of_kinds(HaltScope.MARKET, HaltScope.GAME, HaltScope.STRATEGY):
        for market_id in _markets_of(halt, accounts):
            causes.setdefault(market_id, []).append(halt)
    return dict(sorted(causes.items()))


def _markets_of(halt: TradingHalt, accounts: list[VenueAccount]) -> Iterable[str]:
    if halt.scope == HaltScope.MARKET:
        return [halt.scope_key]
    if halt.scope == HaltScope.GAME:
        return Market.objects.filter(game__game_id=halt.scope_key).values_list("market_id", flat=True)
    working = Order.objects.filter(venue_account__in=accounts, status__in=WORKING, strategy=halt.scope_key)
    return working.order_by().values_list("market__market_id", flat=True).distinct()


def _state(halts: Iterable[TradingHalt]) -> TradingState:
    return TradingState(strictest(halts).state.value)
