"""Ask the triggers about accounts and stop what they say, each stop with its code and numbers.

Invariant: a trigger that is answered already (a halt of its code stands) is not told again; a pause of ours is lifted
when its cause is gone, what waits for a person never is; what a person looked at does not trip again (`rearmed`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Mode, VenueAccount
from core import clock
from core.clock import to_ms
from core.errors import Conflict
from risk.checks import Act, Verdict
from risk.models import HaltScope, HaltState, TradingHalt
from risk.selectors import limits_held
from risk.services import halt_resume, halt_set
from risk.triggers import (
    DEFAULTS,
    Trip,
    balance_drop,
    consecutive_losses,
    daily_loss,
    max_drawdown,
    orphaned_order,
    slippage_spike,
    unwind_streak,
)
from trading.models import EquityMark, Order, OrphanedOrder, RunOutcome
from trading.models.reconciliation import OrphanState
from trading.selectors.account_risk import AccountNumbers, account_numbers, slippages_u
from trading.selectors.reconciliation import last_run
from trading.selectors.risk import closed_results

ACTOR = "trigger"
JUMPED = "price_jumped"
SLIPPED = "slippage_spike"
COMPARED_FIRST = frozenset({"db_lost"})
"""What may have been missed meanwhile has to be found before orders leave again (ORDERS D02)."""
UNWOUND_OFTEN = "unwind_streak"
UNWOUND = "partial_fill"
"""The cause of an exit that takes a broken entry off again (`trading.domain.strategies.exits`)."""


def triggers_check_all() -> int:
    """Every enabled account by its rows; how many triggers fired. Simulated ones live in a time that only their trader
    knows."""
    accounts = VenueAccount.objects.select_related("user").filter(is_enabled=True).exclude(mode=Mode.SIMULATED)
    return sum(len(triggers_check(venue_account=account, at=clock.now())) for account in accounts)


def triggers_check(*, venue_account: VenueAccount, at: datetime, unrealized_u: int = 0) -> list[Trip]:
    """What the account's rows say as of `at` (the trader's time); what fired was halted. Notes peak and day's start."""
    numbers = account_numbers(venue_account, at=at, unrealized_u=unrealized_u)
    mark = equity_note(venue_account=venue_account, numbers=numbers, at=at)
    trips = [trip for trip in _trips(venue_account, numbers, mark, at) if trip is not None]
    return [trip for trip in trips if trip_act(venue_account=venue_account, trip=trip)]


def trip_act(*, venue_account: VenueAccount, trip: Trip) -> bool:
    """Stop the account for this cause; False where it was stopped for it before."""
    state = HaltState(trip.stop.value)
    if _standing(venue_account, trip.code) is not None:
        return False
    _halt(venue_account, state, trip.code, f"{trip.code}: {trip.value}, limit {trip.limit}")
    return True


def trip_clear(*, venue_account: VenueAccount, code: str) -> bool:
    """The cause of a pause is gone: lift it; after `COMPARED_FIRST` only with books that were since found clean. What
    waits for a person stays. False where there was nothing to lift."""
    halt = _standing(venue_account, code)
    if halt is None or halt.state != HaltState.PAUSED:
        return False
    if code in COMPARED_FIRST and not _is_compared(venue_account, since=halt.changed_at):
        return False
    return _lift(halt, "The cause is gone.")


def breach_act(*, venue_account: VenueAccount, verdict: Verdict, market_id: str = "") -> bool:
    """What a breach does beside refusing: the account reduces only, or everything halts, until a person looked; or the
    order's market is paused (`market_calm` lifts that)."""
    breach, reason = verdict.breach, f"{verdict.breach.pt}: {verdict.breach.value}, limit {verdict.breach.limit}"
    if verdict.act is Act.DENY:
        return False
    if verdict.act is Act.MARKET:
        return _pause_market(market_id, breach.code, reason)
    if verdict.act is Act.EVERYTHING:
        everything = TradingHalt.objects.filter(scope=HaltScope.GLOBAL, code=breach.code)
        if not everything.exclude(state=HaltState.ACTIVE).exists():
            halt_set(scope=HaltScope.GLOBAL, scope_key="", state=HaltState.HALTED, code=breach.code, reason=reason,
                     actor=ACTOR)  # fmt: skip
        return True
    if _standing(venue_account, breach.code) is None:
        _halt(venue_account, HaltState.REDUCING, breach.code, reason)
    return True


def markets_jumping() -> list[str]:
    """Market ids that are paused because their price jumped."""
    rows = TradingHalt.objects.filter(scope=HaltScope.MARKET, code=JUMPED, state=HaltState.PAUSED)
    return list(rows.order_by("id").values_list("scope_key", flat=True))


def market_calm(*, market_id: str) -> bool:
    """The jump is long enough ago: lift the pause of PT-05. False where there is none of ours."""
    rows = TradingHalt.objects.filter(scope=HaltScope.MARKET, scope_key=market_id, code=JUMPED, state=HaltState.PAUSED)
    return (halt := rows.first()) is not None and _lift(halt, "The price has been calm.")


@transaction.atomic(durable=True)
def equity_note(*, venue_account: VenueAccount, numbers: AccountNumbers, at: datetime) -> EquityMark:
    """Keep the highest worth and the worth at the start of the day; deposits and withdrawals move both along."""
    equity_u, deposits_u = numbers.money.equity_u, numbers.deposits_u
    mark = EquityMark.objects.select_for_update().filter(venue_account=venue_account).first()
    if mark is None:
        mark = EquityMark(venue_account=venue_account, peak_u=equity_u, deposits_u=deposits_u, day=at.date(),
                          day_start_u=equity_u)  # fmt: skip
    moved_u = deposits_u - mark.deposits_u
    mark.peak_u, mark.day_start_u = max(mark.peak_u + moved_u, equity_u), mark.day_start_u + moved_u
    if at.date() > mark.day:
        mark.day, mark.day_start_u = at.date(), equity_u
    mark.equity_u, mark.deposits_u, mark.noted_at = equity_u, deposits_u, at
    mark.save()
    return mark


def _trips(account: VenueAccount, numbers: AccountNumbers, mark: EquityMark, at: datetime) -> Iterable[Trip | None]:
    held = limits_held(account, strategy="")
    results = closed_results(account, at_most=DEFAULTS.losses_of, since=held.losses_counted_from)
    yield daily_loss(numbers.money.loss_today_u, held.limits.max_daily_loss_usd_u)
    if account.mode != Mode.SIMULATED:  # play money goes on: a losing evening is worth watching too
        yield consecutive_losses(results)
    yield unwind_streak(_unwound_ms(account, at), to_ms(at))
    yield max_drawdown(numbers.money.equity_u, mark.peak_u)
    yield balance_drop(numbers.money.equity_u, mark.day_start_u)
    looked_at = _lifted_at(account, SLIPPED)
    yield slippage_spike(slippages_u(account, last=DEFAULTS.slippage_fills, since=looked_at))
    orphans = OrphanedOrder.objects.filter(venue_account=account, state=OrphanState.OPEN)
    yield orphaned_order(orphans.count())


def _unwound_ms(account: VenueAccount, at: datetime) -> list[int]:
    """When exits of broken entries were sent, within the window and since somebody looked at the last streak."""
    since = at - timedelta(milliseconds=DEFAULTS.unwind_window_ms)
    rows = Order.objects.filter(venue_account=account, cause=UNWOUND, claimed_at__gte=since, sent_at__isnull=False)
    if (looked_at := _lifted_at(account, UNWOUND_OFTEN)) is not None:
        rows = rows.filter(created_at__gt=looked_at)
    return [to_ms(moment) for moment in rows.values_list("claimed_at", flat=True)]


def _is_compared(account: VenueAccount, *, since: datetime) -> bool:
    run = last_run(account)
    return run is not None and run.outcome == RunOutcome.CLEAN and run.began_at is not None and run.began_at >= since


def _lift(halt: TradingHalt, reason: str) -> bool:
    try:
        halt_resume(halt=halt, reason=reason, actor=ACTOR)
    except Conflict:
        return False
    return True


def _pause_market(market_id: str, code: str, reason: str) -> bool:
    """False where it is paused for that already."""
    known = TradingHalt.objects.filter(scope=HaltScope.MARKET, scope_key=market_id, code=code)
    if not market_id or known.exclude(state=HaltState.ACTIVE).exists():
        return False
    halt_set(scope=HaltScope.MARKET, scope_key=market_id, state=HaltState.PAUSED, code=code, reason=reason, actor=ACTOR)
    return True


def _standing(account: VenueAccount, code: str) -> TradingHalt | None:
    rows = TradingHalt.objects.filter(scope=HaltScope.ACCOUNT, scope_key=str(account.uid), code=code)
    return rows.exclude(state=HaltState.ACTIVE).first()


def _lifted_at(account: VenueAccount, code: str) -> datetime | None:
    """When the last halt of this cause was lifted; None where there was none, or one stands."""
    rows = TradingHalt.objects.filter(scope=HaltScope.ACCOUNT, scope_key=str(account.uid), code=code)
    return rows.filter(state=HaltState.ACTIVE).values_list("changed_at", flat=True).first()


def _halt(account: VenueAccount, state: HaltState, code: str, reason: str) -> None:
    halt_set(scope=HaltScope.ACCOUNT, scope_key=str(account.uid), state=state, code=code, reason=reason, actor=ACTOR)
